"""A conversation with signed lines: the keys are sent first, then each line carries its signature, so that tests cannot
forge one.

Owns the keys of a run. ``host.launch.processes`` has the streams, and ``protocol.signatures`` the format of the lines.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from harness.host.launch.conversation import Conversation, Ended
from harness.protocol import signatures
from harness.protocol.codec import encode_body
from harness.protocol.messages import Message


class Transport(Conversation, Protocol):
    """A conversation that also takes raw bytes."""

    def write(self, data: bytes) -> None:
        """Send *data* as it is; see ``send``."""

    def output(self, data: bytes) -> None:
        """Treat *data* as part of the runner's standard error."""


class SignedConversation:
    """A conversation over *transport*, signed with keys of its own. See ``Conversation``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._journal_key, self._message_key = signatures.make_key(), signatures.make_key()
        self._sent = 0
        self._sending = threading.Lock()

    def __enter__(self) -> Self:
        self._transport.__enter__()
        self._transport.write(self._journal_key + self._message_key + b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.__exit__(kind, error, trace)

    def send(self, message: Message) -> None:
        with self._sending:
            self._transport.write(signatures.signed(self._message_key, self._sent, encode_body(message).encode()))
            self._sent += 1

    def lines(self) -> Iterator[bytes]:
        opener = signatures.Opener(self._journal_key, self._transport.output)
        for line in self._transport.lines():
            if (whole := opener.open(line)) is not None:
                yield whole
        if opener.rest:
            yield opener.rest

    def stderr_tail(self) -> str:
        return self._transport.stderr_tail()

    def close_stdin(self) -> None:
        self._transport.close_stdin()

    def stop(self, grace_s: float) -> None:
        self._transport.stop(grace_s)

    def kill(self) -> None:
        self._transport.kill()

    def wait(self, deadline_s: float) -> Ended:
        return self._transport.wait(deadline_s)

    def is_stopped(self) -> bool:
        return self._transport.is_stopped()

    def stacks(self) -> str:
        return self._transport.stacks()

    def fetch(self, path: str) -> bytes:
        return self._transport.fetch(path)
