from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harness.host.init.variables import aliases_differ, engines_in, required_variables, sample, settings_files
from tests.unit.host.project.conftest import write


def names(source: str) -> list[str]:
    return [each.name for each in required_variables(ast.parse(source), "settings.py")]


class TestRequired:
    @pytest.mark.parametrize(
        "source",
        [
            'os.environ["X"]',
            'environ["X"]',
            'env("X")',
            'env("X", bool)',
            'env.str("X")',
            'config("X", cast=int)',
            'def secret(name):\n    return os.environ[name]\nsecret("X")',
        ],
    )
    def test_a_read_without_default(self, source: str) -> None:
        assert names(source) == ["X"]

    @pytest.mark.parametrize(
        "source",
        [
            'os.environ.get("X")',
            'os.getenv("X", "a")',
            'env("X", default="a")',
            'env.str("X", "a")',
            'config("X", "a")',
            'os.environ["X"] = "a"',
            'a = os.environ["X"] if "X" in os.environ else ""',
            'try:\n    a = os.environ["X"]\nexcept KeyError:\n    a = ""',
            'os.environ.setdefault("X", "a")\nos.environ["X"]',
            'env = environ.Env(X=(str, "a"))\nenv("X")',
            'def env(name, default=None):\n    return os.environ.get(name, default)\nenv("X")',
            'env.read_env("X")',
            'env = os.environ.copy()\nenv.get("X")',
            'def of(name):\n    try:\n        return os.environ[name]\n    except KeyError:\n        return None\nof("X")',
        ],
    )
    def test_a_read_with_a_default(self, source: str) -> None:
        assert names(source) == []

    def test_a_database_without_a_name(self) -> None:
        assert names("env.db()") == ["DATABASE_URL"]


class TestSample:
    @pytest.mark.parametrize(
        ("name", "cast", "value"),
        [
            ("SECRET_KEY", "", "for-tests"),
            ("DATABASE_URL", "", "postgres://user:password@localhost:5432/database"),
            ("REDIS_URL", "", "redis://localhost:6379/0"),
            ("SITE_URL", "", "http://localhost/"),
            ("DEBUG", "bool", "false"),
            ("WORKERS", "int", "1"),
            ("DB_PORT", "int", "5432"),
        ],
    )
    def test_it_fits_the_name_and_the_cast(self, name: str, cast: str, value: str) -> None:
        assert sample(name, cast) == value

    def test_the_cast_is_read_around_the_variable(self) -> None:
        (found,) = required_variables(ast.parse('int(os.environ["WORKERS"])'), "settings.py")
        assert found.sample == "1"


class TestFiles:
    def test_imported_modules_of_the_project_belong_to_it(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {
                "a/settings/test.py": "from .base import *\nfrom a.more import X\nfrom django.conf import settings",
                "a/settings/base.py": "from .test import *",
                "a/more.py": "X = 1",
            },
        )
        found = settings_files(tmp_path, "", "a.settings.test")
        assert [path.name for path in found] == ["test.py", "base.py", "more.py"]

    def test_a_module_that_is_not_there_has_none(self, tmp_path: Path) -> None:
        assert settings_files(tmp_path, "", "a.b") == []


def test_engines_of_a_text() -> None:
    text = '"django.db.backends.postgresql" "django.contrib.gis.db.backends.postgis" "django.db.backends.sqlite3"'
    assert engines_in(text) == ["postgres", "sqlite"]


@pytest.mark.parametrize(("other", "differ"), [("mysql", True), ("postgresql", False)])
def test_aliases_on_several_engines(other: str, differ: bool) -> None:
    one = '{"ENGINE": "django.db.backends.postgresql"}'
    source = f'DATABASES = {{"default": {one}, "other": {one.replace("postgresql", other)}}}'
    assert aliases_differ([ast.parse(source)]) is differ
