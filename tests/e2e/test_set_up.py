"""A project is set up as its own commands set it up: its ``manage.py``, its files, its variables, the steps before its tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e import command
from tests.files import write_files

pytestmark = pytest.mark.docker

MANAGE = """
import os, sys

def main():
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DJANGO_CONFIGURATION", "Test" if "test" in sys.argv else "Base")
    from configurations.management import execute_from_command_line
    execute_from_command_line(sys.argv)

if __name__ == "__main__":
    main()
"""
SETTINGS = """
import os
from pathlib import Path
from configurations import Configuration

ENV = Path(__file__).parents[2] / ".env"

class Base(Configuration):
    SECRET_KEY = ENV.read_text()
    INSTALLED_APPS = ["shop"]
    LOCALE_PATHS = [Path(__file__).parents[1] / "locale"]
    LANGUAGE_CODE = "de"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}

class Test(Base):
    COLOUR = os.environ["COLOUR"]
"""
TESTS = """
from django.conf import settings
from django.test import SimpleTestCase
from django.utils.translation import gettext

import package

class SetUpTests(SimpleTestCase):
    def test_everything_is_there(self):
        self.assertEqual(settings.COLOUR, "grey")
        self.assertEqual(settings.SECRET_KEY.strip(), "KEY=secret")
        self.assertEqual(gettext("basket of goods"), "Warenkorb")
        self.assertEqual(package.NAME, "package")
"""
MESSAGES = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "basket of goods"
msgstr "Warenkorb"
"""
CONFIGURATION = """
[tool.harness]
labels = ["shop"]
include = [".env"]
before = ["python manage.py compilemessages"]
apt = ["gettext"]
env = { COLOUR = "blue" }

[tool.harness.env_for.sqlite]
COLOUR = "grey"
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a package, and its Django project in ``backend/``; git ignores ``.env`` and compiled messages."""
    root = tmp_path / "repository"
    write_files(
        root,
        {
            ".gitignore": ".env\n*.mo\n.harness/\n",
            "requirements.txt": "django\ndjango-configurations\n",
            "package/__init__.py": 'NAME = "package"\n',
            "backend/manage.py": MANAGE,
            "backend/config/__init__.py": "",
            "backend/config/settings.py": SETTINGS,
            "backend/apps/shop/__init__.py": "",
            "backend/apps/shop/tests.py": TESTS,
            "backend/locale/de/LC_MESSAGES/django.po": MESSAGES,
        },
    )
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    (root / ".env").write_text("KEY=secret\n")
    return root


def run(root: Path, where: str = ".") -> command.Ended:
    return command.harness("--db", "sqlite", artifacts=root.parent / "artifacts", cwd=root / where)


def test_a_file_left_behind_is_named_and_keys_bring_all(repository: Path) -> None:
    ended = run(repository)
    assert ended.code == 4, ended.output
    assert "manage.py is in backend/: the tests run there" in ended.output
    assert '.env is here, but git ignores it: [tool.harness] include = [".env"]' in ended.output

    write_files(repository, {"pyproject.toml": CONFIGURATION})
    ended = run(repository)
    assert ended.code == 0, ended.output
    assert set(ended.outcomes.values()) == {"PASSED"}
    (case,) = ended.report.cases
    assert case.test.file == "backend/apps/shop/tests.py"
    assert not list(repository.rglob("*.mo"))


def test_a_folder_inside_the_project_leads_to_it(repository: Path) -> None:
    write_files(repository, {"pyproject.toml": CONFIGURATION, "backend/requirements.txt": "-r ../requirements.txt\n"})
    ended = run(repository / "backend", "apps")
    assert f"manage.py is in {repository / 'backend'}: that is the project." in ended.output
