"""The runner on servers that hold the templates of an earlier run, as they do when they start from a cached seed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode
from harness.host.engines import Engine
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL
from harness.host.engines.postgres import POSTGRES
from harness.protocol.events import PhaseProgressed
from harness.protocol.messages import RunSpec, SeedFound
from harness.protocol.seed_events import SeedRefuted, SeedUsed, SeedWanted
from tests.e2e import pairs
from tests.runner import seed_project, test_seed_key
from tests.runner.conversation import Journal, run
from tests.runner.seed_project import MODELS, NUMBER
from tests.runner.test_seeds import FIRST, SECOND, all_pass

pytestmark = pytest.mark.docker

SETTINGS = """
import pymysql
pymysql.version_info = (2, 2, 4, "final", 0)
pymysql.install_as_MySQLdb()
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
DATABASES = """
DATABASES = {{
    "default": {{"ENGINE": "{backend}", "NAME": "shop", "HOST": "db1", "USER": "shop"}},
    "replica": {{"ENGINE": "{backend}", "NAME": "shop", "HOST": "db2", "USER": "shop", "TEST": {{"MIRROR": "default"}}}},
}}
"""
TESTS = """
from django.db import connection, connections
from django.test import TransactionTestCase
from shop.models import Item

class RowTests(TransactionTestCase):
    databases = {"default", "replica"}
    serialized_rollback = True

    def test_rows(self):
        for alias in ("default", "replica"):
            self.assertEqual([item.name for item in Item.objects.using(alias)], ["from the migration"])

    def test_mark(self):
        found = "mark" in connection.introspection.table_names()
        print(f"mark: {found}")
        if not found:
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE mark (id int)")
"""


FILES = {
    "settings.py": SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": FIRST,
    "shop/tests.py": TESTS,
}


@pytest.fixture(scope="module", params=[POSTGRES, MYSQL, MARIADB], ids=lambda engine: engine.name)
def pair(request: pytest.FixtureRequest) -> Iterator[pairs.Pair]:
    with pairs.running(request.param) as pair:
        yield pair


def write(folder: Path, engine: Engine, files: dict[str, str]) -> None:
    databases = DATABASES.format(backend=engine.backend)
    seed_project.write(folder, {**files, "settings.py": files["settings.py"] + databases})


def run_on(pair: pairs.Pair, folder: Path, seed: SeedFound | None = None, **spec: Any) -> Journal:
    spec = {"settings": "settings", "workers": 1, "timeout_s": 60.0, "cache": True, "scratch": str(folder), **spec}
    journal = run(folder, RunSpec(**spec), routes=pair.routes, endpoints=pair.endpoints, seed=seed)
    (folder / "walked").unlink(missing_ok=True)
    return journal


def has_mark(journal: Journal) -> bool:
    return "mark: True" in journal.final("RowTests.test_mark").stdout


def test_a_hit_migrates_nothing_and_a_near_one_the_rest(pair: pairs.Pair, tmp_path: Path) -> None:
    write(tmp_path, pair.engine, FILES)
    first = run_on(pair, tmp_path)
    assert all_pass(first), first.outcomes()
    assert not has_mark(first)

    second = run_on(pair, tmp_path, SeedFound("hit", slots=1), verify_template=True)
    assert all_pass(second), (second.outcomes(), second.ends)
    assert second.one(SeedUsed) == SeedUsed("hit", "", first.one(SeedWanted).key)
    assert has_mark(second), "the clone of the slot was made anew"

    third = run_on(pair, tmp_path, SeedFound("hit", slots=0))
    assert all_pass(third), third.outcomes()
    assert not third.all(PhaseProgressed)
    assert not has_mark(third)

    write(tmp_path, pair.engine, {**FILES, "shop/models.py": MODELS + NUMBER, "shop/migrations/0002_number.py": SECOND})
    near = run_on(pair, tmp_path, SeedFound("near", migrations=first.one(SeedWanted).migrations))
    assert all_pass(near), (near.outcomes(), near.ends)
    assert near.one(SeedUsed).state == "near"
    assert near.one(SeedWanted).base == first.one(SeedWanted).base

    after = run_on(pair, tmp_path, SeedFound("hit"), verify_template=True)
    assert all_pass(after), (after.outcomes(), after.ends)


@pytest.mark.parametrize("pair", [POSTGRES], indirect=True, ids=["postgres"])
def test_a_project_that_connects_early_is_not_cached(pair: pairs.Pair, tmp_path: Path) -> None:
    connects = "from django.db import connection\nwith connection.cursor() as cursor:\n    cursor.execute('SELECT 1')\n"
    write(tmp_path, pair.engine, {**FILES, "shop/models.py": MODELS + connects})
    journal = run_on(pair, tmp_path)
    assert all_pass(journal), (journal.outcomes(), journal.ends)
    reason = "the project uses a database while it is loaded"
    assert (journal.one(SeedWanted).reason, journal.one(SeedUsed)) == (reason, SeedUsed("miss", reason))


@pytest.mark.parametrize("pair", [POSTGRES], indirect=True, ids=["postgres"])
def test_the_key_changes_where_the_content_does(pair: pairs.Pair, tmp_path: Path) -> None:
    """A hit is claimed after each edit: one that counts differs from a new database, and has a key of its own."""
    databases = DATABASES.format(backend=pair.engine.backend)
    test = "from django.test import TestCase\n\nclass Tests(TestCase):\n    def test_one(self):\n        pass\n"
    state = test_seed_key.first_state()

    def run_in(state: dict[str, Any], seed: SeedFound | None = None) -> Journal:
        files = test_seed_key.files(state, databases)
        test_seed_key.write(tmp_path, {**files, "shop/tests.py": f"{files['shop/tests.py']}\n{test}"})
        return run_on(pair, tmp_path, seed, verify_template=seed is not None)

    first = run_in(state)
    assert first.status == 0, first.ends
    key = first.one(SeedWanted).key
    edits: dict[str, Any]
    for edits in ({"test": 1, "view": 1}, {"template": 1, "readme": 2}):
        journal = run_in({**state, **edits}, SeedFound("hit"))
        assert (journal.status, journal.one(SeedWanted).key) == (0, key), (edits, journal.ends)
    for edits in ({"row": "b"}, {"column": "number", "view": 2}, {"receiver": "b"}):
        journal = run_in({**state, **edits}, SeedFound("hit"))
        assert journal.status == ExitCode.PROJECT, edits
        assert journal.one(SeedRefuted).key == journal.one(SeedWanted).key != key
