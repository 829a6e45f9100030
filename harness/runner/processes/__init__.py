"""Processes on Linux: child processes with all that they start, and the cores and attributes of this process."""
