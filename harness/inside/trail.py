"""The statements of a running test where they outlive its process: what a worker that dies was doing in the databases.

Kept in memory without a name, which the coordinator has too, like the output of ``output``. A worker writes down each statement
before it sends it and how long it took afterwards; what its own log keeps is richer, and is used where the worker lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import reprlib
from dataclasses import replace
from typing import Any

from harness.contract.events import Statement
from harness.inside.channel import out_of_reach
from harness.inside.failures import cut

_BYTES = 4_000_000
_CHARACTERS = 4_000


class Trail:
    """A slot's trail. ``begin``, ``sends`` and ``ended`` are the worker's, ``statements`` is the coordinator's."""

    def __init__(self, slot: int) -> None:
        low = os.memfd_create(f"slot-{slot}-sql", os.MFD_CLOEXEC)
        self._fd = out_of_reach(low)
        os.close(low)
        fcntl.fcntl(self._fd, fcntl.F_SETFL, fcntl.fcntl(self._fd, fcntl.F_GETFL) | os.O_APPEND)
        self._written = 0
        self._number = 0

    def begin(self) -> None:
        """What follows belongs to another test."""
        if self._written:
            self.clear()

    def sends(self, at: float, alias: str, role: str, sql: str, params: object) -> int:
        """A statement is about to be sent, *at* seconds after the beginning; its number, for ``ended``."""
        text = sql if len(sql) <= _CHARACTERS else cut(sql, _CHARACTERS)
        if params:
            text += f" -- parameters: {_shown(params)}"
        self._number += 1
        self._write([self._number, round(at, 6), alias, role, text])
        return self._number

    def ended(self, number: int, duration: float, error: str = "") -> None:
        """That statement has its answer, after *duration* seconds."""
        self._write([number, round(duration, 6), cut(error, 2000)])

    def statements(self) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        """All of them, in the order in which they were sent, and those that were still waiting for their answers."""
        sent: dict[int, Statement] = {}
        waiting: dict[int, Statement] = {}
        for line in os.pread(self._fd, os.fstat(self._fd).st_size, 0).split(b"\n")[:-1]:
            number, *row = json.loads(line)
            if len(row) == 4:
                sent[number] = waiting[number] = Statement(row[0], row[1], row[2], row[3], 0.0)
            elif waiting.pop(number, None) is not None:
                sent[number] = replace(sent[number], duration=row[0], error=row[1])
        return tuple(sent.values()), tuple(waiting.values())

    def _write(self, row: list[Any]) -> None:
        line = json.dumps(row).encode() + b"\n"
        if self._written + len(line) > _BYTES:
            self.clear()
        with contextlib.suppress(OSError):  # a test that closes every descriptor loses its trail and nothing else
            self._written += os.write(self._fd, line)

    def clear(self) -> None:
        """Forget all, of an earlier worker too."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
        self._written = 0


class _Short(reprlib.Repr):
    """Parameters may be files of many megabytes: their middle is not even looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = _CHARACTERS // 4
        self.maxlist = self.maxtuple = self.maxdict = 50

    def repr_bytes(self, value: bytes, _level: int) -> str:
        return repr(value) if len(value) <= self.maxother else f"{value[: self.maxother]!r}..."

    repr_bytearray = repr_bytes


_short = _Short()


def _shown(params: object) -> str:
    try:
        return cut(_short.repr(params), _CHARACTERS)
    except Exception as error:  # noqa: BLE001 - a parameter of the test's own, whose repr raises
        return f"<{type(error).__name__} in repr>"
