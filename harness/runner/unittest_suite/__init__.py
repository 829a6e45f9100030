"""Runs unittest's test classes in a worker, or observes a runner that runs them itself."""
