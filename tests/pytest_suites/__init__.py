"""Any project's own suite for pytest: the results of its own command beside those of the harness."""
