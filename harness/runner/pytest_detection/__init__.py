"""Test functions written for pytest: found, configured and run beside unittest's classes."""
