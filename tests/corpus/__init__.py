"""Hostile and broken inputs, made by scripts: always the same bytes."""
