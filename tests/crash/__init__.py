"""The contract of `perform`: killed at any step and run again, an action is done once."""
