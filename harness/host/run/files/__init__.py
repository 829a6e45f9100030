"""Files of a run that cross to the tests, and those that come back."""
