"""Decides which servers and runs a configuration needs, and where their data is. Pure."""
