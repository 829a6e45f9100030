"""``trace.json``: the times of runs in Chrome's trace format, which Perfetto and ``chrome://tracing`` open. Pure text.

Owns the format: one process for each backend, one track for each line of work in it. Parts that nest on a track (a statement
in its test, a test in its unit) are cut to fit, since their clocks are those of several processes; ``seconds`` of their
``args`` is the duration as it was measured. Source: "Trace Event Format", Google.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter

from harness.protocol.results import Statement
from harness.report.model.phrases import LABELS
from harness.report.model.run_report import Attempt, Case, RunReport
from harness.report.model.text import one_line
from harness.report.model.times import Span

TESTS = 50_000
STATEMENTS = 20_000
"""Limits of the attempts and of the statements in a file."""
SQL_CHARACTERS = 300
CLOCK_S = 0.0005
"""A part that begins this many seconds before the end of another follows it: beginning and duration are of two clocks."""
COMMAND, SERVERS, RUNNER = 1, 2, 3
"""Tracks of a run: the command, its servers together, the runner. Those of each server and each slot come after these."""
FIRST_SERVER, FIRST_SLOT = 10, 1000
_quoted = json.encoder.encode_basestring_ascii
HOST_PHASES = frozenset({"start", "images", "runner", "reports", "removal"})
"""The phases of the command itself; the servers have a track of their own, and the others are the runner's."""


@dataclass(slots=True)
class Part:
    """An event with a duration: times are in seconds since the epoch, and ``inner`` are the parts within it. ``args`` is JSON."""

    name: str
    category: str
    start: float
    end: float
    args: str = ""
    inner: list[Part] = field(default_factory=list)


def build(runs: Sequence[tuple[str, RunReport]]) -> str:
    """The text of ``trace.json`` for *runs*, each with the name of its process. One event a line; times are in microseconds
    from the first beginning.
    """
    zero = min((report.times.began for _, report in runs if report.times.began), default=0.0)
    lines = chain.from_iterable(_process(pid, name, report, zero) for pid, (name, report) in enumerate(runs, 1))
    head = json.dumps({"displayTimeUnit": "ms", "otherData": {"began_at": zero}})
    return f'{head[:-1]}, "traceEvents": [\n' + ",\n".join(lines) + "\n]}\n"


def _process(pid: int, name: str, report: RunReport, zero: float) -> Iterator[str]:
    process, times = _Process(pid, zero), report.times
    yield process.metadata(0, "process_name", name=one_line(name) or "harness ci")
    yield process.metadata(0, "process_sort_index", sort_index=pid)
    limits = {"tests": TESTS, "statements": STATEMENTS}
    for tid, title, parts in _tracks(report, limits):
        yield process.metadata(tid, "thread_name", name=title)
        yield process.metadata(tid, "thread_sort_index", sort_index=tid)
        yield from process.events(tid, parts)
    for span in times.spans:
        if span.kind == "mark":
            yield process.mark(span)
    left_out = {what: -left for what, left in limits.items()} | {"units": times.left_out}
    if lacking := [f"{number} {what}" for what, number in left_out.items() if number > 0]:
        yield process.mark(Span("mark", f"left out: {', '.join(lacking)}", times.ended, times.ended))


@dataclass(frozen=True, slots=True)
class _Process:
    """Makes the events of one process. ``zero`` is the beginning of the trace, in seconds since the epoch."""

    pid: int
    zero: float

    def metadata(self, tid: int, kind: str, **args: object) -> str:
        return json.dumps({"ph": "M", "name": kind, "pid": self.pid, "tid": tid, "ts": 0, "args": args})

    def events(self, tid: int, parts: Iterable[Part], low: float = 0.0, high: float = math.inf) -> list[str]:
        """The events of *parts*, one after the other between *low* and *high*, each followed by those within it."""
        ordered, lines = _ordered(parts), list[str]()
        following = (*(part.start for part in ordered[1:]), high)
        for part, limit in zip(ordered, following, strict=False):
            start = min(max(part.start, low), high)
            end = max(start, min(part.end, limit, high))
            ts = self._us(start)
            # formatted by hand: there is one for each test, and the encoder takes five times as long
            head = (
                f'{{"ph": "X", "name": {_quoted(part.name)}, "cat": "{part.category}", "pid": {self.pid}, "tid": {tid}'
            )
            args = f', "args": {part.args}' if part.args else ""
            lines.append(f'{head}, "ts": {ts}, "dur": {self._us(end) - ts}{args}}}')
            if part.inner:
                lines += self.events(tid, part.inner, start, end)
            low = end
        return lines

    def mark(self, span: Span) -> str:
        """An event without a duration, on the track of its slot or for the whole process."""
        tid, scope = (FIRST_SLOT + span.slot, "t") if span.slot else (COMMAND, "p")
        event = {"ph": "i", "name": one_line(span.name, 1000), "cat": span.kind, "pid": self.pid, "tid": tid}
        return json.dumps({**event, "ts": self._us(span.start), "s": scope})

    def _us(self, at: float) -> int:
        return max(round((at - self.zero) * 1_000_000), 0)


