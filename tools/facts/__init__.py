"""`python -m tools.facts`: reads and measures again what trimaran.facts says, and shows the difference."""
