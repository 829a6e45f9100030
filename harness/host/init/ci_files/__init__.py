"""Reads the steps of a project's CI: workflows, and the tox, nox, make and shell files that they call."""
