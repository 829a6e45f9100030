"""A folder without ``__init__.py`` and with a ``conftest.py`` of its own."""

from pathlib import Path


def test_gets_the_fixture_of_its_own_folder(loose):
    assert loose == "of the folder"


def test_overrides_a_fixture_of_the_root(product):
    assert product == "not a product"


def test_runs_in_the_root_of_the_project(pytestconfig):
    assert Path.cwd() == pytestconfig.rootpath
    assert Path("manage.py").is_file()
