"""The coordinator and its worker processes: they run the tests, and report each outcome."""
