"""Reads go to the replica, or to the primary for the rest of a request that has written."""

from contextvars import ContextVar

has_written = ContextVar("has_written", default=False)


class ReplicaRouter:
    """Reads go to the replica, writes to the primary."""

    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, first, second, **hints):
        return True


class PinningRouter(ReplicaRouter):
    """As ``ReplicaRouter``, until something is written."""

    def db_for_read(self, model, **hints):
        return "default" if has_written.get() else "replica"

    def db_for_write(self, model, **hints):
        has_written.set(True)
        return "default"
