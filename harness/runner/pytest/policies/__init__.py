"""Carries out the options and marks of pytest's plugins that say how long, how often and in which order the tests run."""
