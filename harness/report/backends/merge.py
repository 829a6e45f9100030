"""Merges several runs of one suite: checks that they belong together, names them, and computes their common verdict.

Owns ``Merged``, from which the reports of several backends are made. Pure: ``host.backends.merge`` reads the runs' artifacts, and
``harness ci`` with several backends makes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property

from harness.errors import ExitCode, UsageError, worst
from harness.report.model.run_report import Case, Counts, RunReport
from harness.report.model.text import listed, one_line, plural
from harness.report.model.verdict import WORDS, Cause, Verdict

NAMED = 3
"""Number of names that a message lists."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run that has ended. ``folder`` is that of its artifacts, relative to the merged ones, with a slash at its end.

    ``verdict`` follows from its journal and its exit status together.
    """

    report: RunReport
    verdict: Verdict
    folder: str = ""

    @property
    def backend(self) -> str:
        return self.report.asked.backend if self.report.asked else ""

    @property
    def project(self) -> tuple[str, str]:
        """The identity of the project: its folder in the repository, and the settings."""
        asked = self.report.asked
        return (asked.project if asked else "", self.report.settings or (asked.settings if asked else ""))

    @property
    def python(self) -> str:
        """The minor version of Python that it ran on, or was to run on."""
        asked = self.report.asked.python if self.report.asked else ""
        return ".".join((self.report.python or asked).split(".")[:2])

    @property
    def django(self) -> str:
        """The version of Django that it was asked for, else the one that it ran on; empty if neither is known."""
        return (self.report.asked.django if self.report.asked else "") or self.report.django

    @property
    def name(self) -> str:
        """The name of its job in ``harness matrix``."""
        return f"{self.backend}-py{self.python}"


@dataclass(frozen=True, slots=True)
class Missing:
    """An expected run that does not exist, and why."""

    name: str
    why: str

    @property
    def cause(self) -> Cause:
        return Cause("Missing", f"{self.name}: {self.why}")


@dataclass(frozen=True)
class Column:
    """All runs on one backend: one, or its shards. ``label`` is the shortest name that tells it from the others."""

    label: str
    runs: tuple[Run, ...]

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """Every case by its test's id."""
        return {case.test.id: case for run in self.runs for case in run.report.cases}

    @cached_property
    def counts(self) -> Counts:
        return add_counts(run.report.counts() for run in self.runs)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the run whose exit code weighs most."""
        code = worst(*(run.verdict.exit_code for run in self.runs))
        return next(run.verdict for run in self.runs if run.verdict.exit_code == code)

    @property
    def total_s(self) -> float:
        """Seconds of the longest run."""
        return max(run.report.total_s for run in self.runs)


@dataclass(frozen=True, slots=True)
class Merged:
    """All runs, by backend in the given order, and the missing ones."""

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
        """Seconds from the first start to the last end of the runs whose start is known, on one machine or several."""
        known = [run.report for _, run in self.runs if run.report.started_at]
        if not known:
            return 0.0
        return max(report.started_at + report.total_s for report in known) - min(r.started_at for r in known)


def merge(runs: Sequence[Run], missing: Sequence[Missing] = (), code: ExitCode = ExitCode.GREEN) -> Merged:
    """Merge *runs*. The merged exit code is at least as bad as *code*.

    Raises ``UsageError`` for runs that do not belong together: of several projects or settings, and two of one backend on
    one Python that have tests in common.
    """
    if not runs and not missing:
        raise UsageError("There is no run to merge.", hint="Name the artifacts folders of the runs.")
    _check_project(runs)
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.backend, run.python, run.django), []).append(run)
    _place_unknown_django(groups)
    for group in groups.values():
        _check_shards(group)
    labels = _labels(list(groups))
    columns = tuple(Column(label, tuple(group)) for label, group in zip(labels, groups.values(), strict=True))
    return Merged(columns, tuple(missing), _verdict(columns, missing, code))


def missing_of(runs: Iterable[Run], expected: Sequence[str]) -> tuple[Missing, ...]:
    """The *expected* names that no run has. Raises ``UsageError`` for a run that is none of them."""
    names = [run.name for run in runs]
    if unknown := [name for name in dict.fromkeys(names) if name not in expected]:
        raise UsageError(
            f"The expected runs do not include {_some(unknown)}.",
            hint=f"They are {_some(expected, 20)}. Leave out the folders of other runs.",
        )
    return tuple(Missing(name, "none of the folders has it") for name in expected if name not in names)


def add_counts(counts: Iterable[Counts]) -> Counts:
    """The sum of each field."""
    each = (RunReport().counts(), *counts)
    return Counts(*map(sum, zip(*map(astuple, each), strict=True)))


def _check_project(runs: Sequence[Run]) -> None:
    """Raise ``UsageError`` if two runs are of different projects or settings."""
    for first, run in itertools.pairwise(runs):
        if run.project != first.project:
            raise UsageError(
                f"{_place(first)} and {_place(run)} do not belong together: the one is of {_project(first)}, the other"
                f" of {_project(run)}.",
                hint="Merge runs of one project with one settings module.",
            )


def _check_shards(group: Sequence[Run]) -> None:
    """Raise ``UsageError`` if runs of one backend have tests in common, and so are no shards of one suite."""
    owner: dict[str, Run] = {}
    for run in group:
        tests = [case.test.id for case in run.report.cases if case.is_planned]
        if common := [test for test in tests if test in owner]:
            raise UsageError(
                f"{_place(owner[common[0]])} and {_place(run)} are both of {run.name}, and have"
                f" {plural(len(common), 'test')} in common: {_some(common)}.",
                hint="Leave out one of them. Parts of one suite must have no test in common.",
            )
        owner.update(dict.fromkeys(tests, run))


def _place_unknown_django(groups: dict[tuple[str, str, str], list[Run]]) -> None:
    """Move a run that ended before its Django was known to the only known Django of its backend and Python."""
    for key in [key for key in groups if not key[2]]:
        others = [other for other in groups if other[:2] == key[:2] and other[2]]
        if len(others) == 1:
            groups[others[0]] += groups.pop(key)


def _labels(keys: Sequence[tuple[str, str, str]]) -> list[str]:
    """The backend of each key, with the versions of Python and Django if these differ between keys.

    A backend has its Django in its name where the run was asked for one.
    """
    pythons, djangos = {python for _, python, _ in keys}, {django for _, _, django in keys if django}
    return [
        backend
        + (f"-py{python}" if len(pythons) > 1 and python else "")
        + (f"-django{django}" if len(djangos) > 1 and django and not backend.endswith(f"-django{django}") else "")
        for backend, python, django in keys
    ]


def _verdict(columns: Sequence[Column], missing: Sequence[Missing], code: ExitCode) -> Verdict:
    """The worst verdict. A missing run counts like one whose journal has no end: an internal error."""
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
    return listed([one_line(name) for name in names], most)
