"""Which seed a run starts from: the same key, an ancestor, or none; and when its databases are saved."""

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.host.seeds.decision import Choice, End, choose, is_ancestor, is_worth_saving, refusal
from harness.host.seeds.memory import LastRun
from harness.host.seeds.seed import Manifest, StoredSeed, servers_of
from harness.protocol.events import TopologyFound
from harness.protocol.seed_events import SeedWanted
from harness.protocol.topology import Topology

FOUND = TopologyFound(Topology(()), "settings", "3.13", "6.1")
SOURCES = {"default": "postgres:17-a gtid"}
WANTED = SeedWanted("key2", "base", ("a.0001_x:1", "b.0001_x:1", "a.0002_x:1"), 2)


def seed(
    key: str,
    *migrations: str,
    base: str = "base",
    part: str = "default",
    parts: tuple[str, ...] = ("default",),
    sources: Mapping[str, str] = SOURCES,
) -> StoredSeed:
    manifest = Manifest(key, base, migrations, 2, part, parts, sources.get(part, ""), servers_of(sources), 9)
    return StoredSeed(manifest, Path("/nowhere"), f"{key}{part}", 10, 0.0)


class TestChoose:
    def test_hit(self) -> None:
        stored = [seed("key2", *WANTED.migrations), seed("key1")]
        assert choose(WANTED, SOURCES, stored) == Choice("hit", "", {"default": stored[0]})

    def test_a_file_of_sqlite_belongs_to_the_key(self) -> None:
        parts = ("default", "@log")
        stored = [seed("key2", parts=parts), seed("key2", part="@log", parts=parts)]
        assert choose(WANTED, SOURCES, stored).state == "hit"
        assert choose(WANTED, SOURCES, stored[:1]) == Choice("miss", "a part of the cached databases is missing")

    def test_each_kind_of_servers_has_its_own(self) -> None:
        local = {"default": "postgres-17.10-a glibc-2.36 gtid"}
        here, there = seed("key2", *WANTED.migrations, sources=local), seed("key2", *WANTED.migrations)
        for stored in ([here, there], [there, here]):
            assert choose(WANTED, SOURCES, stored).parts == {"default": there}
            assert choose(WANTED, local, stored).parts == {"default": here}
        assert choose(WANTED, SOURCES, [here]) == Choice("miss", "the programs of the server default have changed")
        ancestor = seed("old", "a.0001_x:1")
        assert choose(WANTED, SOURCES, [here, ancestor]).parts == {"default": ancestor}

    def test_near_takes_the_nearest_ancestor(self) -> None:
        stored = [seed("old", "a.0001_x:1"), seed("new", "a.0001_x:1", "b.0001_x:1")]
        choice = choose(WANTED, SOURCES, stored)
        assert (choice.state, choice.reason) == ("near", "new: a.0002_x")
        assert choice.parts == {"default": stored[1]}

    @pytest.mark.parametrize(
        ("stored", "reason"),
        [
            ([], "no databases are cached yet"),
            ([seed("k", base="other")], "nothing that is cached has these settings, apps and packages"),
            ([seed("k", "a.0001_x:2")], "a.0001_x has changed"),
            ([seed("k", "a.0001_x:1", "a.0003_x:1")], "a.0003_x has changed"),
            ([seed("k", "b.0001_x:1", "a.0001_x:1")], "the migrations have another order"),
        ],
    )
    def test_a_miss_has_its_reason(self, stored: list[StoredSeed], reason: str) -> None:
        assert choose(WANTED, SOURCES, stored) == Choice("miss", reason)

    def test_after_a_near_run_its_key_is_made_from_nothing(self) -> None:
        stored = [seed("old", "a.0001_x:1")]
        assert choose(WANTED, SOURCES, stored, LastRun("", FOUND, "", "other")).state == "near"
        assert choose(WANTED, SOURCES, stored, LastRun("", FOUND, "", WANTED.key)).state == "miss"
        assert choose(WANTED, SOURCES, [*stored, seed(WANTED.key)], LastRun("", FOUND, "", WANTED.key)).state == "hit"

    def test_without_a_key_the_runner_says_why(self) -> None:
        wanted = SeedWanted("", reason="setup_databases is the project's own")
        assert choose(wanted, SOURCES, [seed("")]) == Choice("miss", "setup_databases is the project's own")

    def test_the_parts_that_changed_since_the_last_run(self) -> None:
        wanted = replace(WANTED, parts=("versions:1", "models:2", "code:2"))
        last = LastRun("", FOUND, "key", parts=("versions:1", "models:1", "code:1"))
        reason = "models of apps without migrations and code, settings or files that the databases depend on"
        stored = [seed("k", base="other")]
        assert choose(wanted, SOURCES, stored, last).reason == f"changed since the last run: {reason}"
        assert choose(wanted, SOURCES, stored, replace(last, parts=wanted.parts)).reason.startswith("nothing that")


class TestRefusal:
    def test_of_other_programs_and_servers(self) -> None:
        parts = {"default": seed("k")}
        assert refusal(parts, SOURCES) == ""
        assert refusal(parts, {"default": "postgres:17-b gtid"}) == "the programs of the server default have changed"
        assert refusal(parts, {**SOURCES, "catalog": ""}) == "the cached databases are of other servers"
        assert refusal(parts, {}) == "the cached databases are of other servers"


class TestIsAncestor:
    def test_a_subsequence_is_and_nothing_else(self) -> None:
        chance = random.Random(7)
        whole = [f"a.{number:04}:{number}" for number in range(12)]
        for _ in range(300):
            chosen = sorted(chance.sample(range(12), chance.randint(1, 12)))
            assert is_ancestor([whole[each] for each in chosen], whole)
            if len(chosen) > 1:
                assert not is_ancestor([whole[each] for each in reversed(chosen)], whole)
            edited = [whole[each] for each in chosen]
            edited[chance.randrange(len(edited))] += "0"
            assert not is_ancestor(edited, whole)
        assert not is_ancestor([], whole)


class TestIsWorthSaving:
    GOOD = End("key", "miss", 2, are_templates_ready=True)

    def test_good_templates_of_a_miss(self) -> None:
        assert is_worth_saving(self.GOOD)
        assert is_worth_saving(replace(self.GOOD, state="near"))

    def test_a_hit_only_for_more_workers(self) -> None:
        assert not is_worth_saving(replace(self.GOOD, state="hit", found=2))
        assert is_worth_saving(replace(self.GOOD, state="hit", found=1))

    @pytest.mark.parametrize(
        "doubt", [{"key": ""}, {"are_templates_ready": False}, {"has_lost_server": True}, {"is_persistent": True}]
    )
    def test_no_doubt_is_saved(self, doubt: dict[str, object]) -> None:
        assert not is_worth_saving(replace(self.GOOD, **doubt))  # type: ignore[arg-type]  # fields by name
