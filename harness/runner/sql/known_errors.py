"""Advice for errors of a driver that name no cause."""

from __future__ import annotations

_NOT_BY_GTID = 1785


def advice(error: BaseException) -> str:
    """Advice for *error* (a driver's or Django's) if only a primary that replicates by GTID raises it; else empty."""
    if not error.args or error.args[0] != _NOT_BY_GTID:
        return ""
    return (
        "Tables without transactions (MyISAM) and a primary that replicates by GTID exclude each other:"
        ' replication = "position" in [tool.harness.servers.mysql] replicates by position.'
    )
