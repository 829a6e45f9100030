"""Times the steps by which Django makes the templates: each database, each migration, each serialisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ...protocol.events import TemplateTimed
from ...protocol.results import TimedStep
from .. import private_apis, unpatched

Step = Callable[[str], AbstractContextManager[None]]


@contextmanager
def timed(report: Callable[[TemplateTimed], None]) -> Iterator[Step]:
    """Time the steps of the block, and *report* them at its end, also if it raises. Yields the context of a step by its name."""
    steps: list[TimedStep] = []

    @contextmanager
    def step(name: str) -> Iterator[None]:
        at, start = unpatched.epoch_s(), unpatched.time.perf_counter()
        try:
            yield
        finally:
            steps.append(TimedStep(name, at, round(unpatched.time.perf_counter() - start, 6)))

    unwatch = private_apis.watch_templates(step)
    try:
        yield step
    finally:
        unwatch()
        if steps:
            report(TemplateTimed(tuple(steps)))
