"""Watches whether the runner makes progress: a test, or a person, can stop its process or pause its container, and the
project's code can hang before and after the tests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from harness.errors import HarnessError, ServerError
from harness.host.launch import stages
from harness.host.launch.conversation import Runner
from harness.protocol.events import Event, PhaseFinished, PhaseStarted

CHECK_S = 5.0
TICK_S = 1.0
SILENT_S = 60.0
"""The longest silence, in seconds, of the runner while tests run; it writes a line every few seconds then (``BEAT_S``)."""


def stall(silent_s: float, checks: int, limit_s: float | None) -> str | None:
    """The problem of a runner that has been silent for *silent_s* seconds, as the end of a sentence, or ``None``.

    *checks* is how often in a row it was found stopped; *limit_s* is the longest allowed silence, ``None`` for no limit.
    """
    if checks >= 2:  # one check may find a process that is continued at once
        return "was stopped, and did not go on"
    if limit_s is not None and silent_s > limit_s:
        return f"has said nothing for {limit_s:g} s"
    return None


@dataclass(frozen=True, slots=True)
class StageLimits:
    """The limits, in seconds, of a run's stages, by their keys. ``project`` is the project's folder as the runner sees it."""

    setup_timeout: float
    template_timeout: float
    project: str


class Liveness:
    """Calls *on_end*, from a thread of its own, when *runner* has stopped or exceeds *limits*. A context manager.

    Silence counts while ``watched`` waits for a line, and not while the consumer of the lines is held up, for example by a
    terminal.
    """

    def __init__(
        self,
        runner: Runner,
        on_end: Callable[[HarnessError], None],
        silent_s: float = SILENT_S,
        limits: StageLimits | None = None,
    ) -> None:
        self._runner = runner
        self._on_end = on_end
        self._limits = limits
        self._stage: stages.Stage | None = stages.SETTINGS
        self._has_servers = False
        self._silent_s = silent_s
        self._waits = 0
        self._is_waiting = False
        self._limit_s: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="liveness", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        self._thread.join(1.0)  # the thread may be waiting long for an engine that does not answer

    def watched(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The *lines* with content; an empty line only shows that the runner is alive."""
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

    def take(self, event: Event) -> None:
        """Update the stage and the limit of silence from *event*."""
        self._stage = stages.next_stage(self._stage, event)
        match event:
            case PhaseStarted(phase="clones" | "tests"):
                self._limit_s = self._silent_s
            case PhaseFinished(phase="tests"):
                self._limit_s = None

    def servers_are_up(self) -> None:
        """Start to count the time of stages that wait for the servers."""
        self._has_servers = True

    def _watch(self) -> None:
        silent_s, checks, seen = 0.0, 0, -1
        stage, stage_s, ticks = self._stage, 0.0, 0
        while not self._closed.wait(TICK_S):
            ticks += 1
            # counted and not measured: this process may have been stopped itself, while the runner was not
            if stage is not self._stage:
                stage, stage_s = self._stage, 0.0
            elif stage is not None and (self._has_servers or not stage.needs_servers):
                stage_s += TICK_S
            if problem := self._stage_error(stage, stage_s):
                self._on_end(problem)
                return
            if ticks % (CHECK_S / TICK_S):
                continue
            silent_s = silent_s + CHECK_S if self._is_waiting and self._waits == seen else 0.0
            seen = self._waits
            checks = checks + 1 if silent_s and self._runner.is_stopped() else 0
            if found := stall(silent_s, checks, self._limit_s):
                self._on_end(
                    ServerError(
                        f"The runner {found}.",
                        hint="Its container may have been paused, or a test has stopped the process that started it.",
                        evidence=self._runner.stderr.text(),
                    )
                )
                return

    def _stage_error(self, stage: stages.Stage | None, stage_s: float) -> HarnessError | None:
        """The error for a *stage* that has taken *stage_s* seconds, or ``None`` within its limit."""
        if self._limits is None or stage is None:
            return None
        limit_s: float = getattr(self._limits, stage.key)
        if stage_s <= limit_s:
            return None
        stacks = self._runner.stacks()
        # the runner may have made progress while it wrote its stacks
        return stages.hang_error(stage, limit_s, stacks, self._limits.project) if stage is self._stage else None
