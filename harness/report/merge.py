"""Several runs of one suite as one: which belong together, what each is called, and what they come to.

Owns ``Merged``, from which the reports of several backends are made. Pure: ``host.merge`` reads the runs' artifacts, and
``harness ci`` with several backends makes them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.errors import ExitCode, UsageError, worst
from harness.report.runreport import Case, Counts, RunReport
from harness.report.text import one_line, plural
from harness.report.verdict import WORDS, Cause, Verdict

NAMED = 3
"""How many of several things a message names."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run that has ended. ``folder`` is that of its artifacts, seen from the merged ones, with a slash behind it.

    ``verdict`` is what its journal and its exit status come to together.
    """

    report: RunReport
    verdict: Verdict
    folder: str = ""

    @property
    def backend(self) -> str:
        return self.report.asked.backend if self.report.asked else ""

    @property
    def project(self) -> tuple[str, str]:
        """What tells projects apart: the folder in its repository, and the settings."""
        asked = self.report.asked
        return (asked.project if asked else "", self.report.settings or (asked.settings if asked else ""))

    @property
    def python(self) -> str:
        """The minor version that it ran on, or was to run on."""
        asked = self.report.asked.python if self.report.asked else ""
        return ".".join((self.report.python or asked).split(".")[:2])

    @property
    def name(self) -> str:
        """As a job of ``harness matrix`` is called."""
        return f"{self.backend}-py{self.python}"


@dataclass(frozen=True, slots=True)
class Missing:
    """A run that there should be, and why there is none."""

    name: str
    why: str

    @property
    def cause(self) -> Cause:
        return Cause("Missing", f"{self.name}: {self.why}")


@dataclass(frozen=True)
class Column:
    """All runs on one backend: one, or the shards of one. ``label`` tells it from the others in as few words as can be."""

    label: str
    runs: tuple[Run, ...]

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """Every case, by its test's id."""
        return {case.test.id: case for run in self.runs for case in run.report.cases}

    @cached_property
    def counts(self) -> Counts:
        return add_counts(run.report.counts() for run in self.runs)

    @property
    def verdict(self) -> Verdict:
        """That of the run that weighs most."""
        code = worst(*(run.verdict.exit_code for run in self.runs))
        return next(run.verdict for run in self.runs if run.verdict.exit_code == code)

    @property
    def total_s(self) -> float:
        """Seconds of the run that took longest."""
        return max(run.report.total_s for run in self.runs)


@dataclass(frozen=True, slots=True)
class Merged:
    """All runs, by backend in the order in which they were given, and what is missing."""

    columns: tuple[Column, ...]
    missing: tuple[Missing, ...]
    verdict: Verdict

    @property
    def runs(self) -> tuple[tuple[str, Run], ...]:
        """Every run, with its column's label."""
        return tuple((column.label, run) for column in self.columns for run in column.runs)

    @property
    def counts(self) -> Counts:
        return add_counts(run.report.counts() for _, run in self.runs)

    @property
    def total_s(self) -> float:
        """Seconds from the first beginning to the last end, where that is known, of runs on one machine or several."""
        known = [run.report for _, run in self.runs if run.report.started_at]
        if not known:
            return 0.0
        return max(report.started_at + report.total_s for report in known) - min(r.started_at for r in known)


def merge(runs: Sequence[Run], missing: Sequence[Missing] = (), code: ExitCode = ExitCode.GREEN) -> Merged:
    """*runs* as one. *code* is what the whole comes to at least.

    Raises ``UsageError`` for runs that do not belong together: of several projects or settings, and two of one backend on
    one Python that have tests in common.
    """
    if not runs and not missing:
        raise UsageError("There is no run to merge.", hint="Name the artifacts folders of the runs.")
    _see_that_they_are_of_one_project(runs)
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.backend, run.python, run.report.django), []).append(run)
    _fold_in_what_never_began(groups)
    for group in groups.values():
        _see_that_they_are_shards(group)
    columns = tuple(
        Column(label, tuple(group)) for label, group in zip(_labels(list(groups)), groups.values(), strict=True)
    )
    return Merged(columns, tuple(missing), _verdict(columns, missing, code))


