"""The project on disk: its files, settings module, dependencies and Python version. Runs nothing."""
