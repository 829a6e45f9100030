"""Estimates of how long tests and fixtures take, from the times of earlier runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from ...protocol.messages import History
from ...protocol.results import PlannedTest


@dataclass(frozen=True, slots=True)
class Estimates:
    """Seconds: ``tests`` in the order of the plan, ``fixtures`` by class, without the classes that are not known.

    ``whole`` are classes that are not to be split.
    """

    tests: tuple[float, ...]
    fixtures: Mapping[str, float] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()


def estimated(tests: Sequence[PlannedTest], history: History) -> Estimates | None:
    """The estimates for *tests*; ``None`` if *history* knows none of them.

    A test that is not known gets the median of its module, else that of all known ones.
    """
    known = dict(zip(history.tests, history.seconds, strict=False))
    found = [known.get(test.id) for test in tests]
    if missing := [test for test, seconds in zip(tests, found, strict=True) if seconds is None]:
        by_module: dict[str, list[float]] = {}
        for test, seconds in zip(tests, found, strict=True):
            if seconds is not None:
                by_module.setdefault(_module(test), []).append(seconds)
        if not by_module:
            return None
        overall = median(seconds for module in by_module.values() for seconds in module)
        of_module = {name: _median(by_module.get(name, ()), overall) for name in set(map(_module, missing))}
        found = [
            of_module[_module(test)] if seconds is None else seconds for test, seconds in zip(tests, found, strict=True)
        ]
    fixtures = dict(zip(history.classes, history.fixture_s, strict=False))
    return Estimates(tuple(seconds or 0.0 for seconds in found), fixtures, frozenset(history.whole)) if found else None


def _module(test: PlannedTest) -> str:
    return test.file or test.classname


def _median(seconds: Iterable[float], default: float) -> float:
    found = list(seconds)
    return median(found) if found else default
