"""The runner: runs the tests, in a container or a child process. It never imports Docker."""
