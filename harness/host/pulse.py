"""Whether inside still lives while it says nothing: a test, or somebody, can stop its process or pause its container."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Self

from harness.contract.events import Event, PhaseFinished, PhaseStarted
from harness.errors import ServerError
from harness.host.conversation import Conversation

LOOK_S = 5.0
SILENT_S = 60.0
"""How long inside may be silent while tests run: it says something every few seconds then (``channel.BEAT_S``)."""


def stillness(silent_s: float, looks: int, limit_s: float | None) -> str | None:
    """What is wrong with an inside that has been silent for *silent_s* seconds, as the end of a sentence, if anything is.

    *looks* is how often in a row it was seen to be stopped; *limit_s* how long it may be silent, ``None`` for ever.
    """
    if looks >= 2:  # one that goes on at once is let be
        return "was stopped, and did not go on"
    if limit_s is not None and silent_s > limit_s:
        return f"has said nothing for {limit_s:g} s"
    return None


class Pulse:
    """Calls *on_stillness*, from a thread of its own, when inside no longer goes on. A context manager.

    Silence counts while ``listen`` waits for a line, and not while whoever takes the lines is held up: by a terminal, say.
    """

    def __init__(
        self, conversation: Conversation, on_stillness: Callable[[ServerError], None], silent_s: float = SILENT_S
    ) -> None:
        self._conversation = conversation
        self._on_stillness = on_stillness
        self._silent_s = silent_s
        self._waits = 0
        self._is_waiting = False
        self._limit_s: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        self._thread.join(1.0)  # an engine that does not answer may hold it up for long

    def listen(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The *lines* that say something: an empty one says that inside is alive."""
        coming = iter(lines)
        while (line := self._next(coming)) is not None:
            if line != b"\n":
                yield line

    def _next(self, coming: Iterator[bytes]) -> bytes | None:
        self._waits += 1
        self._is_waiting = True
        try:
            return next(coming, None)
        finally:
            self._is_waiting = False

    def told(self, event: Event) -> None:
        """Take note of what inside has come to."""
        match event:
            case PhaseStarted(phase="clones" | "tests"):
                self._limit_s = self._silent_s
            case PhaseFinished(phase="tests"):
                self._limit_s = None

    def _watch(self) -> None:
        silent_s, looks, seen = 0.0, 0, -1
        while not self._closed.wait(LOOK_S):
            # counted and not measured: this process may have been stopped itself, and inside not
            silent_s = silent_s + LOOK_S if self._is_waiting and self._waits == seen else 0.0
            seen = self._waits
            looks = looks + 1 if silent_s and self._conversation.is_stopped() else 0
            if problem := stillness(silent_s, looks, self._limit_s):
                self._on_stillness(
                    ServerError(
                        f"The runner {problem}.",
                        hint="Its container may have been paused, or a test has stopped the process that started it.",
                        evidence=self._conversation.stderr_tail(),
                    )
                )
                return
