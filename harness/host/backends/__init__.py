"""Several runs at once, one for each backend, and their merged result."""
