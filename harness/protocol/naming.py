"""Builds and parses every name: of servers, containers, networks, databases, files. No other module composes or splits one."""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from dataclasses import dataclass

PREFIX = "harness"
LABEL = "org.django-ci-harness"
POSTGRES_NAME_BYTES = 63
"""PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1), which would make a clone its own template."""
MYSQL_NAME_CHARACTERS = 64
FILE_NAME_BYTES = 200
_CLONE_SUFFIX_BYTES = 5  # "_" and up to four digits of a slot
_DEVICE = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE
)  # devices on Windows, where artifacts are unpacked too


@dataclass(frozen=True, slots=True)
class ContainerName:
    """The parts of a container's name: ``harness-RUN-WHAT``; *what* is a server's id or ``runner``."""

    run: str
    what: str

    def __str__(self) -> str:
        return f"{PREFIX}-{self.run}-{self.what}"


def parse_container(name: str) -> ContainerName | None:
    """The parts of a container's name, or ``None`` if it is not the harness's."""
    match = re.fullmatch(rf"/?{PREFIX}-([0-9a-f]{{8}})-([a-z0-9][a-z0-9-]*)", name)
    return ContainerName(match[1], match[2]) if match else None


def network(run: str) -> str:
    """The name of a run's own network."""
    return f"{PREFIX}-{run}"


def server_id(alias: str, taken: set[str]) -> str:
    """A server's id, also its host name and its log's: *alias* in lower-case letters, digits and hyphens, not in *taken*."""
    stem = re.sub(r"[^a-z0-9]+", "-", alias.lower()).strip("-")[:40].strip("-") or "server"
    if stem in ("runner", "localhost") or _DEVICE.match(stem):
        stem = f"{stem}-server"
    candidate, number = stem, 2
    while candidate in taken:
        candidate, number = f"{stem}-{number}", number + 1
    return candidate


def database(name: str, limit_bytes: int = POSTGRES_NAME_BYTES) -> str:
    """*name* if it leaves room for a clone's suffix, else its beginning with a digest of the whole."""
    room = limit_bytes - _CLONE_SUFFIX_BYTES
    if len(name.encode()) <= room:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: room - 9].decode(errors="ignore") + "_" + digest


def database_apart(name: str, owner: str, limit_bytes: int = POSTGRES_NAME_BYTES) -> str:
    """*name*, or its beginning, with a digest of *owner*: for a database whose name is taken or unusable."""
    digest = hashlib.sha256(owner.encode()).hexdigest()[:8]
    return name.encode()[: limit_bytes - _CLONE_SUFFIX_BYTES - 9].decode(errors="ignore") + "_" + digest


def clone(template: str, slot: int) -> str:
    """The name of a slot's clone, as Django composes it."""
    return f"{template}_{slot}"


def parse_clone(name: str) -> tuple[str, int] | None:
    """The template and the slot of a clone's name, or ``None`` if it has no slot."""
    template, _, slot = name.rpartition("_")
    return (template, int(slot)) if template and slot.isdecimal() and slot == str(int(slot)) else None


def sql_file(test_id: str) -> str:
    """The path of a test's SQL below the artifacts folder. Any id gives one safe file name; equal ids give equal names."""
    return f"sql/{_file_stem(test_id)}.sql"


def replay_file(test_id: str) -> str:
    """The path of the order that led to a test's failure, below the artifacts folder."""
    return f"replay/{_file_stem(test_id)}.txt"


def parse_sql_file(path: str) -> str | None:
    """The id of the test that *path* belongs to; ``None`` when the name was cut to fit and holds a digest only."""
    stem = path.removeprefix("sql/").removesuffix(".sql")
    if "~" in stem:
        return None
    return urllib.parse.unquote(stem, errors="surrogatepass")


def schema_file(alias: str) -> str:
    """The path of an alias's schema below the artifacts folder."""
    return f"schema/{_file_stem(alias)}.sql"


def log_file(server: str) -> str:
    """The path of a server's log below the artifacts folder."""
    return f"logs/{server}.log"


def _file_stem(name: str) -> str:
    """*name* quoted as one file name; an empty or too long one ends in ``~`` and a digest instead, and cannot be unquoted."""
    quoted = urllib.parse.quote(name, safe="()[], =", errors="surrogatepass").replace("~", "%7E")
    if quoted.startswith((".", " ")) or _DEVICE.match(quoted):
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    if 0 < len(quoted) <= FILE_NAME_BYTES:
        return quoted
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:12]
    return quoted[: FILE_NAME_BYTES - 13] + "~" + digest
