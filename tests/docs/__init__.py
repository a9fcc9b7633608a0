"""Documentation and code say the same: what is generated, what is shown, and what is named."""
