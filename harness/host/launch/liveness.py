"""Watches whether the runner makes progress.

A test, or a person, can stop its process or pause its container, and the project's code can hang before and after the tests:
each such stage has a limit.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Self

from harness.errors import HarnessError, ProjectError, ServerError
from harness.host.launch.conversation import Runner
from harness.protocol.events import AttemptStarted, Event, PhaseFinished, PhaseStarted, RunPlanned, TopologyFound

CHECK_S = 5.0
TICK_S = 1.0
SILENT_S = 60.0
"""The longest silence, in seconds, of the runner while tests run; it writes a line every few seconds then (``BEAT_S``)."""
FRAMES = 10
"""The number of the project's frames that are shown before all stacks."""
_LIBRARIES = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run with a limit. ``goal`` ends the sentence "within 5 s, the project has not ..."; ``key`` is the option.

    ``needs_servers``: its time counts only while the servers are up, since it may wait for them.
    """

    goal: str
    key: str
    needs_servers: bool = True


COMMANDS = Stage("ended the commands of before", "setup_timeout", needs_servers=False)
SETTINGS = Stage("loaded its settings", "setup_timeout", needs_servers=False)
DISCOVERY = Stage("come from its settings to the list of its tests", "setup_timeout")
TEMPLATE = Stage("made its test databases", "template_timeout")
END = Stage("ended after its tests", "setup_timeout")
RUN = Stage("ended its tests", "run_timeout")


def next_stage(stage: Stage | None, event: Event) -> Stage | None:
    """The stage after *event*; ``None`` while workers run tests, which have limits of their own.

    Tests without workers are of a runner with ``run_tests()`` alone: each is a stage, to the beginning of the next one.
    """
    match event:
        case PhaseStarted(phase="before"):
            return COMMANDS
        case PhaseFinished(phase="before"):
            return SETTINGS
        case TopologyFound():
            return DISCOVERY
        case RunPlanned():
            return TEMPLATE
        case PhaseStarted(phase="clones"):
            return None
        case AttemptStarted(test=test) if stage is not None:
            return Stage(f"ended {test}", "timeout")
        case PhaseFinished(phase="tests"):
            return END
    return stage


def stall(silent_s: float, checks: int, limit_s: float | None) -> str | None:
    """The problem of a runner that has been silent for *silent_s* seconds, as the end of a sentence, or ``None``.

    *checks* is how often in a row it was found stopped; *limit_s* is the longest allowed silence, ``None`` for no limit.
    """
    if checks >= 2:  # one check may find a process that is continued at once
        return "was stopped, and did not go on"
    if limit_s is not None and silent_s > limit_s:
        return f"has sent nothing for {limit_s:g} s"
    return None


class Liveness:
    """Calls *on_end*, from a thread of its own, when *runner* has stopped or exceeds a limit. A context manager.

    *limits* are those of the stages, in seconds, by their keys; *project* is the project's folder as the runner sees it.
    Silence counts while ``watched`` waits for a line, and not while the consumer of the lines is held up, for example by a
    terminal.
    """

    def __init__(
        self,
        runner: Runner,
        on_end: Callable[[HarnessError], None],
        limits: Mapping[str, float],
        project: str,
        silent_s: float = SILENT_S,
    ) -> None:
        self._runner = runner
        self._on_end = on_end
        self._limits = limits
        self._project = project
        self._stage: Stage | None = SETTINGS
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
        self._stage = next_stage(self._stage, event)
        match event:
            case PhaseStarted(phase="clones" | "tests") if self._stage is None:
                self._limit_s = self._silent_s
            case PhaseFinished(phase="tests"):
                self._limit_s = None

    def servers_are_up(self) -> None:
        """Start to count the time of stages that wait for the servers."""
        self._has_servers = True

    def _watch(self) -> None:
        silent_s, checks, seen = 0.0, 0, -1
        stage, stage_s, tests_s = self._stage, 0.0, 0.0
        for tick in itertools.count(1):
            if self._closed.wait(TICK_S):
                return
            # counted and not measured: this process may have been stopped itself, while the runner was not
            if stage is not self._stage:
                stage, stage_s = self._stage, 0.0
            elif stage is not None and (self._has_servers or not stage.needs_servers):
                stage_s += TICK_S
            tests_s += TICK_S * (stage is not None and stage.key == "timeout")
            problem = self._stage_error(stage, stage_s) or self._run_error(tests_s)
            if problem is None and tick % (CHECK_S / TICK_S) == 0:
                silent_s = silent_s + CHECK_S if self._is_waiting and self._waits == seen else 0.0
                seen = self._waits
                checks = checks + 1 if silent_s and self._runner.is_stopped() else 0
                problem = self._stall_error(stall(silent_s, checks, self._limit_s))
            if problem is not None:
                self._on_end(problem)
                return

    def _stall_error(self, problem: str | None) -> HarnessError | None:
        hint = "Its container may have been paused, or a test has stopped the process that started it."
        return ServerError(f"The runner {problem}.", hint, self._runner.stderr.text()) if problem else None

    def _stage_error(self, stage: Stage | None, stage_s: float) -> HarnessError | None:
        """The error for a *stage* that has taken *stage_s* seconds, or ``None`` within its limit."""
        if stage is None or stage_s <= self._limits[stage.key]:
            return None
        stacks = self._runner.stacks()
        # the runner may have made progress while it wrote its stacks
        return hang_error(stage, self._limits[stage.key], stacks, self._project) if stage is self._stage else None

    def _run_error(self, tests_s: float) -> HarnessError | None:
        """The error for all tests of a runner of the project's own, which have taken *tests_s* seconds."""
        limit_s = self._limits.get(RUN.key)
        if limit_s is None or tests_s <= limit_s:
            return None
        return hang_error(RUN, limit_s, self._runner.stacks(), self._project)


def hang_error(stage: Stage, limit_s: float, stacks: str, project: str) -> ProjectError:
    """The error for a runner that made no progress within *limit_s* seconds. *stacks* are faulthandler's; *project* is
    the project's folder as the runner sees it.
    """
    frames = [frame for line in stacks.splitlines() if (frame := _project_frame(line, project))]
    where = f": it hangs in {frames[0]}" if frames else ""
    evidence = stacks.strip() or "The place where it hangs is unknown: it did not answer."
    if frames:
        evidence = "\n".join(["the project's frames, most recent call first:", *frames[:FRAMES], "", evidence])
    return ProjectError(
        f"Within {limit_s:g} s, the project has not {stage.goal}{where}.",
        hint=f"If it needs more time: --{stage.key.replace('_', '-')}, or {stage.key} in [tool.harness].",
        evidence=evidence,
    )


def _project_frame(line: str, project: str) -> str | None:
    """``app/tests.py, line 7 in test_it`` for a line of a stack in the project, ``None`` for any other."""
    head, quote, rest = line.strip().partition('"')
    file, quote, place = rest.partition('"')
    if head != "File " or not quote:
        return None
    path = PurePath(file)
    if not path.is_relative_to(project) or set(_LIBRARIES) & set(path.parts):
        return None
    return f"{path.relative_to(project)}{place}"
