"""The templates of a run from the cache: the runner asks by a key, takes what the host found, and makes the rest."""

import base64
import sqlite3
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode
from harness.protocol.events import DatabasesReady, Notice, PhaseProgressed
from harness.protocol.messages import RunSpec, SeedFile, SeedFound
from harness.protocol.seed_events import SeedFileSaved, SeedRefuted, SeedUsed, SeedWanted
from tests.runner import seed_project
from tests.runner.conversation import Journal, run
from tests.runner.seed_project import MODELS, NUMBER

SETTINGS = seed_project.settings()
LOG = """
with (Path(__file__).parents[2] / "walked").open("a") as log:
    log.write(alias + "\\n")
"""
FIRST = seed_project.first('["from the migration"]', more=LOG)
SECOND = seed_project.second(seed_project.ADD_NUMBER)
TESTS = """
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import TestCase, TransactionTestCase
from shop.models import Item

class RowTests(TestCase):
    databases = "__all__"

    def test_rows_of_the_migration_are_there(self):
        for alias in ("default", "other"):
            self.assertEqual([item.name for item in Item.objects.using(alias).all()], ["from the migration"])
        self.assertTrue(Permission.objects.filter(codename="add_item").exists())

    def test_the_table_of_the_cache_is_there(self):
        cache.set("a", 1)
        self.assertEqual(cache.get("a"), 1)

    def test_the_name_is_that_of_a_clone(self):
        self.assertIn("test_", str(connection.settings_dict["NAME"]))

class SerializedTests(TransactionTestCase):
    serialized_rollback = True

    def test_one(self):
        self.assertEqual(Item.objects.count(), 1)
        Item.objects.create(name="b")

    def test_two(self):
        self.assertEqual(Item.objects.count(), 1)
        Item.objects.create(name="b")
"""
FILES = {
    "settings.py": SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": FIRST,
    "shop/tests.py": TESTS,
}


class Project:
    """A project on SQLite, in a file and in memory, that is run with the cache on. ``walked`` are the aliases on which its first
    migration has run in the last run.
    """

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder = folder
        self.walked: list[str] = []
        self.write({**FILES, **files})

    def write(self, files: dict[str, str]) -> None:
        seed_project.write(self.folder, files)

    def run(self, seed: SeedFound | None = None, python: str = sys.executable, **spec: Any) -> Journal:
        spec = {
            "settings": "settings",
            "workers": 2,
            "timeout_s": 60.0,
            "scratch": str(self.folder),
            "cache": True,
            **spec,
        }
        journal = run(self.folder, RunSpec(**spec), seed=seed, python=python)
        log = self.folder / "walked"  # it is a file that the migration may read: it counts
        self.walked = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return journal


def hit(journal: Journal, **fields: Any) -> SeedFound:
    """The seed that a host has kept of the run with *journal*."""
    files = tuple(
        SeedFile(each.alias, base64.b64encode(Path(each.path).read_bytes()).decode())
        for each in journal.all(SeedFileSaved)
    )
    return SeedFound(**{"state": "hit", "slots": 2, "files": files, **fields})


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return Project(tmp_path, {})


def all_pass(journal: Journal) -> bool:
    return set(journal.outcomes().values()) == {"PASSED"} and journal.status == 0


class TestSeed:
    def test_a_second_run_migrates_nothing_until_a_change(self, shop: Project) -> None:
        first = shop.run()
        assert all_pass(first), first.outcomes()
        assert first.one(SeedUsed) == SeedUsed("miss", "no seed", first.one(SeedWanted).key)
        assert shop.walked == ["default", "other"]

        second = shop.run(hit(first))
        assert all_pass(second), second.outcomes()
        assert second.one(SeedUsed) == SeedUsed("hit", "", first.one(SeedWanted).key)
        assert (shop.walked, second.all(PhaseProgressed), second.all(SeedFileSaved)) == ([], [], [])
        assert second.one(DatabasesReady) == first.one(DatabasesReady)
        assert not list(shop.folder.glob("*.sqlite3"))

        shop.write(
            {
                "shop/migrations/0002_number.py": SECOND,
                "shop/models.py": MODELS + NUMBER,
            }
        )
        wanted = first.one(SeedWanted)
        third = shop.run(hit(first, state="near", migrations=wanted.migrations))
        assert all_pass(third), third.outcomes()
        assert shop.walked == []
        new = third.one(SeedWanted)
        assert third.one(SeedUsed) == SeedUsed("near", "1 new migrations on top of a cached seed", new.key)
        assert new.base == wanted.base
        assert set(wanted.migrations) < set(new.migrations)

        compared = shop.run(hit(third), verify_template=True)
        assert all_pass(compared), compared.ends
        assert compared.one(SeedUsed) == SeedUsed("hit", "", new.key)

    def test_an_ancestor_with_other_rows_is_not_kept(self, shop: Project) -> None:
        """New models get content types, and a database that no test needs stays as it was."""
        first = shop.run()
        near = hit(first, state="near", migrations=first.one(SeedWanted).migrations)
        model = 'migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))])'
        other = "\nclass Other(models.Model):\n    pass\n"
        shop.write({"shop/migrations/0002_new.py": seed_project.second(model), "shop/models.py": MODELS + other})
        journal = shop.run(near)
        assert all_pass(journal), journal.outcomes()
        assert (journal.one(SeedUsed).state, journal.one(SeedUsed).key) == ("near", "")
        assert not journal.all(SeedFileSaved)
        shop.write({"shop/migrations/0002_new.py": SECOND, "shop/models.py": MODELS + NUMBER})
        journal = shop.run(near, labels=("shop.tests.SerializedTests",))
        assert all_pass(journal), journal.outcomes()
        assert (journal.one(SeedUsed).state, journal.one(SeedUsed).key) == ("near", "")

    def test_without_the_cache_nothing_is_asked(self, shop: Project) -> None:
        journal = shop.run(cache=False)
        assert all_pass(journal)
        assert not journal.all(SeedWanted) + journal.all(SeedUsed) + journal.all(SeedFileSaved)

    def test_a_seed_without_a_database_is_a_miss(self, shop: Project) -> None:
        first = shop.run()
        files = tuple(each for each in hit(first).files if each.alias == "default")
        second = shop.run(hit(first, files=files))
        assert all_pass(second)
        assert second.one(SeedUsed) == SeedUsed("miss", "the seed has no database of other", first.one(SeedWanted).key)
        torn = shop.run(hit(first, files=(SeedFile("default", "AAAA"), *hit(first).files[1:])))
        assert all_pass(torn)
        assert torn.one(SeedUsed).reason.startswith("a cached file is torn: ")


