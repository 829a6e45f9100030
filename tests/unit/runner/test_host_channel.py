"""The host's messages in the runner, which a signal interrupts at any place."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from harness.protocol import codec, signatures
from harness.protocol.messages import ServerActionDone
from harness.runner import unpatched
from harness.runner.host_channel import HostMessages

KEY = b"k" * signatures.KEY_BYTES


class Host:
    """The host's end of the messages' pipe."""

    def __init__(self) -> None:
        self.end, self._writer = os.pipe()
        self._sent = 0

    def send(self, request: str) -> None:
        line = codec.encode_body(ServerActionDone(request)).encode()
        os.write(self._writer, signatures.signed(KEY, self._sent, line))
        self._sent += 1


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    os.close(host.end)
    os.close(host._writer)


def test_a_signal_between_two_messages_swaps_none(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = HostMessages(host.end, memoryview(KEY))
    read, signals = os.read, iter(["second", "third"])

    def interrupted_read(fd: int, size: int) -> bytes:
        chunk = read(fd, size)
        if (request := next(signals, None)) is not None:
            host.send(request)
            messages._read()  # the handler of the signal, before the chunk is looked at
        return chunk

    monkeypatch.setattr(unpatched.os, "read", interrupted_read)
    host.send("first")
    messages._read()
    assert [each.request for each in messages.take_answers()] == ["first", "second", "third"]
    host.send("fourth")
    messages._read()
    assert [each.request for each in messages.take_answers()] == ["fourth"]
