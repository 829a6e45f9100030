"""The order of a plan's units: that of the project's runner, or the longest first where that may not change an outcome. Pure."""

from __future__ import annotations

from dataclasses import replace

from ...protocol.messages import RunSpec
from .estimates import estimated
from .longest_first import longest_first
from .units import Plan

_ORDERS = ("--reverse", "--shuffle")


def arranged(plan: Plan, spec: RunSpec, workers: int, *, is_ordered: bool) -> Plan:
    """*plan* with its units the longest first for *workers*, by the times in *spec*; the tests keep their places in it.

    *is_ordered*: the project orders its tests itself. Its order stays, as does that of options, of a replay, and of a run with
    one worker, which no order makes shorter.
    """
    is_asked = bool(spec.replay) or any(arg.partition("=")[0] in _ORDERS for arg in spec.django_args)
    if workers < 2 or is_ordered or is_asked:
        return plan
    estimates = estimated(plan.tests, spec.history)
    return plan if estimates is None else replace(plan, units=longest_first(plan.units, estimates, workers))
