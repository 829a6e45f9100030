"""Spellings of options that the host and the runner both read."""
