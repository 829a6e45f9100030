"""The processes of a local server, as ``/proc`` shows them: what runs below its supervisor, and whether it is stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

STOPPED = "T"
"""The state of a process that a signal has stopped; one that a debugger has stopped has another."""


def below(pid: int) -> Iterator[tuple[int, str]]:
    """The processes below *pid* and their states; none where the system has no ``/proc``."""
    parents: dict[int, list[tuple[int, str]]] = {}
    for name in _numbers():
        state, parent = _state_and_parent(name)
        parents.setdefault(parent, []).append((int(name), state))
    found = [pid]
    for each in found:
        for child, state in parents.get(each, ()):
            found.append(child)
            yield child, state


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped the process *pid*."""
    return _state_and_parent(str(pid))[0] == STOPPED


def main_process(folder: Path) -> int | None:
    """The process of the database server in *folder*, by the file that it writes its number to; ``None`` before it has."""
    for name in ("data/postmaster.pid", "mysqld.pid"):
        try:
            return int((folder / name).read_text(errors="replace").split()[0])
        except (OSError, ValueError, IndexError):
            continue
    return None


def _numbers() -> list[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - one call for thousands of names
    except OSError:
        return []


def _state_and_parent(pid: str) -> tuple[str, int]:
    """State and parent of the process *pid*; an empty state for one that has ended."""
    try:
        fields = Path("/proc", pid, "stat").read_bytes().rpartition(b")")[2].split()
        return fields[0].decode(), int(fields[1])
    except (OSError, ValueError, IndexError):
        return "", 0
