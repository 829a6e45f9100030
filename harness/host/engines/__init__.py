"""One module a database engine: its images, seed, readiness and replication, as data and small functions."""
