"""Tools for those who work on Trimaran; nothing of it is installed with the product."""
