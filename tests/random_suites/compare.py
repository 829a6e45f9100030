"""Results of a suite by plain Django and by the harness, and the differences between them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import ExitCode
from harness.protocol.results import Outcome
from harness.report.model.run_report import Case, RunReport
from harness.report.model.verdict import verdict

_FIXTURE = re.compile(r"(\w+) \((.+)\)$")
_FOLDER = re.compile(r'File "[^"]*/cases/')  # in the message of a doctest; the harness runs a copy of the project
_SLOW = re.compile(r"^Executing <.*\n", re.MULTILINE)  # asyncio's, of a machine that has other things to do


@dataclass(frozen=True)
class Told:
    """The result of one test: outcome, each failure (kind, subTest, type, message), reason of a skip, and output."""

    outcome: str
    failures: tuple[tuple[str, str, str, str], ...] = ()
    reason: str = ""
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True)
class Seen:
    """The results of a suite. ``fixtures`` are those that failed: by id, the type and the message of each failure. ``cause``: the
    reason for a red run, if its tests do not show it.
    """

    tests: dict[str, Told]
    fixtures: dict[str, frozenset[tuple[str, str]]]
    exit_code: int
    lost: tuple[str, ...] = ()
    cause: str = ""


def expected(record: dict[str, Any]) -> Seen:
    """The results that the harness must give, from plain Django's *record* (see ``plain_runner.py`` of the project)."""
    failed: dict[str, set[tuple[str, str]]] = {}
    skipped: dict[str, str] = {}
    for description, kind, cls, message in record["fixtures"]:
        name, owner = _FIXTURE.match(description).groups()  # type: ignore[union-attr]  # unittest's own words
        if kind == "skip":
            skipped[owner] = message
        else:
            failed.setdefault(f"{owner}.{name}", set()).add((cls, message))
    tests = {}
    for test in record["planned"]:
        said = record["tests"][test]
        tests[test] = of_calls(said, record["output"].get(test, ["", ""])) if said else _left_out(test, skipped)
    fixtures = {name: frozenset(failures) for name, failures in failed.items()}
    is_red = bool(fixtures) or any(Outcome(told.outcome).is_red for told in tests.values())
    code = ExitCode.TESTS_FAILED if is_red else ExitCode.GREEN if tests else ExitCode.NO_TESTS
    return Seen(tests, fixtures, int(code))


def of_calls(said: Sequence[Sequence[str]], output: Sequence[str]) -> Told:
    """The result of a test from unittest's calls *said*: each call has its kind, subTest, type and message."""
    by_kind: dict[str, list[str]] = {}
    for kind, _, _, message in said:
        by_kind.setdefault(kind, []).append(message)
    failures = tuple(
        (kind, subtest, cls, _FOLDER.sub('File "cases/', _examples(text)))
        for kind, subtest, cls, text in said
        if kind in ("error", "failure")
    )
    ways = {
        "error": Outcome.ERRORED,
        "failure": Outcome.FAILED,
        "unexpected success": Outcome.XPASSED,
        "expected failure": Outcome.XFAILED,
        "skip": Outcome.SKIPPED,
        "success": Outcome.PASSED,
        "subtest skip": Outcome.SKIPPED,
    }
    kind = next(each for each in ways if each in by_kind)
    reason = by_kind[kind][-1] if ways[kind] in (Outcome.SKIPPED, Outcome.XFAILED) else ""
    stdout, stderr = output if ways[kind].is_red else ("", "")  # reports show the output of red tests alone
    return Told(ways[kind].value, failures, reason, stdout, _SLOW.sub("", stderr))


def _examples(text: str) -> str:
    """The failed examples of a doctest's *text*, which the harness shows alone; any other text as it is."""
    found = re.findall(r"^(Failed example:\n.*?)(?=^-{70}$|\Z)", text, re.MULTILINE | re.DOTALL)
    return "\n\n".join(example.strip() for example in found) or text


def _left_out(test: str, skipped: dict[str, str]) -> Told:
    """The result of a test that plain Django silently drops, since a fixture failed or was skipped."""
    for owner, reason in skipped.items():
        if test.startswith(f"{owner}."):
            return Told(Outcome.SKIPPED.value, reason=reason)
    return Told(Outcome.NOT_RUN.value)


def seen(report: RunReport) -> Seen:
    """The results of the harness."""
    lost = tuple(f"worker {each.slot}: {each.event}" for each in report.lost)
    fixtures = {
        case.test.id: frozenset((f.type, f.message) for attempt in case.attempts for f in attempt.failures)
        for case in report.cases
        if not case.is_planned and case.is_red
    }
    tests = {case.test.id: _of_case(case) for case in report.cases if case.is_planned}
    came_to = verdict(report)
    return Seen(tests, fixtures, int(came_to.exit_code), lost, came_to.cause.text if came_to.cause else "")


def _of_case(case: Case) -> Told:
    if case.outcome is Outcome.NOT_RUN or not case.attempts:
        return Told(case.outcome.value, reason=case.reason if case.outcome is Outcome.SKIPPED else "")
    last = case.attempts[-1]
    is_told = case.outcome in (Outcome.SKIPPED, Outcome.XFAILED)
    failures = () if case.outcome is Outcome.XFAILED else last.failures
    return Told(
        case.outcome.value,
        tuple((f.kind, f.subtest, f.type, _FOLDER.sub('File "cases/', f.message)) for f in failures),
        (case.reason or last.reason) if is_told else "",
        last.stdout if case.is_red else "",
        _SLOW.sub("", last.stderr) if case.is_red else "",
    )


def differences(plain: Seen, ours: Seen) -> list[str]:
    """A line for each difference between plain Django's results and the harness's, and for each lost worker."""
    found = [f"lost {each}" for each in ours.lost]
    if plain.exit_code != ours.exit_code:
        found.append(f"exit code: expected {plain.exit_code}, the harness {ours.exit_code}: {ours.cause}")
    for name in sorted({*plain.tests, *ours.tests}):
        mine, theirs = ours.tests.get(name), plain.tests.get(name)
        if mine != theirs:
            found.append(f"{name}: expected {theirs}, the harness {mine}")
    for name in sorted({*plain.fixtures, *ours.fixtures}):
        mine_too, theirs_too = ours.fixtures.get(name), plain.fixtures.get(name)
        if mine_too != theirs_too:
            found.append(f"{name}: expected {_words(theirs_too)}, the harness {_words(mine_too)}")
    return found


def _words(failures: frozenset[tuple[str, str]] | None) -> str:
    return "no failure" if failures is None else "; ".join(f"{cls}: {text}" for cls, text in sorted(failures))
