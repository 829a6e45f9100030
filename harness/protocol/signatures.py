"""Authenticates the lines of host and runner on streams that a test can write to too.

In a container, process 1 has the streams as well, and a test can open them by its ``/proc``. The first line from the host holds
two keys. The runner puts the one before each piece of the journal; the host signs its messages with the other, so that a
process that has read all of them still cannot forge the next. Pure: no I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator

KEY_BYTES = 32
"""The length of a key, in characters of hexadecimal."""
PIECE_BYTES = 4096
"""The longest write to a pipe that is atomic (``PIPE_BUF``): no other process's data comes in its middle."""
_MORE, _LAST = b"+", b"="
_TEXT_BYTES = PIECE_BYTES - KEY_BYTES - 2


def make_key() -> bytes:
    return secrets.token_hex(KEY_BYTES // 2).encode()


def pieces(line: bytes) -> Iterator[bytes]:
    """*line*, which ends with a newline, as the pieces to write: each after the key, and in one write with it."""
    end = len(line) - 1
    last = max(end - 1, 0) // _TEXT_BYTES * _TEXT_BYTES
    for start in range(0, last, _TEXT_BYTES):
        yield b"".join((_MORE, line[start : start + _TEXT_BYTES], b"\n"))
    yield b"".join((_LAST, line[last:]))


class Opener:
    """Joins pieces to lines of the journal. Everything else goes to *output*."""

    def __init__(self, key: bytes, output: Callable[[bytes], object]) -> None:
        self._key = key
        self._output = output
        self._pieces: list[bytes] = []

    @property
    def rest(self) -> bytes:
        """The pieces of a line that is not complete."""
        return b"".join(self._pieces)

    def open(self, line: bytes) -> bytes | None:
        """The journal's line that *line*, one of the stream, completes; ``None`` if it completes none."""
        before, key, piece = line.rpartition(self._key)
        if not key:
            self._output(line)
            return None
        if before:
            self._output(before)
        if piece[:1] == _MORE:
            self._pieces.append(piece[1:-1])
            return None
        if not self._pieces:
            return piece[1:]
        whole = b"".join((*self._pieces, piece[1:]))
        self._pieces.clear()
        return whole


def signed(key: bytes | memoryview, number: int, message: bytes) -> bytes:
    """*message*, the host's *number*-th (0 first), with its signature before it."""
    return _signature(key, number, message) + message


def message_of(key: bytes | memoryview, number: int, line: bytes) -> bytes | None:
    """The message in *line*, or ``None`` if it is not the host's *number*-th."""
    signature, message = line[:KEY_BYTES], line[KEY_BYTES:]
    return message if hmac.compare_digest(signature, _signature(key, number, message)) else None


def _signature(key: bytes | memoryview, number: int, message: bytes) -> bytes:
    return hashlib.blake2b(b"%d:%s" % (number, message), digest_size=KEY_BYTES // 2, key=key).hexdigest().encode()
