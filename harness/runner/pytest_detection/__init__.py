"""Finds the tests that only pytest can run, where Django's runner runs the others."""
