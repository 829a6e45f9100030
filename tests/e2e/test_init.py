"""A new user's first two commands: ``harness init`` writes what the project's files say, and ``harness ci`` runs with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import command
from tests.unit.host.project.conftest import write

pytestmark = pytest.mark.docker

FILES = {
    "requirements.txt": "django\n",
    "server/manage.py": """
import os, sys
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
""",
    "server/config/__init__.py": "",
    "server/config/settings.py": """
import os

SECRET_KEY = os.environ["SHOP_KEY"]
COLOUR = os.environ["SHOP_COLOUR"]
with open("local.txt") as file:
    LOCAL = file.read()
INSTALLED_APPS = ["shop", "slow"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}
""",
    "server/shop/__init__.py": "",
    "server/shop/tests.py": """
import six
from django.conf import settings
from django.test import SimpleTestCase, tag

class ShopTests(SimpleTestCase):
    def test_the_variables_are_there(self):
        self.assertEqual((settings.SECRET_KEY, settings.COLOUR, settings.LOCAL), ("for-tests", "grey", "here"))

    @tag("browser")
    def test_in_a_browser(self):
        self.fail("there is none")
""",
    "server/slow/__init__.py": "",
    "server/slow/tests.py": "raise RuntimeError('the project does not run these')",
    "server/local.example": "here",
    "justfile": """
prepare:
    cd server && cp local.example local.txt

unit label="shop": prepare
    cd server && coverage run manage.py test {{label}} shop --exclude-tag=browser
""",
    ".github/workflows/ci.yml": """
jobs:
  tests:
    runs-on: ubuntu-24.04
    steps:
      - run: pip install -r requirements.txt six coverage
      - run: just unit
        env:
          SHOP_KEY: ${{ secrets.SHOP_KEY }}
          SHOP_COLOUR: grey
""",
}


def test_the_project_runs_without_an_edit(tmp_path: Path) -> None:
    project = write(tmp_path / "project", FILES)
    written = command.command("init", artifacts=tmp_path, cwd=project)
    assert written.code == 0, written.output
    ended = command.harness("--db", "sqlite", artifacts=tmp_path / "artifacts", cwd=project)
    assert ended.code == 0, ended.output
    assert list(ended.outcomes.values()) == ["PASSED"]