class TestVerify:
    def test_equal_templates_pass_and_a_changed_row_is_shown(self, shop: Project) -> None:
        first = shop.run()
        assert all_pass(shop.run(hit(first), verify_template=True))
        assert shop.walked == ["default", "other"]

        one, *others = hit(first).files
        changed = sqlite3.connect(":memory:")
        changed.deserialize(zlib.decompress(base64.b64decode(one.content)))
        changed.execute("UPDATE shop_item SET name = 'stale'")
        changed.commit()
        content = base64.b64encode(zlib.compress(changed.serialize())).decode()
        journal = shop.run(hit(first, files=(SeedFile(one.alias, content), *others)), verify_template=True)
        assert journal.status == ExitCode.PROJECT
        assert (
            journal.aborted.message
            == "The cached test database of 'default' differs from one that is made from nothing."
        )
        assert journal.aborted.evidence == (
            "shop_item: cached id=1, name='stale'\n              new id=1, name='from the migration'"
        )
        assert journal.one(SeedRefuted) == SeedRefuted(first.one(SeedWanted).key, journal.aborted.evidence)


OWN_RUNNER = """
from django.test.runner import DiscoverRunner

class Runner(DiscoverRunner):
    def setup_databases(self, **kwargs):
        from shop.models import Item
        config = super().setup_databases(**kwargs)
        Item.objects.create(name="from the set-up")
        return config
"""
OWN_TESTS = """
from django.test import TestCase
from shop.models import Item

class RowTests(TestCase):
    databases = "__all__"

    def test_rows(self):
        self.assertEqual([item.name for item in Item.objects.order_by("id")], ["from the migration", "from the set-up"])
"""


class TestOwnSetUp:
    @pytest.fixture
    def own(self, tmp_path: Path) -> Project:
        return Project(
            tmp_path,
            {
                "settings.py": SETTINGS + 'TEST_RUNNER = "runner.Runner"\n',
                "runner.py": OWN_RUNNER,
                "shop/tests.py": OWN_TESTS,
            },
        )

    def test_it_is_not_cached_without_the_users_word(self, own: Project) -> None:
        journal = own.run()
        reason = "setup_databases of runner.Runner may fill the databases: cache_setup = true caches what it makes"
        assert all_pass(journal)
        assert journal.one(SeedWanted) == SeedWanted("", slots=2, reason=reason)
        assert journal.one(SeedUsed) == SeedUsed("miss", reason)
        assert not journal.all(SeedFileSaved)

    def test_its_rows_are_cached_and_it_does_not_run_on_a_hit(self, own: Project) -> None:
        first = own.run(cache_setup=True)
        assert all_pass(first)
        second = own.run(hit(first), cache_setup=True)
        assert all_pass(second), second.outcomes()
        assert second.one(SeedUsed).state == "hit"
        assert all_pass(own.run(hit(first), cache_setup=True, verify_template=True))
        own.write({"shop/migrations/0002_number.py": SECOND, "shop/models.py": MODELS + NUMBER})
        near = own.run(hit(first, state="near", migrations=first.one(SeedWanted).migrations), cache_setup=True)
        assert all_pass(near), near.outcomes()
        reason = "new migrations, and the cached databases have the project's set-up"
        assert near.one(SeedUsed) == SeedUsed("miss", reason, near.one(SeedWanted).key)
        own.write({"runner.py": OWN_RUNNER.replace("from the set-up", "new")})
        assert own.run(cache_setup=True).one(SeedWanted).key != first.one(SeedWanted).key


class TestNothing:
    @pytest.mark.parametrize(
        ("files", "spec", "reason"),
        [
            ({}, {"django_args": ("--keepdb",)}, "--keepdb keeps databases of its own"),
            (
                {"shop/migrations/0001_initial.py": "import subprocess\n" + FIRST},
                {},
                "shop.migrations.0001_initial imports subprocess: it may speak to other hosts or programs",
            ),
        ],
        ids=["keepdb", "subprocess"],
    )
    def test_a_doubt_is_a_miss_with_its_reason(
        self, tmp_path: Path, files: dict[str, str], spec: dict[str, Any], reason: str
    ) -> None:
        journal = Project(tmp_path, files).run(**spec)
        assert all_pass(journal)
        assert journal.one(SeedWanted).reason == reason
        assert journal.one(SeedUsed) == SeedUsed("miss", reason)

    def test_settings_that_change_later_are_a_miss(self, tmp_path: Path) -> None:
        lines = "from django.conf import settings\nsettings.LANGUAGE_CODE = 'fr'\n"
        journal = Project(tmp_path, {"shop/tests.py": lines + TESTS}).run()
        assert journal.one(SeedUsed) == SeedUsed(
            "miss", "code changed between the loading of the project and its test databases"
        )
        assert not journal.all(SeedFileSaved) + journal.all(Notice)
