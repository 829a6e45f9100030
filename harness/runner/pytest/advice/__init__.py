"""Explains the errors that end pytest before its tests run: each with the next step."""
