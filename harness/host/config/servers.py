"""The tables below ``[tool.harness.servers]``: how the servers of an engine are run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import UsageError
from harness.host.config.values import BYTES, SWITCH, TEXT, TEXTS, Form, Mismatch, choice, unknown_key, wrong_value
from harness.host.engines import KNOWN, Replication


def _key(form: Form, hint: str, default: object = None) -> Any:
    return dataclasses.field(
        default=form.default if default is None else default, metadata={"form": form, "hint": hint}
    )


@dataclasses.dataclass(frozen=True, slots=True)
class ServerConfig:
    """One table. ``image`` is any image with the engine's binaries, ``apt`` are Debian packages that are added to it.

    ``in_memory``: the databases' files are in memory, at most ``memory_size`` bytes for each server, ``None`` for no limit;
    ``False`` puts them on the engine's disk. ``replication``: how a replica finds its position.
    """

    image: str | None = _key(TEXT, "Name an image as docker pull takes it.")
    apt: tuple[str, ...] = _key(TEXTS, 'Name Debian packages, such as "postgresql-17-postgis-3".', default=())
    in_memory: bool = _key(SWITCH, "true is faster; false is for databases that do not fit in memory.", default=True)
    memory_size: int | None = _key(BYTES, "It limits the memory that the databases of each server may take.")
    replication: Replication = _key(
        choice("gtid", "position"),
        '"position" is for suites with MyISAM tables, which MySQL refuses where replicas follow by GTID.',
    )


_KEYS = {field.name: field.metadata for field in dataclasses.fields(ServerConfig)}


def read_servers(tables: Mapping[str, object], place: Callable[[str], str]) -> dict[str, ServerConfig]:
    """The tables by engine; *place* names a part of them. Raises ``UsageError``."""
    servers = {}
    for engine, content in tables.items():
        if engine not in KNOWN:
            raise unknown_key(engine, KNOWN, place(""))
        if not isinstance(content, dict):
            raise wrong_value(place(f".{engine}"), "a table", content, 'For example image = "...".')
        servers[engine] = _read_server(engine, content, place)
    return servers


def _read_server(engine: str, content: Mapping[str, object], place: Callable[[str], str]) -> ServerConfig:
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in _KEYS:
            raise unknown_key(key, _KEYS, place(f".{engine}"))
        form: Form = _KEYS[key]["form"]
        try:
            values[key] = form.from_toml(value)
        except Mismatch as wrong:
            raise wrong_value(place(f".{engine}.{key}"), form.expected, wrong.seen, _KEYS[key]["hint"]) from None
    server = ServerConfig(**values)
    if server.replication == "position" and engine != "mysql":
        raise UsageError(
            f"{place(f'.{engine}.replication')}: only MySQL's replicas follow by position.",
            hint="Leave it out: replicas of this engine take tables of every kind.",
        )
    if server.memory_size is not None and not server.in_memory:
        raise UsageError(
            f"{place(f'.{engine}')} has a memory_size, and in_memory = false.", hint="Leave one of them out."
        )
    return server
