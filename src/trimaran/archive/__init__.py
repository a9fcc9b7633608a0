"""Archives that others made, entry by entry, in bounded memory."""
