"""Checks a worker's events: accepts those that fit its assignment and its earlier events.

Pure: no process, no I/O. A test can reach its worker's socket and write anything there. An event that does not fit is a
forgery; a forged one that fits can only concern the running test, or the rest of the same process's assignment.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

from ...errors import ExitCode
from ...protocol import codec
from .short_lines import BEGUN, PASSED, Stretch, as_event, read_passed

STOPPED = "stopped-by-test"
"""The code of the notice that ends the run: a test has called ``pytest.exit``, or a plugin has asked for the end."""
NOTICES = frozenset({"soiled", STOPPED})
"""The codes of the notices that workers send."""
_STAMPED = frozenset({"v", "seq", "at", "slot", "final", "at_once"})
"""Fields of an event that only the coordinator sets: a second value in a worker's line would win."""
_ABORTS = frozenset({ExitCode.INTERNAL, ExitCode.SERVERS, ExitCode.PROJECT})
_LEFT_OUT = frozenset({"SKIPPED", "NOT_RUN"})
_TEXTS = ("reason", "stdout", "stderr", "log")
_PARTS = frozenset({"failures", "sql", "extra", "properties", "attributes"})
_ENDS = frozenset({"PASSED", "FAILED", "ERRORED", "SKIPPED", "XFAILED", "XPASSED", "NOT_RUN"})