def _tracks(report: RunReport, limits: dict[str, int]) -> Iterator[tuple[int, str, list[Part]]]:
    """Each track: its number, its title, its outermost parts."""
    spans, phases = report.times.spans, report.times.phases
    yield COMMAND, "command", [_part(span) for span in phases if span.name in HOST_PHASES]
    servers = [span for span in spans if span.kind == "server"]
    if servers:
        yield SERVERS, "servers", [_part(span) for span in phases if span.name == "servers"]
    for number, span in enumerate(sorted(servers, key=lambda each: each.name)):
        title = f"server {span.name} ({dict(span.details)['role']})"
        yield FIRST_SERVER + number, one_line(title), [_part(span, "start")]
    own = [_part(span) for span in phases if span.name not in HOST_PHASES | {"servers"}]
    yield RUNNER, "runner", _nested(own, _tree(_part(span) for span in spans if span.kind == "step"))
    tests: dict[int, list[Part]] = {}
    for case in report.cases:
        for attempt in case.attempts:
            if attempt.started_at is not None:
                limits["tests"] -= 1
                if limits["tests"] >= 0:
                    tests.setdefault(attempt.slot, []).append(_test(case, attempt, limits))
    of_slots: dict[int, list[Span]] = {}
    for span in spans:
        if span.kind in ("clones", "unit", "fixture"):
            of_slots.setdefault(span.slot, []).append(span)
    for slot in sorted({*of_slots, *tests}):
        inner = [_part(span) for span in of_slots.get(slot, ()) if span.kind == "fixture"] + tests.get(slot, [])
        outer = [_part(span) for span in of_slots.get(slot, ()) if span.kind != "fixture"]
        yield FIRST_SLOT + slot, f"slot {slot}" if slot else "tests", _nested(outer, inner)


def _part(span: Span, name: str = "") -> Part:
    details = {key: one_line(value) for key, value in span.details}
    args = json.dumps(details) if details else ""
    return Part(one_line(name or span.name, 1000), span.kind, span.start, span.end, args)


def _test(case: Case, attempt: Attempt, limits: dict[str, int]) -> Part:
    test, start, seconds = case.test, attempt.started_at or 0.0, _seconds(attempt.duration)
    args = f'{{"outcome": "{LABELS[attempt.outcome]}", "seconds": {seconds}, "test": {_quoted(one_line(test.id, 1000))}'
    if len(case.attempts) > 1:
        args += f', "attempt": "{attempt.n} of {len(case.attempts)}"'
    if test.file:
        args += f', "file": {_quoted(f"{test.file}:{test.line}" if test.line else test.file)}'
    part = Part(one_line(test.name or test.id, 1000), "test", start, start + seconds, args + "}")
    for statement in attempt.sql:
        limits["statements"] -= 1
        if limits["statements"] >= 0 and statement.alias:
            part.inner.append(_statement(statement, start))
    return part


def _statement(statement: Statement, start: float) -> Part:
    sql = one_line(statement.sql, SQL_CHARACTERS)
    args = {"alias": statement.alias, "role": statement.role, "seconds": _seconds(statement.duration), "sql": sql}
    if statement.error:
        args["error"] = one_line(statement.error, SQL_CHARACTERS)
    at = start + _seconds(statement.at)
    name = f"{statement.alias}: {sql.partition(' ')[0]}"
    return Part(name, "query", at, at + _seconds(statement.duration), json.dumps(args))


def _nested(outer: list[Part], inner: Iterable[Part]) -> list[Part]:
    """*outer*, with each part of *inner* in the one that it ended in; first those that ended in none."""
    roots = _ordered(outer)
    alone: list[Part] = []
    index = -1
    for part in sorted(_ordered(inner), key=attrgetter("end")):
        while index + 1 < len(roots) and roots[index + 1].start <= part.end:
            index += 1
        holds = index >= 0 and part.end <= roots[index].end
        (roots[index].inner if holds else alone).append(part)
    return alone + roots


def _tree(parts: Iterable[Part]) -> list[Part]:
    """*parts* of one clock: each is put into the one that contains its beginning; the others are returned."""
    roots: list[Part] = []
    around: list[Part] = []
    for part in _ordered(parts):
        while around and part.start > around[-1].end - CLOCK_S:
            around.pop()
        (around[-1].inner if around else roots).append(part)
        around.append(part)
    return roots


def _ordered(parts: Iterable[Part]) -> list[Part]:
    """*parts* by their beginning, the longer first; without those whose times are no numbers."""
    known = [part for part in parts if math.isfinite(part.start) and math.isfinite(part.end)]
    known.sort(key=attrgetter("end"), reverse=True)
    known.sort(key=attrgetter("start"))
    return known


def _seconds(value: float) -> float:
    """A duration, which a worker measured, as a number that JSON has."""
    return round(value, 6) if math.isfinite(value) else 0.0
