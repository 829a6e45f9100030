"""A plan as ``harness plan`` shows it: one structure for ``--json``, and rows of text for a table. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from harness.host.planning.plan import PlannedServer, ServerPlan
from harness.protocol.codec import to_plain
from harness.report.formats.tables import Column, Table

VERSION = 1
"""The version of the document; a new field does not change it."""

SERVER_COLUMNS = ("server", "engine", "role", "streams from", "aliases", "users")
ALIAS_COLUMNS = ("alias", "server", "test database", "kind", "backend", "user", "after")


def document(plan: ServerPlan) -> dict[str, object]:
    """*plan* as JSON's own types."""
    return {
        "version": VERSION,
        "servers": [_server(server) for server in plan.servers],
        "aliases": {
            route.alias: {
                "server": route.server,
                "database": route.database,
                "mode": route.mode,
                "mirror_of": route.mirror_of,
                "dependencies": list(route.dependencies),
                "backend": route.backend,
                "user": route.user,
            }
            for route in plan.routes
        },
        "creation_order": list(plan.creation_order),
        "notices": to_plain(plan.notices),
    }


def documents(plans: Mapping[str, ServerPlan]) -> dict[str, object]:
    """The plan of one backend as it is, the plans of several by the backends' names."""
    if len(plans) == 1:
        return document(next(iter(plans.values())))
    return {"version": VERSION, "backends": {name: document(plan) for name, plan in plans.items()}}


def tables(plans: Mapping[str, ServerPlan]) -> list[str]:
    """The lines of one backend's plan, or those of each of several below its name."""
    if len(plans) == 1:
        return table(next(iter(plans.values())))
    lines: list[str] = []
    for name, plan in plans.items():
        lines += [*([""] if lines else []), f"=== {name}", "", *table(plan)]
    return lines


def table(plan: ServerPlan) -> list[str]:
    """*plan* as lines of text: servers, aliases, the creation order of test databases, and notices."""
    lines = [*columns(SERVER_COLUMNS, server_rows(plan)), "", *columns(ALIAS_COLUMNS, alias_rows(plan))]
    lines += ["", f"test databases are made in this order: {', '.join(plan.creation_order) or 'there are none'}"]
    return lines + [f"note: {notice.text}" for notice in plan.notices]


def server_rows(plan: ServerPlan) -> list[tuple[str, ...]]:
    """A row of ``SERVER_COLUMNS`` for each server."""
    return [
        (
            server.id,
            f"{server.engine.title} {server.version}",
            server.role,
            server.primary or "",
            ", ".join(server.aliases),
            ", ".join(server.users),
        )
        for server in plan.servers
    ]


def alias_rows(plan: ServerPlan) -> list[tuple[str, ...]]:
    """A row of ``ALIAS_COLUMNS`` for each alias, in the order of ``DATABASES``."""
    return [
        (
            route.alias,
            route.server or "(none)",
            route.database,
            f"mirror of {route.mirror_of}" if route.mirror_of else route.mode,
            route.backend,
            route.user,
            ", ".join(route.dependencies),
        )
        for route in plan.routes
    ]


def columns(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """*rows* below *head* as lines of text, each column as wide as its widest cell."""
    cells = [tuple(name.upper() for name in head), *rows]
    return [line.plain for line in Table([Column(name) for name in head], cells).lines()]


def _server(server: PlannedServer) -> dict[str, object]:
    return {
        "id": server.id,
        "engine": server.engine.name,
        "version": server.version,
        "role": server.role,
        "primary": server.primary,
        "aliases": list(server.aliases),
        "users": list(server.users),
    }
