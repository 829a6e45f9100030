"""Goes on without a server: reads leave a replica that is down, and orders wait for a primary that is."""

from django.db import DatabaseError, InterfaceError, connections

FAILURES = (DatabaseError, InterfaceError)


def answers(alias):
    """Whether the server of *alias* answers, asked by a new connection."""
    connections[alias].close()
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except FAILURES:
        connections[alias].close()
        return False


class Router:
    """Reads go to ``Router.reader``, and writes to ``Router.writer``, which ``fail_over`` changes."""

    reader = "replica"
    writer = "default"

    def db_for_read(self, model, **hints):
        return Router.reader

    def db_for_write(self, model, **hints):
        return Router.writer

    def allow_relation(self, first, second, **hints):
        return True


def choose_reader():
    """Read from the first server that answers."""
    Router.reader = next((alias for alias in ("replica", "default") if answers(alias)), "replica")
    return Router.reader


class Outbox:
    """Takes orders also while the primary is down, and saves them once it is back."""

    def __init__(self):
        self.waiting = []

    def place(self, order):
        """Save *order*, or keep it. Returns whether it is saved."""
        try:
            order.save()
        except FAILURES:
            connections[Router.writer].close()
            self.waiting.append(order)
            return False
        return True

    def send(self):
        waiting, self.waiting = self.waiting, []
        return sum(self.place(order) for order in waiting)
