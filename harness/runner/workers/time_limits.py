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
    for test, instance in zip(plan.tests, plan.instances, strict=True):
        cls = type(instance)
        of_method = marked(getattr(cls, test_method_name(instance), None), test.id)
        of_class = marked(cls, test.id)
        for id, limit in [
            (test.id, of_method or of_class),
            *((f"{class_name(cls)}.{n}", of_class) for n in _CLASS_FIXTURES),
        ]:
            patterns = (each.seconds for each in spec.timeouts if fnmatchcase(id, each.pattern))
            if (limit := limit or next(patterns, None)) is not None:
                found[id] = limit
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
