"""Time limits of tests and fixtures: from the test's mark, then its class's, then a pattern, then ``--timeout``."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import Any

from ...errors import ProjectError
from ...protocol.messages import RunSpec
from ...testing import TIMEOUT
from ..private_apis import test_method_name
from ..schedule.slots import Limits
from ..schedule.units import Plan
from ..text import class_name

_CLASS_FIXTURES = ("setUpClass", "tearDownClass")


def limits(plan: Plan, spec: RunSpec) -> Limits:
    """The limits of *plan*'s tests and of their classes' fixtures. Raises ``ProjectError`` for a mark that is not a positive
    number.
    """
    found: dict[str, float] = {}

    def note(id: str, limit: float | None) -> None:
        patterns = (each.seconds for each in spec.timeouts if fnmatchcase(id, each.pattern))
        if (limit := limit or next(patterns, None)) is not None:
            found[id] = limit

    of_classes: dict[type, float | None] = {}
    for test, instance in zip(plan.tests, plan.instances, strict=True):
        cls = type(instance)
        if cls not in of_classes:
            of_classes[cls] = marked(cls, test.id)
            for name in _CLASS_FIXTURES:
                note(f"{class_name(cls)}.{name}", of_classes[cls])
        limit = marked(getattr(cls, test_method_name(instance), None), test.id) or of_classes[cls]
        if limit is not None or spec.timeouts:
            note(test.id, limit)
    return Limits(spec.timeout_s, found, spec.run_timeout_s)


def marked(owner: Any, test: str) -> float | None:
    """The limit of the mark of ``harness.testing`` on *owner*. Raises ``ProjectError`` if it is no positive number."""
    limit = getattr(owner, TIMEOUT, None)
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0 or math.isinf(limit):
        raise ProjectError(
            f"{TIMEOUT} of {test} is {limit!r}.", hint="It is the number of seconds that a test may take, more than 0."
        )
    return float(limit)
