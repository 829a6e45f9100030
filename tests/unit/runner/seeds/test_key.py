import dataclasses

from harness.protocol.seed_events import SeedWanted
from harness.runner.seeds.key import Facts, digest, wanted

FACTS = Facts((("versions", "a"), ("code", "b")), (("shop.0001_initial", "c" * 64), ("shop.0002_x", "d" * 64)))


def test_each_fact_counts_at_its_place() -> None:
    keys = {
        wanted(facts, 2).key
        for facts in (
            FACTS,
            dataclasses.replace(FACTS, parts=(("versions", "b"), ("code", "a"))),
            dataclasses.replace(FACTS, parts=(("versions", "ab"), ("code", ""))),
            dataclasses.replace(FACTS, migrations=FACTS.migrations[:1]),
            dataclasses.replace(FACTS, migrations=FACTS.migrations[::-1]),
        )
    }
    assert len(keys) == 5
    assert digest(["a", "b"]) != digest(["ab"]) != digest(["ab", ""])


def test_the_base_is_without_the_migrations() -> None:
    one, other = wanted(FACTS, 2), wanted(dataclasses.replace(FACTS, migrations=FACTS.migrations[:1]), 2)
    assert one.base == other.base
    assert set(other.migrations) < set(one.migrations)
    assert one.migrations[0] == f"shop.0001_initial:{'c' * 32}"
    assert [part.partition(":")[0] for part in one.parts] == ["versions", "code"]


def test_the_number_of_workers_does_not_count() -> None:
    assert wanted(FACTS, 2).key == wanted(FACTS, 4).key


def test_a_doubt_has_no_key() -> None:
    assert wanted(dataclasses.replace(FACTS, doubts=("why", "more")), 2) == SeedWanted("", slots=2, reason="why")
