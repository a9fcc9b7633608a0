"""Root file systems of distributions, at hand: add them, measure them, run a program in them."""