class EventChecks:
    """The events that the worker of one slot may send next, from its fork to its end.

    ``last_fixtures`` are the ids of the fixtures that may run between and after units. ``is_lag_checked``: it looks for late
    reads.
    """

    def __init__(self, last_fixtures: Iterable[str] = (), *, is_lag_checked: bool = False) -> None:
        self._is_lag_checked = is_lag_checked
        self._last_fixtures = frozenset(last_fixtures)
        self._has_started = self._has_failed = False
        self._unit = ""
        self._tests: Sequence[str] = ()
        self._n = 1
        self._fixtures: frozenset[str] = frozenset()
        self._next = 0
        self._running: str | None = None

    def assign(self, unit: str, tests: Sequence[str], n: int, fixtures: Iterable[str]) -> None:
        """Record the assigned *tests* of *unit*; this is their *n*-th attempt. *fixtures* are the ids of those that may run."""
        self._unit, self._tests, self._n, self._next, self._running = unit, tests, n, 0, None
        self._fixtures = frozenset(fixtures)

    def fits(self, event: dict[str, Any]) -> bool:
        """Whether the worker can have sent *event* (without an envelope, as plain JSON types); if so, it is recorded as sent."""
        try:
            return not _STAMPED & event.keys() and self._fits(event)
        except (TypeError, AttributeError, KeyError):  # a field of a wrong type, such as a list for a name
            return False

    def stretch(self, lines: Sequence[bytes], start: int) -> Stretch:
        """The short lines of *lines* from *start* on, as far as they fit; they are recorded as sent."""
        place, is_running = self._next, self._running is not None
        durations_us: list[int] = []
        end = start
        with contextlib.suppress(ValueError):
            for line in lines[start:] if self._has_started else ():
                if line[0] == PASSED and is_running:
                    found, duration_us = read_passed(line)
                    if found != place:
                        break
                    durations_us.append(duration_us)
                    place, is_running = place + 1, False
                elif line[0] == BEGUN and not is_running and place < len(self._tests) and int(line[1:]) == place:
                    is_running = True
                else:
                    break
                end += 1
        tests = self._tests[self._next : place]
        begun = self._tests[place] if is_running and (tests or self._running is None) else ""
        began_before = self._running is not None
        self._next, self._running = place, self._tests[place] if is_running else None
        return Stretch(end, tests, durations_us, self._n, began_before, begun)

    def as_event(self, line: bytes) -> bytes:
        """*line* of the worker as that of an event."""
        return as_event(line, self._tests, self._n)

    def _fits(self, event: dict[str, Any]) -> bool:
        is_between = self._has_started and self._running is None
        match event["type"]:
            case "SlotRecycled":
                is_first, self._has_started = not (self._has_started or self._has_failed), True
                return is_first and _is_duration(event["duration"])
            case "FixtureStarted":
                return is_between and self._may_run(event["test"])
            case "AttemptStarted" if is_between and self._is_next(event):
                self._running = event["test"]
                return True
            case "AttemptPhase" if self._running and event["test"] == self._running:
                return type(event.get("is_call", False)) is bool
            case "AttemptFinished":
                return _is_sound(event) and self._finishes(event, is_between=is_between)
            case "ReportsMade":
                is_own = self._running is not None and event["test"] == self._running and event["n"] == self._n
                return is_own and isinstance(event["reports"], str)
            case "SuitePropertyRecorded":
                return self._has_started and _are_texts((event["name"], event["value"]))
            case "PluginDataSent":
                return is_between and not self._unit and isinstance(event["output"], str)
            case "UnitFinished" if is_between and self._unit and event["unit"] == self._unit:
                self.assign("", (), 1, ())
                return True
            case "QueriesCounted" | "StatementsRouted":
                return is_between and not self._unit and _decodes(event)
            case "WarningsCounted":
                return is_between and _decodes(event)
            case "ReplicaRead":
                return is_between and event["test"] in self._tests and _decodes(event)
            case "LateReadJudged":
                return self._is_lag_checked and is_between and event["test"] in self._tests and _decodes(event)
            case "Notice":
                return is_between and event["code"] in NOTICES and isinstance(event["text"], str)
            case "ServerActionWanted":
                return not self._has_failed and _decodes(event)
            case "WorkerFailed":  # the last event: any later one is a forgery
                self._has_started, self._unit, self._tests, self._running = False, "", (), ""
                self._has_failed, had_failed = True, self._has_failed
                return not had_failed and _decodes(event) and event["fault"] in ("", "project", "harness")
            case "RunAborted":
                texts = (event["message"], event.get("hint", ""), event.get("evidence", ""))
                return self._running is None and event["exit_code"] in _ABORTS and _are_texts(texts)
        return False

    def _finishes(self, event: dict[str, Any], *, is_between: bool) -> bool:
        """Whether the end of an attempt fits."""
        test, outcome, extra = event["test"], event["outcome"], event.get("extra")
        if extra is not None:  # a fixture, which the plan does not name
            is_own = self._may_run(test) and extra.get("id") == test
            return is_own and is_between and outcome == "ERRORED"
        if self._running is None:  # its class could not be set up
            fits = self._is_next(event) and outcome in _LEFT_OUT
        else:
            fits = test == self._running and event["n"] == self._n and outcome in _ENDS
        if fits:
            self._next, self._running = self._next + 1, None
        return fits

    def _may_run(self, fixture: str) -> bool:
        return fixture in self._fixtures or fixture in self._last_fixtures

    def _is_next(self, event: dict[str, Any]) -> bool:
        is_left = self._next < len(self._tests)
        return is_left and event.get("test") == self._tests[self._next] and event.get("n", 1) == self._n


def _is_sound(event: dict[str, Any]) -> bool:
    """Whether the fields of an ``AttemptFinished`` have the types and values that its readers rely on."""
    texts = (event.get("test"), *(event.get(name, "") for name in _TEXTS))
    if not _are_texts(texts) or not _is_duration(event.get("duration")) or type(event.get("n")) is not int:
        return False
    if type(event.get("subtests", 0)) is not int or event.get("outcome") not in _ENDS:
        return False
    if type(event.get("may_retry", True)) is not bool or not _is_duration(event.get("shared_s", 0.0)):
        return False
    return _decodes(event) if event.keys() & _PARTS else True


def _decodes(event: dict[str, Any]) -> bool:
    try:
        codec.from_plain(event)
    except codec.CodecError:
        return False
    return True


def _are_texts(values: Iterable[Any]) -> bool:
    return all(type(value) is str for value in values)


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0
