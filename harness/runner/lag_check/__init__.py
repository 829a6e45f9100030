"""``--lag-check``: runs the tests that read a replica once more while it is late, and finds the reads that missed a write."""
