"""The files of migrated seeds: whole or not there, and never more than the limit."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.host.seeds.seed import Manifest, StoredSeed, servers_of
from harness.host.seeds.store import Store, beyond, content, is_whole

SERVERS = servers_of({"default": "postgres:17 gtid"})
MANIFEST = Manifest(
    "k" * 64, "base", ("shop.0001_initial:ab",), 2, "default", ("default",), "postgres:17 gtid", SERVERS, 0
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, 1 << 30)


def saved(store: Store, key: str = "k", part: str = "default", parts: tuple[str, ...] = ("default",)) -> StoredSeed:
    manifest = replace(MANIFEST, key=key * 64, part=part, parts=parts)
    return store.save(manifest, [b"a" * 100_000, key.encode()])


class TestSave:
    def test_the_content_and_the_manifest_come_back(self, store: Store) -> None:
        seed = saved(store)
        assert b"".join(content(seed)) == b"a" * 100_000 + b"k"
        assert store.all() == [seed]
        assert store.parts("k" * 64, SERVERS) == {"default": seed}
        assert seed.manifest.size == 100_001
        assert seed.bytes < 1000

    def test_the_manifest_may_depend_on_the_content(self, store: Store) -> None:
        slots = [2]

        def pieces() -> Iterator[bytes]:
            yield b"data"
            slots[0] = 0

        assert store.save(lambda: replace(MANIFEST, slots=slots[0]), pieces()).manifest.slots == 0

    def test_an_error_leaves_no_file(self, store: Store) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"data"
            raise ValueError("the server has gone")

        with pytest.raises(ValueError, match="has gone"):
            store.save(MANIFEST, pieces())
        assert list(store.folder.iterdir()) == []

    def test_other_servers_have_seeds_of_their_own(self, store: Store) -> None:
        sources = [
            {"default": "postgres:17 gtid"},
            {"default": "postgres-17.10 glibc-2.36 gtid"},
            {"default": "a", "b": "c"},
        ]
        found = [store.save(replace(MANIFEST, servers=servers_of(each)), [b""]) for each in sources]
        assert len({seed.path for seed in found}) == len(store.all()) == 3
        for each, seed in zip(sources, found, strict=True):
            assert store.parts("k" * 64, servers_of(each)) == {"default": seed}
        assert store.remove("k" * 64, SERVERS) == [found[0]]
        assert len(store.remove("k" * 64)) == 2

    def test_the_last_of_two_savers_wins(self, store: Store) -> None:
        saved(store)
        second = saved(store)
        assert store.parts("k" * 64, SERVERS) == {"default": second}


class TestIgnored:
    def test_a_key_lacks_a_part(self, store: Store) -> None:
        saved(store, part="default", parts=("default", "catalog"))
        assert store.parts("k" * 64, SERVERS) == {}
        saved(store, part="catalog", parts=("default", "catalog"))
        assert set(store.parts("k" * 64, SERVERS)) == {"default", "catalog"}

    def test_every_torn_or_changed_file(self, store: Store) -> None:
        path = saved(store).path
        whole = path.read_bytes()
        chance = random.Random(5)
        for _ in range(200):
            torn = bytearray(whole)
            place = chance.randrange(len(torn))
            if chance.random() < 0.5:
                del torn[place:]
            else:
                torn[place] ^= 1 << chance.randrange(8)
            path.write_bytes(torn)
            assert store.parts("k" * 64, SERVERS) == {}
            assert not any(map(is_whole, store.all()))
        path.write_bytes(whole)
        assert store.parts("k" * 64, SERVERS)

    def test_a_file_of_another_name(self, store: Store) -> None:
        path = saved(store).path
        path.rename(path.with_name("other.seed"))
        assert store.all() == []


class TestPrune:
    def test_the_keys_used_longest_ago_go_with_all_their_parts(self, tmp_path: Path) -> None:
        seeds = [
            StoredSeed(replace(MANIFEST, key=key, part=part), tmp_path / f"{key}{part}", "", 10, used)
            for key, part, used in (("a", "x", 9), ("b", "x", 8), ("b", "y", 7), ("c", "x", 6))
        ]
        assert beyond(seeds, 100) == []
        assert beyond(seeds, 30) == [seeds[3]]
        assert beyond(seeds, 29) == seeds[1:]
        assert beyond(seeds, 0) == seeds

    def test_a_use_makes_a_seed_the_newest(self, store: Store) -> None:
        first, second = saved(store, "a"), saved(store, "b")
        store.use(replace(first, used_at=0))
        assert [seed.path for seed in store.all()] in ([first.path, second.path], [second.path, first.path])
        assert Store(store.folder, 0).prune(0.0)
        assert store.all() == []

    def test_the_remains_of_a_killed_process_go_after_an_hour(self, store: Store) -> None:
        left, folder, other = store.folder / "x.new", store.folder / "y.new", store.folder / "of another version.seed"
        folder.mkdir()
        for each in (left, folder / "file", other):
            each.write_bytes(b"")
        now = left.stat().st_mtime
        store.prune(now + 60)
        assert left.exists()
        assert folder.exists()
        assert other.exists()
        store.prune(now + 7200)
        assert list(store.folder.iterdir()) == []
