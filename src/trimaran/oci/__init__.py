"""Registries and image layouts: what an image is made of, fetched without a daemon and checked by digest."""
