"""Builds every name: of servers, containers, networks, databases, files. No other module composes or splits one."""

from __future__ import annotations

import hashlib
import re
import urllib.parse

PREFIX = "harness"
LABEL = "org.django-ci-harness"
POSTGRES_NAME_BYTES = 63
"""PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1), which would make a clone its own template."""
MYSQL_NAME_CHARACTERS = 64
FILE_NAME_BYTES = 200
DATABASES_VARIABLE = "_DJANGO_CI_HARNESS_DATABASES"
"""The variable by which a Python that a test or ``harness shell`` starts gets the entries of ``DATABASES``, as JSON. Its reader
is ``runner.startup.sitecustomize``, which imports nothing of ours.
"""
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_CLONE_SUFFIX_BYTES = 5  # "_" and up to four digits of a slot
_SUFFIXES = (".txt", ".rst", ".md", ".yaml", ".yml", ".toml", ".json")
"""Files in a root that plugins of pytest collect tests from, besides Python's."""
# devices on Windows, where artifacts are unpacked too
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def is_dotted(text: str) -> bool:
    """Whether *text* has the form of a Python name, plain or dotted."""
    return _DOTTED.fullmatch(text) is not None


def container(run: str, part: str) -> str:
    """The name of a run's container; *part* is a server's id or ``runner``."""
    return f"{PREFIX}-{run}-{part}"


def network(run: str) -> str:
    """The name of a run's own network."""
    return f"{PREFIX}-{run}"


def seed_volume(digest: str) -> str:
    """The name of the engine's volume with the migrated seed of this *digest*."""
    return f"{PREFIX}-seed-{digest[:24]}"


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
    """*name* if a clone's suffix fits behind it, else its beginning with a digest of the whole."""
    return name if len(name.encode()) <= limit_bytes - _CLONE_SUFFIX_BYTES else database_apart(name, name, limit_bytes)


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


def is_node_id(test_id: str) -> bool:
    """Whether *test_id* is one of pytest's, ``tests/test_x.py::TestA::test_b[1-x]``, or the path of such a file."""
    path, separator, _ = test_id.partition("[")[0].partition("::")
    return path.endswith(".py") or bool(separator and ("/" in path or "." not in path or path.endswith(_SUFFIXES)))


def node_parts(test_id: str) -> tuple[str, ...]:
    """The path, the classes and the name of a node id. Parameters, in which colons are no separators, stay with the name."""
    name, bracket, parameters = test_id.partition("[")
    *owners, last = name.split("::")
    return (*owners, f"{last}{bracket}{parameters}")


def class_and_name(test_id: str) -> tuple[str, str]:
    """The class and the name that a test's id says: ``tests.test_x.TestA`` and ``test_b[1-x]``, as pytest's own JUnit has them
    for a node id; the name of a file's id is ``(collection)``.
    """
    if not is_node_id(test_id):
        owner, _, name = test_id.rpartition(".")
        return owner, name
    path, *inner = node_parts(test_id)
    module = path.removesuffix(".py").replace("/", ".")
    return (".".join([module, *inner[:-1]]), inner[-1]) if inner else (module, "(collection)")


def sql_file(test_id: str) -> str:
    """The path of a test's SQL below the artifacts folder. Any id gives one safe file name; equal ids give equal names."""
    return f"sql/{_file_stem(test_id)}.sql"


def replay_file(test_id: str) -> str:
    """The path of the order that led to a test's failure, below the artifacts folder."""
    return f"replay/{_file_stem(test_id)}.txt"


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
