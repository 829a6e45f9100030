"""The second run of a suite is in the order of the first one's times, by the command itself."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.command import environment, harness

FILES = {
    "manage.py": """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "settings.py": """
SECRET_KEY = "order"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
""",
    "tests.py": """
import time
from django.test import SimpleTestCase, TestCase

class AShortTests(TestCase):
    def test_1(self): pass

class BShortTests(TestCase):
    def test_1(self): pass

class CLongTests(TestCase):
    def test_1(self): time.sleep(0.3)
    def test_2(self): time.sleep(0.3)
""",
}


def test_the_second_run_begins_with_what_took_longest(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name, content in FILES.items():
        (project / name).write_text(content)
    env = environment(HARNESS_CACHE=str(tmp_path / "cache"), HARNESS_NO_CACHE=None)
    args = ("--project", str(project), "--runner", "host", "--parallel", "2")
    first = harness(*args, artifacts=tmp_path / "first", env=env)
    assert (first.code, first.summary["schedule"]["longest_first"]) == (0, False)
    second = harness(*args, artifacts=tmp_path / "second", env=env)
    assert (second.code, second.summary["schedule"]["longest_first"]) == (0, True)
    assert second.summary["schedule"]["longest"]["unit"] == "tests.CLongTests"
    # a fair share of 0.6 s is 0.3 s: each slot begins with one part of the long class
    assert set(second.report.parts) == {"tests.CLongTests.test_1", "tests.CLongTests.test_2"}
    without = harness(*args, "--no-cache", artifacts=tmp_path / "without", env=env)
    assert not without.summary["schedule"]["longest_first"]
