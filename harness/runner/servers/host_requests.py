"""Requests of workers to the host that wait for its answer: which worker gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...protocol import codec
from ...protocol.messages import ServerActionDone


class HostRequests:
    """The requests without an answer. *send* gets the slot of a worker, and a line for it."""

    def __init__(self, send: Callable[[int, bytes], None]) -> None:
        self._send = send
        self._slots: dict[str, int] = {}

    def take(self, slot: int, request: str) -> None:
        """Note that the worker of *slot* waits for the answer to *request*."""
        self._slots[request] = slot

    def answer(self, answers: Iterable[ServerActionDone]) -> None:
        """Send each of *answers* to the worker that waits for it, if that worker is there."""
        for each in answers:
            if (slot := self._slots.pop(each.request, None)) is not None:
                self._send(slot, codec.encode_body(each).encode())

    def forget(self, slot: int) -> None:
        """Forget the requests of the worker of *slot*, which has ended."""
        self._slots = {request: owner for request, owner in self._slots.items() if owner != slot}
