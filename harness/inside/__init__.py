"""The room that runs tests, in the runner container or a child process. It never imports Docker."""
