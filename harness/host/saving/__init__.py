"""Saving the databases of a run as migrated seeds, in a process that outlives the run."""
