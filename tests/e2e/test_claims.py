"""The tables in the README: ``manage.py test --parallel`` beside ``harness ci``, on one small project.

``tests/checks/test_pages.py`` checks that each row of the tables is here. Where a new Django mends what its column says, the
test is red, and the row goes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import command
from tests.signals import DEFAULT_SIGNALS
from tests.waiting import wait_for_text

pytestmark = pytest.mark.docker

CI = "tests/e2e/test_ci.py::"
HERE = "tests/e2e/test_claims.py::"
PYTEST = "tests/e2e/test_claims_of_pytest.py::"
BACKENDS = "tests/e2e/test_backends.py::"
HELD_BY = {
    "Servers": (
        *(f"{HERE}test_servers", f"{PYTEST}test_servers_have_to_be_up"),
        *(f"{CI}test_ran_on_two_primaries_and_a_replica", f"{CI}test_nothing_is_left"),
    ),
    "Mirrors": (f"{HERE}test_a_write_through_a_mirror", f"{PYTEST}test_a_mirror_reads_and_writes_its_primary"),
    "Workers' databases": (f"{PYTEST}test_each_worker_migrates_its_own_database",),
    "A worker dies": (f"{HERE}test_a_worker_that_dies", f"{PYTEST}test_the_test_of_a_dead_worker_is_red"),
    "A test hangs": (f"{HERE}test_a_test_that_hangs", f"{PYTEST}test_there_is_no_time_limit"),
    "Several backends": (f"{BACKENDS}test_the_table_of_differences_is_printed_and_kept",),
    "Write through a mirror": (f"{HERE}test_a_write_through_a_mirror",),
    "Old spellings such as `TEST_MIRROR`": (f"{HERE}test_old_spellings",),
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
        migrations.CreateModel("Book", [
            ("id", models.BigAutoField(primary_key=True)), ("title", models.CharField(max_length=20)),
        ])
    ]
"""
TESTS = """
import os, time
from pathlib import Path
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from shelf.models import Book

class Others(SimpleTestCase):
    def test_one(self):
        pass

class Count(TestCase):
    def test_count(self):
        self.assertEqual(Book.objects.count(), 0)

class Write(TransactionTestCase):
    databases = {"default", "other"}
    def test_write(self):
        Book.objects.using("other").create(title="Emma")

class Die(SimpleTestCase):
    def test_die(self):
        Path("began").touch()
        os._exit(3)

class Hang(SimpleTestCase):
    def test_hang(self):
        Path("began").touch()
        time.sleep(600)

class Class(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no class")
    def test_one(self):
        pass
    def test_two(self):
        pass

class Sql(TestCase):
    def test_sql(self):
        Book.objects.create(title="a title to look for")
        self.fail("look at the SQL")
"""
PATIENCE_S = 60


