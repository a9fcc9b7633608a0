"""The commands: one file per verb or noun, loaded only when it is called."""
