"""The order of shuffled items."""

from __future__ import annotations

from itertools import groupby

from harness.runner.pytest.policies.item_order import new_seed, shuffled
from harness.runner.pytest.policies.taken_over import asked_seed
from tests.unit.runner.pytest.policies.items import item

ITEMS = [item(f"test_{m}.py::Test{c}::test_{n}[a::b-{p}]") for m in "ab" for c in "ab" for n in "xyz" for p in (1, 2)]
ITEMS += [item(f"test_a.py::test_{n}") for n in range(4)]


def runs(keys: list[str]) -> int:
    return len(list(groupby(keys)))


def test_modules_and_classes_stay_together() -> None:
    for seed in range(5):
        ids = [each.nodeid for each in shuffled(ITEMS, seed)]
        assert sorted(ids) == sorted(each.nodeid for each in ITEMS)
        assert runs([id.partition("::")[0] for id in ids]) == 2
        assert runs([id.partition("[")[0].rpartition("::")[0] for id in ids]) == 5


def test_seeds_give_orders() -> None:
    assert shuffled(ITEMS, 1) == shuffled(list(reversed(ITEMS)), 1)
    assert len({tuple(each.nodeid for each in shuffled(ITEMS, seed)) for seed in range(10)}) == 10
    assert new_seed() != new_seed()


def test_a_part_has_the_order_of_the_whole() -> None:
    part = ITEMS[::3]
    assert shuffled(part, 4) == [each for each in shuffled(ITEMS, 4) if each in part]


def test_the_seed_is_that_of_the_option() -> None:
    assert asked_seed(["--failfast", "--shuffle=12"]) == 12
    assert asked_seed(["--shuffle"]) is True
    assert asked_seed(["--reverse"]) is None