def make_project(folder: Path) -> Path:
    """A project of one app, on SQLite; ``other`` mirrors ``default``."""
    (folder / "shelf" / "migrations").mkdir(parents=True)
    for name, text in {
        "manage.py": MANAGE,
        "settings.py": SETTINGS,
        "postgres.py": POSTGRES,
        # as the storefront has it: one image for both
        "requirements.txt": (command.PROJECTS / "storefront" / "requirements.txt").read_text(),
        "shelf/__init__.py": "",
        "shelf/models.py": MODELS,
        "shelf/tests.py": TESTS,
        "shelf/migrations/__init__.py": "",
        "shelf/migrations/0001_initial.py": MIGRATION,
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return make_project(tmp_path / "shelf-project")


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    """One run of all that goes wrong by itself."""
    folder = make_project(tmp_path_factory.mktemp("red") / "shelf-project")
    return harness(folder, "--timeout", "2", "--debug-sql")


def labels(*classes: str) -> list[str]:
    """Labels of *classes*, and of one more: Django runs nothing in parallel that is one class."""
    return [f"shelf.tests.{name}" for name in ("Others", *classes)]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """``manage.py test --parallel 2`` with *arguments*, in a process group of its own."""
    return subprocess.Popen(
        [*DEFAULT_SIGNALS, sys.executable, "manage.py", "test", "--parallel", "2", *arguments],
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
    output, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output


def harness(folder: Path, *arguments: str) -> command.Ended:
    return command.harness(
        "--project", str(folder), "--parallel", "2", *arguments, artifacts=folder.parent / "artifacts"
    )


def test_servers(shelf: Path) -> None:
    status, output = plain(shelf, "--settings", "postgres", *labels("Count"))
    assert status == 1
    assert "OperationalError" in output
    ended = harness(shelf, "--settings", "postgres", *labels("Count"))
    assert ended.code == 0, ended.output
    assert [server["role"] for server in ended.summary["servers"]] == ["primary"]


def test_a_write_through_a_mirror(shelf: Path, red: command.Ended) -> None:
    status, output = plain(shelf, *labels("Write"))
    assert status == 0, output
    assert red.outcomes["shelf.tests.Write.test_write"] == "ERRORED"
    assert "attempt to write a readonly database" in red.out


def test_old_spellings(shelf: Path) -> None:
    (shelf / "flat").touch()
    _, output = plain(shelf, *labels("Count", "Write"))
    assert "Creating test database for alias 'other'" in output, "a mirror has no test database of its own"
    ended = harness(shelf, *labels("Count"))
    assert ended.code == 0, ended.output
    assert ended.summary["aliases"]["other"]["mirror_of"] == "default"
    assert re.search(r"TEST_MIRROR.*old spelling", ended.out)


def test_a_worker_that_dies(shelf: Path, red: command.Ended) -> None:
    process = start(shelf, *labels("Die"))
    try:
        wait_for_text(shelf / "began")
        with pytest.raises(subprocess.TimeoutExpired):  # the other tests take no time
            process.wait(8)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert red.outcomes["shelf.tests.Die.test_die"] == "CRASHED"
    assert "exited with status 3 while running this test" in red.out
    assert red.outcomes["shelf.tests.Others.test_one"] == "PASSED"


def test_a_test_that_hangs(shelf: Path, red: command.Ended) -> None:
    _, usage = plain(shelf, "--help")
    assert "--timing" in usage
    assert "--timeout" not in usage
    assert red.outcomes["shelf.tests.Hang.test_hang"] == "TIMED_OUT"
    assert re.search(r"tests\.py:\d+ in test_hang", red.out)


def test_an_interrupt(shelf: Path) -> None:
    process = start(shelf, *labels("Hang"))
    wait_for_text(shelf / "began")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert re.search(r"^OK$", output, re.MULTILINE)

    artifacts = shelf.parent / "artifacts"
    process = subprocess.Popen(
        [
            *(*DEFAULT_SIGNALS, sys.executable, "-m", "harness", "ci"),
            *("--project", str(shelf), "--artifacts", str(artifacts), *labels("Hang")),
        ],
        cwd=command.ROOT,
        env=command.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for_text(artifacts / "journal.ndjson", '"type":"AttemptStarted","test":"shelf.tests.Hang.test_hang"')
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert json.loads((artifacts / "summary.json").read_text())["counts"]["not_run"] >= 1
    assert "NOT RUN shelf.tests.Hang.test_hang" in output


def test_a_class_that_cannot_be_set_up(shelf: Path, red: command.Ended) -> None:
    _, output = plain(shelf, *labels("Class"))
    assert "Found 3 test(s)" in output
    assert "Ran 1 test in" in output
    assert [red.outcomes[f"shelf.tests.Class.{name}"] for name in ("test_one", "test_two")] == ["NOT_RUN"] * 2


def test_debug_sql(shelf: Path, red: command.Ended) -> None:
    status, output = plain(shelf, "--debug-sql", *labels("Sql"))
    assert status == 1
    assert "a title to look for" not in output
    assert re.search(r"default \(primary\) +INSERT INTO .*a title to look for", red.out)


def test_no_test(shelf: Path) -> None:
    status, output = plain(shelf, "-k", "nothing_is_called_so")
    assert status == 0, output
    ended = harness(shelf, "-k", "nothing_is_called_so")
    assert ended.code == 5
    assert ended.summary["verdict"] == "no-tests"
