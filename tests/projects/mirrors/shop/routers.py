import random

MIRRORS = {"replica", "second"}


class RandomRouter:
    """Reads go to a replica that is chosen at random, as in Django's documentation."""

    def db_for_read(self, model, **hints):
        return random.choice(sorted(MIRRORS))

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, one, other, **hints):
        return True
