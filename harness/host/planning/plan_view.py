"""A plan as ``harness plan`` shows it: one structure for ``--json``, and rows of text for a table. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.host.planning.plan import ServerPlan
from harness.host.project.dependencies import Installation, describe
from harness.protocol.codec import to_plain
from harness.report.formats import summary
from harness.report.formats.tables import Column, Table

VERSION = 1
"""The version of the document; a new field does not change it."""

SERVER_COLUMNS = ("server", "engine", "role", "streams from", "aliases", "users")
ALIAS_COLUMNS = ("alias", "server", "test database", "kind", "backend", "user", "after")
_ROUTE_KEYS = ("server", "database", "mode", "mirror_of", "dependencies", "backend", "user")
_SERVER_KEYS = ("version", "role", "primary", "aliases", "users")


def documents(plans: Mapping[str, ServerPlan]) -> dict[str, object]:
    """The plan of one backend for JSON, the plans of several by the backends' names."""
    made = {name: _document(plan) for name, plan in plans.items()}
    return {"version": VERSION, "backends": made} if len(made) > 1 else next(iter(made.values()))


def tables(plans: Mapping[str, ServerPlan]) -> list[str]:
    """The lines of one backend's plan, or those of each of several below its name."""
    if len(plans) == 1:
        return _table(*plans.values())
    parts = [["", f"=== {name}", "", *_table(plan)] for name, plan in plans.items()]
    return [line for part in parts for line in part][1:]


def installation_document(installations: Sequence[Installation]) -> dict[str, object]:
    """The source of the project's dependencies and the commands for JSON, those of several by their Django; empty without."""
    keys = ("declared_in", "reason", "commands", "notices", "django")
    made = {each.django: {key: to_plain(getattr(each, key)) for key in keys} for each in installations}
    if not made:
        return {}
    return {"dependencies_by_django": made} if len(made) > 1 else {"dependencies": made[installations[0].django]}


def installation_lines(installations: Sequence[Installation]) -> list[str]:
    """The lines on the source of the project's dependencies, and their notices, each once."""
    lines = [f"dependencies: {describe(each)}" for each in installations]
    lines += dict.fromkeys(f"note: {text}" for each in installations for text in each.notices)
    return ["", *lines] if lines else []


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """*rows* below *head* as lines of text, each column as wide as its widest cell."""
    cells = [[name.upper() for name in head], *rows]
    return [line.plain for line in Table([Column(name) for name in head], cells).lines()]


def _document(plan: ServerPlan) -> dict[str, object]:
    return {
        "version": VERSION,
        "servers": [
            {"id": server.id, "engine": server.engine.name, **{key: getattr(server, key) for key in _SERVER_KEYS}}
            for server in plan.servers
        ],
        "aliases": {route.alias: {key: getattr(route, key) for key in _ROUTE_KEYS} for route in plan.routes},
        "creation_order": list(plan.creation_order),
        "framework": summary.framework(plan.framework),
        "notices": to_plain(plan.notices),
        "advice": to_plain(plan.advice),
    }


def _table(plan: ServerPlan) -> list[str]:
    """Servers, aliases, the creation order of test databases, notices and advice."""
    servers = [
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
    aliases = [
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
    lines = [*columns(SERVER_COLUMNS, servers), "", *columns(ALIAS_COLUMNS, aliases)]
    lines += ["", f"test databases are made in this order: {', '.join(plan.creation_order) or 'there are none'}"]
    if plan.framework is not None:
        lines.append(f"the tests are run by {plan.framework.version or 'Django'}: {plan.framework.reason}")
    lines += [f"note: {notice.text}" for notice in plan.notices]
    return lines + [line for each in plan.advice for line in (f"advice: {each.text}", f"  write: {each.write}")]
