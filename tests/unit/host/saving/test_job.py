"""A saver's work as data, the lock that says that one is at work, and the list of the cache."""

import fcntl
import os
from pathlib import Path

from harness.host.docker.seeds.saved import difference
from harness.host.saving import job as jobs
from harness.host.saving.commands import lines
from harness.host.saving.job import Job, SavedFile, SavedServer, at_work, await_all, from_json, to_json
from harness.host.seeds.seed import Manifest, StoredSeed

JOB = Job(
    folder="/cache",
    limit=5,
    cache="abc",
    project="/shop",
    key="key",
    base="base",
    migrations=("a.0001:1",),
    slots=2,
    servers=(SavedServer("default", "postgres:17 gtid", "id", "postgres:17", ("test_shop",), "1\nrole app"),),
    files=(SavedFile("@log", "/cache/x.new"),),
    run="run",
    watchdog=7,
)


def test_a_job_comes_back_from_json() -> None:
    assert from_json(to_json(JOB)) == JOB
    assert JOB.parts == ("default", "@log")


class TestAtWork:
    def test_a_lock_says_so(self, tmp_path: Path) -> None:
        assert at_work(tmp_path) == []
        folder = tmp_path / jobs.FOLDER
        folder.mkdir()
        (folder / "1").write_text("/shop")
        (folder / "2").write_text("/dead")
        (folder / jobs.PROBLEM).write_text("a problem")
        with (folder / "1").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert at_work(tmp_path) == ["/shop"]
            assert not await_all(tmp_path, 0.1)
        assert await_all(tmp_path, 0.1)
        assert os.listdir(folder) == [jobs.PROBLEM]  # noqa: PTH208 - names


class TestDifference:
    def test_of_a_role_that_a_test_has_made(self) -> None:
        before = "100.5\ndatabase test_shop app\nrole app x"
        assert difference(before, "200.1\ndatabase test_shop app\nrole app x") == ""
        assert difference(before, before + "\nrole reader y") == "role reader y"
        assert difference(before, "1\nrole app x") == "database test_shop app"
        assert difference(before, before + "\nrole app x") == "another order"

    def test_of_what_is_newer_than_the_clones_already(self) -> None:
        state = "100.5\nchanged role reader\nrole app x"
        assert difference(state, state) == "changed role reader"


def test_the_list_has_a_line_for_each_key(tmp_path: Path) -> None:
    def seed(key: str, part: str) -> StoredSeed:
        manifest = Manifest(key * 64, "base", ("a.0001:1",) * 3, 2, part, ("default", "@log"), "", 9)
        return StoredSeed(manifest, tmp_path / part, "", 1_500_000, 1000.0)

    (tmp_path / jobs.FOLDER).mkdir()
    (tmp_path / jobs.FOLDER / jobs.PROBLEM).write_text("the server has gone\n")
    found = lines(tmp_path, [seed("a", "default"), seed("a", "@log"), seed("b", "default")], ["/shop"], 1000.0 + 7300)
    assert found == [
        f"{tmp_path}: 2 cached states of databases, 4.5 MB",
        "  aaaaaaaaaaaa  default, log: 3 migrations, clones for 2 workers, 3.0 MB, used 2 hours ago",
        "  bbbbbbbbbbbb  default: 3 migrations, clones for 2 workers, 1.5 MB, used 2 hours ago",
        "being saved now: /shop",
        "not saved: the server has gone",
    ]
