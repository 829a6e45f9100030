"""Reads a journal, also one that still grows or whose lines were torn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from harness.protocol import codec
from harness.protocol.events import Envelope


def read_journal(path: Path) -> Iterator[Envelope]:
    """The events of a journal that has ended; see ``JournalReader.read``."""
    return JournalReader(path).read(is_ended=True)


class JournalReader:
    """Reads the journal at *path* piece by piece, one line at a time in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def read(self, *, is_ended: bool) -> Iterator[Envelope]:
        """The events since the last call, without lines that were torn. Unless *is_ended*, an unfinished last line waits.

        Raises ``codec.CodecError`` for a whole line that is of another protocol, and ``OSError`` without a journal.
        """
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not is_ended and not line.endswith(b"\n"):
                    return
                self._position += len(line)
                try:
                    envelope = codec.decode(line)
                except codec.CodecError as error:
                    if isinstance(error.__cause__, json.JSONDecodeError | UnicodeDecodeError):
                        continue
                    raise
                yield envelope
