"""The table in the README: what ``manage.py test --parallel`` does, and what ``harness ci`` does, on one small project.

``tests/unit/test_docs.py`` sees to it that each row of the table is here. Where a new Django mends what its column says, the
test is red, and the row goes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

CI = "tests/e2e/test_ci.py::"
HERE = "tests/e2e/test_claims.py::"
HELD_BY = {
    "Servers": (f"{HERE}test_servers", f"{CI}test_ran_on_two_primaries_and_a_replica", f"{CI}test_nothing_is_left"),
    "Write through a mirror": (f"{HERE}test_a_write_through_a_mirror",),
    "Old spellings such as `TEST_MIRROR`": (f"{HERE}test_old_spellings",),
    "A worker dies": (f"{HERE}test_a_worker_that_dies",),
    "A test hangs": (f"{HERE}test_a_test_that_hangs",),
    "Ctrl-C": (f"{HERE}test_an_interrupt",),
    "`setUpClass` fails": (f"{HERE}test_a_class_that_cannot_be_set_up",),
    "`--debug-sql`": (f"{HERE}test_debug_sql",),
    "No test is found": (f"{HERE}test_no_test",),
    "Reports": (f"{CI}test_leaves_schemas_logs_and_queries", f"{CI}test_real_parsers_read_the_junit"),
}

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shelf"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shelf.sqlite3", "TEST": {"NAME": "test.sqlite3"}},
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": "other.sqlite3"},
}
DATABASES["other"].update({"TEST_MIRROR": "default"} if os.path.exists("flat") else {"TEST": {"MIRROR": "default"}})
"""
POSTGRES = 'from settings import *\nDATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "db.invalid"}}\n'
MODELS = """
from django.db import models

class Book(models.Model):
    title = models.CharField(max_length=20)
"""
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Book", [("id", models.BigAutoField(primary_key=True)), ("title", models.CharField(max_length=20))])
    ]
"""
TESTS = """
import os, time
from django.test import SimpleTestCase, TestCase, TransactionTestCase, tag
from shelf.models import Book

class Others(SimpleTestCase):
    def test_one(self):
        pass

@tag("write")
class Write(TransactionTestCase):
    databases = {"default", "other"}
    def test_write(self):
        Book.objects.using("other").create(title="Emma")

@tag("die")
class Die(SimpleTestCase):
    def test_die(self):
        os._exit(3)

@tag("hang")
class Hang(SimpleTestCase):
    def test_hang(self):
        time.sleep(600)

@tag("class")
class Class(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no class")
    def test_one(self):
        pass
    def test_two(self):
        pass

@tag("sql")
class Sql(TestCase):
    def test_sql(self):
        Book.objects.create(title="a title to look for")
        self.fail("look at the SQL")
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A project of one app, on SQLite; ``other`` mirrors ``default``."""
    folder = tmp_path / "shelf-project"
    (folder / "shelf" / "migrations").mkdir(parents=True)
    for name, text in {
        "manage.py": MANAGE,
        "settings.py": SETTINGS,
        "postgres.py": POSTGRES,
        "requirements.txt": "Django>=5.2\npsycopg[binary]>=3.2\n",  # as the storefront has it: one image for both
        "shelf/__init__.py": "",
        "shelf/models.py": MODELS,
        "shelf/tests.py": TESTS,
        "shelf/migrations/__init__.py": "",
        "shelf/migrations/0001_initial.py": MIGRATION,
    }.items():
        (folder / name).write_text(text)
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """``manage.py test --parallel 2`` with *arguments*, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "test", "--parallel", "2", *arguments],
        cwd=folder,
        env=command.environment(PYTHONDONTWRITEBYTECODE="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def plain(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of Django's own runner, and what it printed."""
    process = start(folder, *arguments)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def harness(folder: Path, *arguments: str) -> command.Ended:
    return command.harness("--project", str(folder), "--parallel", "2", *arguments, artifacts=folder.parent / "artifacts")


def workers(process: subprocess.Popen[str]) -> list[int]:
    """The processes that *process* has started."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
