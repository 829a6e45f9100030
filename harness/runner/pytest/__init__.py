"""Runs the tests of a pytest project: pytest collects them, and workers run them by pytest's own protocol."""
