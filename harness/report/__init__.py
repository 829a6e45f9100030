"""Folds the events of a run into reports. Knows the protocol alone."""
