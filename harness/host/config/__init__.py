"""The configuration of a run: options from flags, environment and ``pyproject.toml``, with their sources."""
