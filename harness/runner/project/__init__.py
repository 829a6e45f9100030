"""The project: its settings, topology, labels, and the run of its suite by its own runner class."""
