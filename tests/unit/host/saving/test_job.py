"""A saver's work as data, the lock that says that one is at work, and the list of the cache."""

import fcntl
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

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
    leases=(8, 9),
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


def test_a_saver_that_takes_too_long_says_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alias")  # no one writes to it
    job = replace(JOB, folder=str(tmp_path), servers=(), files=(SavedFile("@log", str(tmp_path / "alias")),), leases=())
    (tmp_path / jobs.FOLDER).mkdir()
    program = "from harness.host.saving import __main__ as saver; saver.LIMIT_S = 1; saver.main()"
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    subprocess.run(command, input=to_json(replace(job, watchdog=-1)), text=True, timeout=60, check=True)
    assert "could not be saved within 1 s" in (tmp_path / jobs.FOLDER / jobs.PROBLEM).read_text()


def test_the_list_has_a_line_for_each_seed(tmp_path: Path) -> None:
    def seed(key: str, part: str, source: str = "", servers: str = "") -> StoredSeed:
        manifest = Manifest(key * 64, "base", ("a.0001:1",) * 3, 2, part, ("default", "@log"), source, servers, 9)
        return StoredSeed(manifest, tmp_path / part, "", 1_500_000, 1000.0)

    (tmp_path / jobs.FOLDER).mkdir()
    (tmp_path / jobs.FOLDER / jobs.PROBLEM).write_text("the server has gone\n")
    seeds = [
        seed("a", "default", "harness-postgres:17-c3f3e8 gtid", "1"),
        seed("a", "@log", servers="1"),
        seed("a", "default", "postgres-17.10-ab12 glibc-2.36 gtid", "2"),
        seed("b", "@log"),
    ]
    assert list(lines(tmp_path, seeds, ["/shop"], 1000.0 + 7300)) == [
        f"{tmp_path}: 3 cached states of databases, 6.0 MB",
        "  aaaaaaaaaaaa  default (postgres:17), log: 3 migrations, clones for 2 workers, 3.0 MB, used 2 hours ago",
        "  aaaaaaaaaaaa  default (postgres-17.10): 3 migrations, clones for 2 workers, 1.5 MB, used 2 hours ago",
        "  bbbbbbbbbbbb  log: 3 migrations, clones for 2 workers, 1.5 MB, used 2 hours ago",
        "being saved now: /shop",
        "not saved: the server has gone",
    ]
