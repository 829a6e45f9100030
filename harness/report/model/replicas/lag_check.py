"""The result of ``--lag-check``: the reads that missed a write, and the tests whose second run shows nothing. Pure.

Owns which tests have one bug in common: those whose read is at the same line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.protocol.events import AliasRouted
from harness.protocol.replica_events import LagChecked, LateReadJudged, ReadAfterWriteBug, TracedStatement
from harness.report.model.text import first_line, keep_ends, listed, one_line, plural, visible

SQL_CHARACTERS = 200
FAILURE_BYTES = 20_000
"""Limit of the message and of the traceback of a failure."""
WORD_WIDTH = 9
"""Width of the word before a line of a bug."""
NAMED = 3
"""Tests that one bug names in a short list."""


@dataclass(frozen=True, slots=True)
class FoundBug:
    """A read that missed a write, with the ``tests`` that it fails. ``first`` is the bug as the first of them met it.

    ``server`` is that of the read, ``primary`` the alias that has the write already; each is empty if it is unknown.
    """

    tests: tuple[str, ...]
    first: ReadAfterWriteBug
    server: str = ""
    primary: str = ""

    @property
    def title(self) -> str:
        """``shop/code.py:4 in rename``: the read's line in the project, or its statement."""
        return place_of(self.first.read)

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The bug in a few lines, each as the word before it and its text."""
        read, write, failure = self.first.read, self.first.write, self.first.failure
        where = [f"server {one_line(self.server)}"] if self.server else []
        where += [f"chosen by {one_line(read.route)}"] if read.route else []
        since = "the read began, with all that the replica lacked" if write is None else "the write"
        found = [
            ("write", "none in the body of the test" if write is None else _shown(write)),
            ("read", _shown(read, f" ({', '.join(where)})" if where else "")),
            ("arrived", f"{self.first.arrived_s * 1000:.0f} ms after {since}"),
        ]
        if failure is not None:
            name = failure.type.rpartition(".")[2] or failure.kind
            found.append(("failure", one_line(f"{name}: {first_line(failure.message)}".rstrip(": "), 500)))
        return (*found, ("next", self.next_step))

    @property
    def text(self) -> str:
        """``title`` and ``lines``, one below the other."""
        return "\n".join([self.title, *(f"{word:{WORD_WIDTH}}{text}" for word, text in self.lines)])

    def named(self, most: int = NAMED) -> str:
        """The first *most* of its tests, and the number of the others."""
        return _named(self.tests, most)

    @property
    def next_step(self) -> str:
        """The ways to mend it."""
        primary = f".using({self.primary!r})" if self.primary else "its primary"
        return (
            f"read {primary} there; or have the router read the primary for the rest of a request that has written;"
            " or pass the object on instead of reading it again"
        )


@dataclass(frozen=True, slots=True)
class LagCheck:
    """The second run of the tests that read a replica. ``judged`` has those that failed in it, by their id.

    ``checked`` is ``None`` if it has not ended. ``routes`` are those of the aliases. ``is_failure``: a bug makes the run red.
    """

    judged: tuple[LateReadJudged, ...]
    checked: LagChecked | None = None
    routes: Mapping[str, AliasRouted] = dataclasses.field(default_factory=dict)
    is_failure: bool = False

    def of(self, verdict: str) -> tuple[LateReadJudged, ...]:
        """The tests with this verdict."""
        return tuple(each for each in self.judged if each.verdict == verdict)

    def server(self, alias: str) -> str:
        """The name of the server of *alias*; empty if it is unknown."""
        route = self.routes.get(alias)
        return (route.server or "") if route else ""

    @property
    def has_replica(self) -> bool:
        """Whether a mirror has a server of its own, or no route is known."""
        servers = {alias: route.server for alias, route in self.routes.items()}
        mirrors = [route for route in self.routes.values() if route.mirror_of]
        return not mirrors or any(each.server and each.server != servers.get(each.mirror_of or "") for each in mirrors)

    @property
    def bugs(self) -> tuple[FoundBug, ...]:
        """The bugs, by the place of their read."""
        groups: dict[tuple[str, int, str], list[LateReadJudged]] = {}
        for each in self.of("bug"):
            if each.bug is not None:
                groups.setdefault(_key(each.bug.read), []).append(each)
        return tuple(self._found(groups[key]) for key in sorted(groups))

    def _found(self, judged: Sequence[LateReadJudged]) -> FoundBug:
        first = next(each.bug for each in judged if each.bug is not None)
        route = self.routes.get(first.read.alias)
        primary = (route.mirror_of or "") if route else ""
        return FoundBug(tuple(each.test for each in judged), first, self.server(first.read.alias), primary)

    @property
    def failing(self) -> Mapping[str, FoundBug]:
        """The tests that a bug fails, each with its bug; empty unless bugs make the run red."""
        return self.buggy if self.is_failure else {}

    @property
    def buggy(self) -> Mapping[str, FoundBug]:
        """The tests that have a bug, each with it as this test met it."""
        return {each.test: self._found([each]) for each in self.of("bug") if each.bug is not None}


def fold(
    judged: Iterable[LateReadJudged],
    checks: Sequence[LagChecked],
    routes: Mapping[str, AliasRouted],
    *,
    is_failure: bool = False,
    has_begun: bool = False,
) -> LagCheck | None:
    """The result of the events *judged* and *checks*; ``None`` without any, unless a check *has_begun*.

    A runner may run its suite, and the check, twice.
    """
    found: dict[str, LateReadJudged] = {}
    for each in judged:
        if each.test not in found or each.verdict == "bug":
            found[each.test] = _bounded(each)
    if not found and not checks and not has_begun:
        return None
    whole = LagChecked(
        max((check.lag_s for check in checks), default=0.0),
        sum(check.tests for check in checks),
        sum(check.sharing for check in checks),
        tuple(dict.fromkeys(test for check in checks for test in check.unchecked)),
    )
    return LagCheck(
        tuple(found[test] for test in sorted(found)), whole if checks else None, dict(routes), is_failure=is_failure
    )


def _bounded(judged: LateReadJudged) -> LateReadJudged:
    """The same with a failure whose texts fit into a report."""
    if judged.bug is None or judged.bug.failure is None:
        return judged
    failure = judged.bug.failure
    message, traceback = (keep_ends(visible(text), FAILURE_BYTES) for text in (failure.message, failure.traceback))
    failure = dataclasses.replace(failure, message=message, traceback=traceback)
    return dataclasses.replace(judged, bug=dataclasses.replace(judged.bug, failure=failure))


def joined(checks: Iterable[tuple[str, LagCheck]]) -> LagCheck | None:
    """The checks of several backends, each with its label, which is added to the names of tests; ``None`` without any."""
    known = list(checks)
    if not known:
        return None
    judged = (
        dataclasses.replace(each, test=f"{each.test} ({label})") for label, check in known for each in check.judged
    )
    routes = {alias: route for _, check in known for alias, route in check.routes.items()}
    return LagCheck(tuple(judged), None, routes, is_failure=any(check.is_failure for _, check in known))


def rows(check: LagCheck) -> list[str]:
    """The sum of a check in one line, and what it cannot say anything about, a line for each reason."""
    lines = [sum_line(check)]
    for word, verdict in (("unstable", "unstable"), ("pause", "pause"), ("unknown", "unknown")):
        lines += _reasons(word, check.of(verdict))
    if check.checked is not None and check.checked.unchecked:
        lines.append(f"did not run again to an end: {_named(check.checked.unchecked)}")
    if check.checked is not None and check.checked.sharing:
        lines.append(_sharing(check.checked.sharing, has_replica=check.has_replica))
    return lines


def _sharing(tests: int, *, has_replica: bool) -> str:
    """The line about tests that have read no replica; without one, none could."""
    clause = f"{plural(tests, 'test')} {'reads' if tests == 1 else 'read'} a mirror"
    if not has_replica:
        return f"{clause} that has no server of its own here: no lag can show there"
    return (
        f"{clause} through its primary's connection (TestCase): no lag can show there;"
        ' @harness.testing.mirrors("replica") or TransactionTestCase connects it to its replica'
    )


def sum_line(check: LagCheck) -> str:
    """``late by 500 ms: 41 tests that read a replica ran again: 3 read-after-write bugs in 3 tests, 1 unstable``."""
    checked = check.checked
    found = _findings(check)
    if checked is None:
        return f"the check did not end; so far: {found}"
    late = f"late by {duration(checked.lag_s)}"
    if not checked.tests:
        return f"{late}: no test that passed has read a replica, so none ran again"
    return f"{late}: {plural(checked.tests, 'test')} that read a replica ran again: {found}"


def duration(seconds: float) -> str:
    """``500 ms``, ``2 s``."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def _findings(check: LagCheck) -> str:
    bugs, pauses = check.bugs, len(check.of("pause"))
    unchecked = len(check.checked.unchecked) if check.checked else 0
    parts = [f"{plural(len(bugs), 'read-after-write bug')} in {plural(len(check.buggy), 'test')}"] if bugs else []
    parts += [f"{number} {word}" for word in ("unstable", "unknown") if (number := len(check.of(word)))]
    parts += [f"{pauses} {'fails' if pauses == 1 else 'fail'} for the pause alone"] if pauses else []
    parts += [f"{unchecked} not to an end"] if unchecked else []
    return ", ".join(parts if bugs else ["no read-after-write bug", *parts])


def _reasons(word: str, judged: Iterable[LateReadJudged]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for each in judged:
        reasons.setdefault(each.reason, []).append(each.test)
    for reason, tests in reasons.items():
        yield f"{word}: {_named(tests)}{f': {one_line(reason)}' if reason else ''}"


def _named(tests: Sequence[str], most: int = NAMED) -> str:
    return listed([one_line(test) for test in tests], most)


def _key(statement: TracedStatement) -> tuple[str, int, str]:
    """The key of bugs with one read, and their order: those without a line come last."""
    frame = statement.frame
    return (frame.file, frame.line, "") if frame else ("\U0010ffff", 0, place_of(statement))


def place_of(statement: TracedStatement) -> str:
    """The line of the project that sent *statement*, with its function; its text where there is none."""
    frame = statement.frame
    if frame is None:
        return one_line(statement.sql, SQL_CHARACTERS) or f"a read of {statement.alias!r}"
    return one_line(f"{frame.file}:{frame.line} in {frame.function}")


def _shown(statement: TracedStatement, how: str = "") -> str:
    where = f"{place_of(statement)}, " if statement.frame is not None else ""
    return f"{where}{statement.alias!r}{how}: {one_line(statement.sql, SQL_CHARACTERS) or '(no text)'}"
