"""Starts the runner, in a container or as a child process, and talks to it."""
