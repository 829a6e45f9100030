"""A run as its reports see it: outcomes, attempts, the verdict, and the texts that all of them share. Pure."""
