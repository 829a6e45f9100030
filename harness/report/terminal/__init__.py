"""A run on the terminal: progress while it runs, and the summary at its end."""
