"""A containerized CI test harness for Django projects. The command is ``harness``; see ``harness.cli``."""

__version__ = "0.1.0"
