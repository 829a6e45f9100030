"""The topology and the key of the databases of a project's last run with the same options.

With it the servers of the next run start at the same time as its runner. Nothing is decided by it: the runner reports topology
and key anew, and servers that turn out to be wrong are started again. A ``fingerprint`` of files says whether it is worth a try.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.host.digest import digest_of
from harness.protocol import codec
from harness.protocol.events import TopologyFound

_FOLDER = "runs"
_MOST = 200
"""The number of runs that are remembered."""
_DEPENDENCIES = ("*requirements*.txt", "*.lock", "pyproject.toml", "Pipfile*", "setup.cfg", "setup.py")


@dataclass(frozen=True, slots=True)
class LastRun:
    """A run that has made its templates. ``key`` is empty where they must not be cached. ``near`` is the key that was wanted
    where they began from an ancestor. ``parts`` are those of ``SeedWanted``.
    """

    fingerprint: str
    topology: TopologyFound
    key: str
    near: str = ""
    parts: tuple[str, ...] = ()


def fingerprint(root: Path, names: Iterable[str], settings: str | None) -> str:
    """A digest of those files in *root* that most often change the databases: migrations, settings, and the lists of packages.

    *names* are the project's files, *settings* is its settings module, if it is known.
    """
    module = (settings or "settings").rpartition(".")[2]
    parts: list[bytes] = []
    for name in sorted(names):
        path = PurePosixPath(name)
        is_code = path.suffix in (".py", ".sql") and "migrations" in path.parts
        is_settings = path.suffix == ".py" and ("settings" in name or path.stem == module)
        if is_code or is_settings or any(path.match(pattern) for pattern in _DEPENDENCIES):
            with contextlib.suppress(OSError):
                parts += [name.encode(errors="surrogateescape"), hashlib.sha256((root / name).read_bytes()).digest()]
    return digest_of(parts)


class Memory:
    """The remembered runs in a *folder* of the cache, by their ``identity``: what they have been asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER

    def read(self, identity: str) -> LastRun | None:
        """The last run of *identity*; ``None`` if there is none that can be read."""
        try:
            values = json.loads((self._folder / identity).read_text())
            topology = codec.decode_body(values["topology"])
            key, near = str(values["key"]), str(values["near"])
            last = LastRun(str(values["fingerprint"]), topology, key, near, tuple(map(str, values["parts"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return last if isinstance(topology, TopologyFound) else None

    def write(self, identity: str, last: LastRun) -> None:
        """Remember *last*; nothing happens where that cannot be written."""
        topology = codec.encode_body(last.topology)
        values = {**dataclasses.asdict(last), "topology": topology}
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False) as file:
                json.dump(values, file)
            Path(file.name).rename(self._folder / identity)
            oldest_first = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime)
            for each in oldest_first[:-_MOST]:
                each.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget every run."""
        with contextlib.suppress(OSError):
            for each in self._folder.iterdir():
                each.unlink(missing_ok=True)


def identity(parts: Iterable[object]) -> str:
    """The name under which a run with these options is remembered."""
    return digest_of(repr(part).encode() for part in parts)[:32]
