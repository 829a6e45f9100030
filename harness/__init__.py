"""A containerized CI test harness for Django projects. The command is ``harness``; see ``harness.cli``."""

import time

__version__ = "0.1.0"
LOADED = time.monotonic()
"""The moment of the package's import, for the time of the command's start."""
