"""The databases of pytest's tests from the cache: as they are, and with the rows of the project's own fixtures."""

from pathlib import Path
from typing import Any

from harness.protocol.messages import SeedFound
from harness.protocol.seed_events import SeedUsed, SeedWanted
from tests.runner.conversation import Journal
from tests.runner.test_pytest_databases import python_of_pytest  # noqa: F401 - a fixture
from tests.runner.test_seeds import SETTINGS, Project, all_pass, hit

SEES = """
import pytest
from shop.models import Item

@pytest.mark.django_db(databases=["default", "other"])
def test_rows():
    assert [item.name for item in Item.objects.order_by("id")] == {names}
    assert [item.name for item in Item.objects.using("other").order_by("id")] == ["from the migration"]

def test_again(transactional_db):
    pass
"""
OWN = """
import pytest

@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    from shop.models import Item
    with django_db_blocker.unblock():
        Item.objects.create(name="from the fixture")
"""
FILES = {
    "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = settings\npython_files = test_*.py\n",
    "settings.py": SETTINGS,
    "shop/tests.py": "",
}


class Pytest(Project):
    def __init__(self, folder: Path, python: str, names: str, conftest: str = "") -> None:
        super().__init__(folder, {**FILES, "test_rows.py": SEES.format(names=names), "conftest.py": conftest})
        self._python = python

    def run(self, seed: SeedFound | None = None, python: str = "", **spec: Any) -> Journal:
        return super().run(seed, python or self._python, **{"settings": None, "framework": "pytest", **spec})


PLAIN = '["from the migration"]'
FILLED = '["from the migration", "from the fixture"]'


def test_a_second_run_migrates_nothing(python_of_pytest: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    shop = Pytest(tmp_path, python_of_pytest, PLAIN)
    first = shop.run()
    assert all_pass(first), (first.outcomes(), first.ends)
    assert first.one(SeedUsed) == SeedUsed("miss", "no seed", first.one(SeedWanted).key)
    second = shop.run(hit(first))
    assert all_pass(second), (second.outcomes(), second.ends)
    assert (second.one(SeedUsed).state, shop.walked) == ("hit", [])
    compared = shop.run(hit(first), verify_template=True)
    assert all_pass(compared), compared.ends
    assert shop.walked == ["default", "other"]
    without = shop.run(hit(first), pytest_args=("--no-migrations",))
    assert without.one(SeedWanted).key not in ("", first.one(SeedWanted).key)


class TestOwnFixture:
    def test_it_is_not_cached_without_the_users_word(self, python_of_pytest: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
        journal = Pytest(tmp_path, python_of_pytest, FILLED, OWN).run()
        assert all_pass(journal), (journal.outcomes(), journal.ends)
        reason = "django_db_setup of conftest.py may fill the databases: cache_setup = true caches what it makes"
        assert journal.one(SeedUsed) == SeedUsed("miss", reason)

    def test_its_rows_are_cached_and_it_does_not_run_on_a_hit(self, python_of_pytest: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
        shop = Pytest(tmp_path, python_of_pytest, FILLED, OWN)
        first = shop.run(cache_setup=True)
        assert all_pass(first), (first.outcomes(), first.ends)
        second = shop.run(hit(first), cache_setup=True, verify_template=True)
        assert all_pass(second), (second.outcomes(), second.ends)
        assert second.one(SeedUsed).state == "hit"
        assert second.notices("not-compared") == [
            "--verify-template leaves out what django_db_setup of conftest.py makes: it cannot run twice."
        ]

    def test_one_in_a_test_module_is_seen_later(self, python_of_pytest: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
        shop = Pytest(tmp_path, python_of_pytest, FILLED)
        shop.write({"test_rows.py": OWN + SEES.format(names=FILLED)})
        journal = shop.run(cache_setup=True)
        assert all_pass(journal), (journal.outcomes(), journal.ends)
        reason = "django_db_setup of test_rows.py may fill the databases, and is in no conftest.py"
        assert journal.one(SeedUsed) == SeedUsed("miss", reason)
