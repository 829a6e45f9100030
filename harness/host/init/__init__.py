"""``harness init``: finds the configuration of a project in its own files, and writes it as ``[tool.harness]``."""
