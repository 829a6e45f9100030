"""The standard streams of a container: attached before it starts, so that no byte is lost.

Owns the engine's framing of stdout and stderr. Stdin and output use separate connections, so closing stdin cannot disturb
the reader.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from docker.api import APIClient

from harness.host.docker.errors import FAILURES

STDOUT = 1
STDERR = 2

_HEADER = struct.Struct(">BxxxL")
_CHUNK_BYTES = 1 << 16


def demultiplex(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The engine's frames in *chunks* of any size, as stream (``STDOUT``, ``STDERR``) and bytes. A torn last one is left out.

    A frame is a header of stream and length, then that many bytes.
    """
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        start = 0
        while len(rest) - start >= _HEADER.size:
            stream, length = _HEADER.unpack_from(rest, start)
            end = start + _HEADER.size + length
            if end > len(rest):
                break
            yield stream, bytes(rest[start + _HEADER.size : end])
            start = end
        del rest[:start]


class Connection:
    """A connection on the library's *attached* socket. ``close`` also ends the reading of another thread."""

    def __init__(self, attached: Any) -> None:
        # a plain socket is wrapped for reading only, and has the client's time limit for an answer: no limit is wanted here
        self._socket: Any = getattr(attached, "_sock", attached)
        # the library ties the answer to its connection, and closing one leaves the other open
        self._response: Any = getattr(attached, "_response", None)
        if hasattr(self._socket, "settimeout"):
            self._socket.settimeout(None)

    def read(self) -> bytes:
        """The next bytes; empty at the end of the stream, or when the connection was closed here."""
        try:
            return bytes(self._socket.recv(_CHUNK_BYTES))
        except (OSError, ValueError):
            return b""

    def write(self, data: bytes) -> None:
        """Write all of *data*. Raises ``OSError`` when the other side is gone."""
        view = memoryview(data)
        while view:
            view = view[self._socket.send(view) :]

    def give_away(self) -> int | None:
        """A descriptor that keeps the connection open, for another process; here it is closed. ``None``, and nothing is closed,
        where it is no socket of this process (an engine behind ssh).

        The other process can only hold and close it where the connection is encrypted, which is all that a lease needs: a closed
        ``SSLSocket`` sends no last record, and the engine takes the end of the connection for the end of the input.
        """
        if type(self._socket) not in (socket.socket, ssl.SSLSocket):  # the one for ssh is a subclass, and has a process
            return None
        descriptor = os.dup(self._socket.fileno())
        with contextlib.suppress(*FAILURES):
            self._socket.close()
        return descriptor

    def close(self) -> None:
        """Close the connection, also while another thread reads. Safe to call twice."""
        with contextlib.suppress(*FAILURES, AttributeError):
            self._socket.shutdown(2)
        with contextlib.suppress(*FAILURES):
            self._socket.close()
        if self._response is not None:
            with contextlib.suppress(*FAILURES):
                self._response.close()


def open_input(api: APIClient, container: str) -> Connection:
    """A connection to the standard input of *container*; with ``stdin_once``, closing it gives the container end of file."""
    return Connection(api.attach_socket(container, params={"stdin": 1, "stream": 1}))


def open_output(api: APIClient, container: str) -> Connection:
    """Both output streams of *container*, as frames."""
    return Connection(api.attach_socket(container, params={"stdout": 1, "stderr": 1, "stream": 1}))


def frames(connection: Connection) -> Iterator[tuple[int, bytes]]:
    """Every frame of an output until its end."""
    return demultiplex(iter(connection.read, b""))
