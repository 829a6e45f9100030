"""Decides which worker runs which tests, and in which order. Pure."""
