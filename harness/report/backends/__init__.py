"""Several runs of one suite side by side, one for each backend."""