def missing_of(runs: Iterable[Run], expected: Sequence[str]) -> tuple[Missing, ...]:
    """Which of the *expected* names no run has. Raises ``UsageError`` for a run that is none of them."""
    names = [run.name for run in runs]
    if strangers := [name for name in dict.fromkeys(names) if name not in expected]:
        raise UsageError(
            f"What was expected has no {_some(strangers)}.",
            hint=f"It has {_some(expected, 20)}. Leave out the folders of other runs.",
        )
    return tuple(Missing(name, "none of the folders has it") for name in expected if name not in names)


def add_counts(counts: Iterable[Counts]) -> Counts:
    """The sum of each."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update({name: getattr(each, name) for name in Counts.__dataclass_fields__})
    return Counts(**{name: total[name] for name in Counts.__dataclass_fields__})


def _see_that_they_are_of_one_project(runs: Sequence[Run]) -> None:
    for first, run in itertools.pairwise(runs):
        if run.project != first.project:
            raise UsageError(
                f"{_place(first)} and {_place(run)} do not belong together: the one is of {_project(first)}, the other"
                f" of {_project(run)}.",
                hint="Merge runs of one project with one settings module.",
            )


def _see_that_they_are_shards(group: Sequence[Run]) -> None:
    """Runs alike in all must have shared the suite out among themselves."""
    seen: dict[str, Run] = {}
    for run in group:
        common = [case.test.id for case in run.report.cases if case.is_planned and case.test.id in seen]
        if common:
            raise UsageError(
                f"{_place(seen[common[0]])} and {_place(run)} are both of {run.name}, and have"
                f" {plural(len(common), 'test')} in common: {_some(common)}.",
                hint="Leave out one of them. Parts of one suite must have no test in common.",
            )
        seen.update((case.test.id, run) for case in run.report.cases if case.is_planned)


def _fold_in_what_never_began(groups: dict[tuple[str, str, str], list[Run]]) -> None:
    """A run that ended before Django was there is of the one Django that the others on its backend and Python have."""
    for key in [key for key in groups if not key[2]]:
        others = [other for other in groups if other[:2] == key[:2] and other[2]]
        if len(others) == 1:
            groups[others[0]] += groups.pop(key)


def _labels(keys: Sequence[tuple[str, str, str]]) -> list[str]:
    """The backend alone where that tells them apart, with the versions of Python and Django where these differ."""
    pythons, djangos = {python for _, python, _ in keys}, {django for _, _, django in keys if django}
    return [
        backend
        + (f"-py{python}" if len(pythons) > 1 and python else "")
        + (f"-django{django}" if len(djangos) > 1 and django else "")
        for backend, python, django in keys
    ]


def _verdict(columns: Sequence[Column], missing: Sequence[Missing], code: ExitCode) -> Verdict:
    """The worst one. A run that is missing ended without a word, like one whose journal stops in the middle."""
    code = worst(code, *(column.verdict.exit_code for column in columns), *(ExitCode.INTERNAL for _ in missing))
    for column in columns:
        cause = column.verdict.cause
        if column.verdict.exit_code == code and cause is not None:
            return Verdict(WORDS[code], code, replace(cause, message=f"{column.label}: {cause.message}"))
    if code == ExitCode.INTERNAL and missing:
        return Verdict(WORDS[code], code, missing[0].cause)
    return Verdict(WORDS[code], code)


def _place(run: Run) -> str:
    return run.folder.rstrip("/") or "."


def _project(run: Run) -> str:
    folder, settings = run.project
    return f"{settings or 'unknown settings'} in {folder.rstrip('/') or 'the root of its repository'}"


def _some(names: Sequence[str], most: int = NAMED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(one_line(name) for name in names[:most]) + more
