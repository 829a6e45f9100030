"""Results of Django's suite by ``runtests.py`` and by the harness: their differences, and a table of their counts. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tests.django_suite.recorder import MARK
from tests.random_suites.compare import Seen, Told, expected

EXPLAINED: Mapping[str, str] = {}
"""Differences that are meant, each with its reason: by the id of the test, or the beginning of ids that ends with a dot."""

_WORDS = {
    "PASSED": "passed",
    "FAILED": "failed",
    "ERRORED": "errors",
    "SKIPPED": "skipped",
    "XFAILED": "expected failures",
    "XPASSED": "unexpected successes",
}


def recorded(output: str) -> Seen:
    """The results in the *output* of ``recorder.py``. Raises ``AssertionError`` if the run did not come to its end."""
    return expected(record_in(output))


def record_in(output: str) -> dict[str, Any]:
    """The record that ``print_record`` has printed. Raises ``AssertionError`` if there is none."""
    parts = [line.removeprefix(MARK) for line in output.split("\n") if line.startswith(MARK)]
    assert parts, output[-3000:]
    record: dict[str, Any] = json.loads("".join(parts))
    return record


def report(runs: Mapping[str, Seen], explained: Mapping[str, str], ours: str) -> tuple[str, int]:
    """The differences of each other run from the first as text, and the number of those of the run *ours* without a reason."""
    (first, expected), *others = runs.items()
    lines, unexplained = [], 0
    for title, seen in others:
        found = differences(expected, seen)
        lines.append(f"\n{len(found)} tests differ between {first} and {title}")
        for name, text in found:
            why = explanation(name, explained) if title == ours else ""
            unexplained += title == ours and not why
            lines.append(f"- {name}: {text}" + (f": {why}" if why else ""))
        unexplained += len(seen.lost)
        lines += [f"- lost {lost}" for lost in seen.lost]
    return "\n".join(lines), unexplained


def differences(one: Seen, other: Seen) -> list[tuple[str, str]]:
    """The tests and fixtures that differ, each with both results. The texts of failures may differ: they have names of clones."""
    found = []
    for name in sorted({*one.tests, *other.tests}):
        here, there = one.tests.get(name), other.tests.get(name)
        if here is None or there is None or _outcome(here) != _outcome(there):
            found.append((name, f"{_words(here)}, {_words(there)}"))
    for name in sorted({*one.fixtures, *other.fixtures}):
        types = [sorted(cls for cls, _ in each.fixtures.get(name, ())) for each in (one, other)]
        if types[0] != types[1]:
            found.append((name, f"{types[0] or 'no failure'}, {types[1] or 'no failure'}"))
    return found


def explanation(name: str, explained: Mapping[str, str] = EXPLAINED) -> str:
    """The reason for a difference of the test *name*; empty if there is none."""
    return next(
        (why for each, why in explained.items() if name == each or (each[-1] == "." and name.startswith(each))), ""
    )


def app_of(name: str) -> str:
    """The app of a test by its dotted *name*."""
    return name.partition(".")[0]


def table(columns: Mapping[str, Seen], part: str = "app", part_of: Callable[[str], str] = app_of) -> str:
    """The counts of each *part* of the suite and of all as a table in Markdown, with a column for each way to run the suite."""
    counts = {title: _by_part(seen, part_of) for title, seen in columns.items()}
    parts = sorted({each for counted in counts.values() for each in counted})
    rows = [[part, *counts], ["---"] * (1 + len(counts))]
    for each in parts:
        rows.append([each, *(_sum(counted.get(each, Counter())) for counted in counts.values())])
    rows.append(["**all**", *(_sum(sum(each.values(), Counter())) for each in counts.values())])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _by_part(seen: Seen, part_of: Callable[[str], str]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for name, told in seen.tests.items():
        found.setdefault(part_of(name), Counter())[told.outcome] += 1
    return found


def _sum(outcomes: Counter[str]) -> str:
    return ", ".join(
        [str(outcomes.total()), *(f"{outcomes[key]} {word}" for key, word in _WORDS.items() if outcomes[key])]
    )


def _outcome(told: Told) -> tuple[str, list[tuple[str, str]], str]:
    reason = told.reason if told.outcome == "SKIPPED" else ""
    return told.outcome, sorted((kind, cls) for kind, _, cls, _ in told.failures), reason


def _words(told: Told | None) -> str:
    if told is None:
        return "no such test"
    texts = [told.reason, *(f"{cls}: {text}" for _, _, cls, text in told.failures)]
    return " ".join([told.outcome, *(f"({text.strip().splitlines()[0][:200]})" for text in texts if text.strip())])
