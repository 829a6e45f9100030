from __future__ import annotations

import pytest

from harness.runner.schedule.units import FLUSHED, Unit

PLAIN = Unit("plain", (0,))
ROLLED_BACK = Unit("rolled back", (0,), needs_data=True)
COMMITTING = Unit("committing", (0,), flushes=True)
ADDING = Unit("adding", (0,), needs_data=True, own_data="a")


@pytest.mark.parametrize(
    ("left", "suited"),
    [
        ((), [PLAIN, ROLLED_BACK, COMMITTING, ADDING]),
        ((FLUSHED,), [PLAIN, COMMITTING]),
        (("a",), [PLAIN, ADDING]),
        (("b",), [PLAIN]),
        (("a", FLUSHED), [PLAIN]),
    ],
)
def test_a_unit_gets_databases_as_it_needs_them(left: tuple[str, ...], suited: list[Unit]) -> None:
    assert [unit for unit in (PLAIN, ROLLED_BACK, COMMITTING, ADDING) if unit.suits(left)] == suited


def test_a_unit_leaves_its_own_data_and_what_it_has_flushed() -> None:
    assert PLAIN.leaves == ROLLED_BACK.leaves == frozenset()
    assert COMMITTING.leaves == {FLUSHED}
    assert Unit("both", (0,), flushes=True, own_data="a").leaves == {FLUSHED, "a"}
