"""Runs the tests: in a container of its own, or as a child process of the host."""
