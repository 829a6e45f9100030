"""Runs the tests of a project by pytest itself."""
