"""The times of earlier runs, by which the runner orders the units: read before a run, and merged with its report after it.

A file for each project and backend in the folder ``history`` of the cache. Its first line is the digest of the rest: a file that
is torn or that something else has changed counts as none.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.host.cache import private_folder
from harness.host.config.options import Config
from harness.host.digest import digest_of
from harness.host.planning.backends import backends_of
from harness.protocol.messages import NO_HISTORY, History
from harness.protocol.results import Outcome
from harness.report.model.run_report import Case, RunReport
from harness.report.model.unit_times import fixture_s

FOLDER = "history"
VERSION = 1
WEIGHT = 0.3
"""The least weight of the newest run in the mean of a time; the first runs count alike."""
MOST = 50_000
"""The most tests in a file, and the most classes: those that were seen last."""
FILES = 200
"""The most files: those that were written last."""
_TIMED = frozenset({Outcome.PASSED, Outcome.SKIPPED, Outcome.XFAILED})


@dataclass(frozen=True, slots=True)
class Time:
    """A mean of times in seconds, the number of runs in it, and the number of the last run that has it."""

    seconds: float
    count: int
    run: int

    def merged(self, seconds: float, run: int) -> Time:
        """The mean with the time of another run."""
        weight = max(WEIGHT, 1 / (self.count + 1))
        return Time(self.seconds + weight * (seconds - self.seconds), self.count + 1, run)


@dataclass(frozen=True, slots=True)
class Times:
    """The content of a file: times by the id of a test and by class, and the classes that are not to be split."""

    run: int = 0
    tests: Mapping[str, Time] = field(default_factory=dict)
    classes: Mapping[str, Time] = field(default_factory=dict)
    whole: tuple[str, ...] = ()

    def history(self) -> History:
        """The times in the form of the protocol."""
        return History(
            tuple(self.tests),
            tuple(time.seconds for time in self.tests.values()),
            tuple(self.classes),
            tuple(time.seconds for time in self.classes.values()),
            self.whole,
        )


def read(config: Config, environ: Mapping[str, str]) -> History:
    """The times of earlier runs of the project on this backend. Empty without ``cache``, and where they cannot be read."""
    with contextlib.suppress(UsageError, OSError):
        if config.cache:
            return parse(_path(config, environ).read_bytes()).history()
    return NO_HISTORY


def update(config: Config, environ: Mapping[str, str], report: RunReport) -> None:
    """Merge the times of *report* into the file. Nothing happens without ``cache``, and where it cannot be written."""
    if not config.cache or not report.times.first_test:
        return
    with contextlib.suppress(UsageError, OSError):
        path = _path(config, environ)
        with _locked(path.parent):
            try:
                known = parse(path.read_bytes())
            except FileNotFoundError:
                known = Times()
            new = path.with_suffix(f".{os.getpid()}.new")
            new.write_bytes(text(merged(known, report)))
            new.replace(path)
            _prune(path.parent)


def merged(known: Times, report: RunReport) -> Times:
    """*known* with the times of *report*: those of attempts that ended well, without the set-up of fixtures of several tests.

    A class that ran in parts stays whole from now on if a test of it went wrong, which may rely on the others.
    """
    run = known.run + 1
    seen = {case.test.id: seconds for case in report.cases if (seconds := _seconds(case)) is not None}
    broken = {report.parts[case.test.id] for case in report.red if case.test.id in report.parts}
    whole = tuple(dict.fromkeys((*known.whole, *sorted(broken))))[-MOST:]
    return Times(
        run, _merged(known.tests, seen, run), _merged(known.classes, fixture_s(report.times.spans), run), whole
    )


def text(times: Times) -> bytes:
    """The content of the file with *times*."""
    rows = {name: _rows(getattr(times, name)) for name in ("tests", "classes")}
    body = {"version": VERSION, "run": times.run, **rows, "whole": times.whole}
    line = json.dumps(body, separators=(",", ":")).encode()
    return _digest(line) + b"\n" + line


def parse(content: bytes) -> Times:
    """The times in the *content* of a file; none if it is torn, changed, or of another version."""
    digest, _, line = content.partition(b"\n")
    if digest != _digest(line):
        return Times()
    try:
        body = json.loads(line)
        if body["version"] != VERSION:
            return Times()
        tests, classes = ({name: _time(*row) for name, row in body[key].items()} for key in ("tests", "classes"))
        return Times(int(body["run"]), tests, classes, tuple(map(str, body["whole"])))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Times()


def _seconds(case: Case) -> float | None:
    """The time of the last attempt that ended well; ``None`` if there is none."""
    good = [attempt for attempt in case.attempts if attempt.outcome in _TIMED]
    return max(good[-1].duration - good[-1].shared_s, 0.0) if case.is_planned and good else None


def _merged(known: Mapping[str, Time], seen: Mapping[str, float], run: int) -> dict[str, Time]:
    found = dict(known)
    for name, seconds in seen.items():
        found[name] = found[name].merged(seconds, run) if name in found else Time(seconds, 1, run)
    if len(found) > MOST:
        newest = sorted(found.items(), key=lambda each: each[1].run, reverse=True)[:MOST]
        found = dict(newest)
    return found


def _rows(times: Mapping[str, Time]) -> dict[str, tuple[float, int, int]]:
    return {name: (round(time.seconds, 6), time.count, time.run) for name, time in times.items()}


def _time(seconds: Any, count: Any, run: Any) -> Time:
    """A row as ``Time``. Raises ``ValueError`` for seconds that are none."""
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{seconds} is no time")
    return Time(float(seconds), int(count), int(run))


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest().encode()


def _path(config: Config, environ: Mapping[str, str]) -> Path:
    backend = backends_of(config.db, config.django)[0].name
    name = digest_of([os.fsencode(config.project), backend.encode()])
    return private_folder(environ, FOLDER) / f"{name[:32]}.json"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the *folder*: another run waits before it reads what it merges with."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prune(folder: Path) -> None:
    """Remove the oldest files where there are too many, and those of runs that were killed while they wrote."""
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [*files[FILES:], *(path for path in files if path.suffix == ".new")]:
        path.unlink(missing_ok=True)
