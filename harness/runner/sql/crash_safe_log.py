"""Records the statements of a running test in memory that outlives its process: the evidence of a worker that dies.

The coordinator shares this memory, so no file is written. A worker records each statement before it sends it, and its duration
afterwards. ``statement_log`` holds more, and is the source while the worker lives.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from json.encoder import encode_basestring_ascii

from ...protocol.results import Statement
from .. import unpatched
from ..text import cut
from .parameters import shown

CONNECT = "-- connect"
"""Stands for the opening of a connection, which is no statement: it is reported only while the server has not answered."""
_BYTES = 4_000_000
_CHARACTERS = 4_000
_HEAD = 8
"""Bytes of the header, the length of all complete lines. It is raised after a line was written, so it covers no torn line."""


class CrashSafeLog:
    """The log of a slot. The worker calls ``begin``, ``record_sent`` and ``record_answer``, the coordinator ``statements``.

    Processes that a test forks inherit the log, and write nothing to it.
    """

    def __init__(self) -> None:
        self._memory = unpatched.mmap.mmap(-1, _HEAD + _BYTES)
        self._size = memoryview(self._memory)[:_HEAD].cast("Q")
        self._lock = unpatched.threading.Lock()
        self._numbers = itertools.count(1)
        self._pid = 0

    def begin(self) -> None:
        """Drop the statements recorded so far: the next ones belong to another test."""
        if self._pid == unpatched.os.getpid():
            self._size[0] = 0

    def record_sent(self, at: float, alias: str, role: str, sql: str, params: object) -> int:
        """Record a statement that is about to be sent, *at* seconds after the beginning; its number, for ``record_answer``."""
        is_partial = len(sql) > _CHARACTERS
        text, parameters = cut(sql, _CHARACTERS) if is_partial else sql, shown(params) if params else ""
        number = next(self._numbers)
        quote = encode_basestring_ascii
        row = f"{quote(alias)},{quote(role)},{quote(text)},{int(is_partial)},{quote(parameters)}"
        self._write(f"[{number},{at:.6f},{row}]\n")
        return number

    def record_answer(self, number: int, duration: float, error: str = "") -> None:
        """Record that the statement has its answer, after *duration* seconds."""
        self._write(f"[{number},{duration:.6f},{encode_basestring_ascii(cut(error, 2000))}]\n")

    def statements(self) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        """All statements, in the order in which they were sent, and those that were still waiting for their answers."""
        sent: dict[int, Statement] = {}
        waiting: dict[int, Statement] = {}
        for line in self._memory[_HEAD : _HEAD + self._size[0]].split(b"\n")[:-1]:
            try:
                number, *row = unpatched.json.loads(line)
            except (ValueError, TypeError):  # a test's code can write to this memory
                continue
            if len(row) == 6:
                at, alias, role, sql, is_partial, parameters = row
                sent[number] = waiting[number] = Statement(
                    at, alias, role, sql, 0.0, is_partial=bool(is_partial), parameters=parameters
                )
            elif (ended := waiting.pop(number, None)) is None:
                continue
            elif ended.sql == CONNECT:
                del sent[number]
            else:
                sent[number] = replace(sent[number], duration=row[0], error=row[1])
        return tuple(sent.values()), tuple(waiting.values())

    def _write(self, text: str) -> None:
        if self._pid != unpatched.os.getpid():
            return
        line = text.encode("ascii")
        with self._lock:
            start = self._size[0]
            if start + len(line) > _BYTES:
                self._size[0] = start = 0  # first: a process that dies in between leaves no mixed line
            self._memory[_HEAD + start : _HEAD + start + len(line)] = line
            self._size[0] = start + len(line)

    def close(self) -> None:
        """Close the log in this process, which is a worker of another slot."""
        self._size.release()
        self._memory.close()

    def clear(self) -> None:
        """Drop all statements, of an earlier worker too. The calling process becomes the one that writes."""
        self._pid = unpatched.os.getpid()
        self.begin()
