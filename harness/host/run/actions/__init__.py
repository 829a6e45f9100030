"""Actions on the servers of a run that its tests ask for."""
