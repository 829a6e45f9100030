"""The tests run in a folder of the project: its files are found from there, and the project is importable."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ExitCode
from tests.runner.conversation import MakeProject, RunTests

SETTINGS = """
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
TESTS = """
import pathlib, sys
from django.test import SimpleTestCase
import shop, local

class Tests(SimpleTestCase):
    def test_place(self):
        self.assertEqual(pathlib.Path.cwd().name, "tests")
        self.assertEqual(sys.path[0], str(pathlib.Path.cwd()))
        self.assertTrue(pathlib.Path("beside.txt").exists())

    def test_red(self):
        self.fail("red")
"""
FILES = {
    "shop/__init__.py": "",
    "tests/settings.py": SETTINGS,
    "tests/local.py": "",
    "tests/beside.txt": "",
    "tests/test_it.py": TESTS,
}


def test_a_suite_beside_its_package(project: MakeProject, run_project: RunTests, tmp_path: Path) -> None:
    project(FILES)
    journal = run_project(workdir="tests", before=("test -f beside.txt",))
    assert sorted(journal.outcomes().items()) == [
        ("Tests.test_place", "PASSED"),
        ("Tests.test_red", "FAILED"),
    ]
    assert {test.file for test in journal.planned} == {"tests/test_it.py"}
    (failure,) = journal.final("test_red").failures
    assert [frame.file for frame in failure.frames] == ["tests/test_it.py"]


def test_a_folder_that_is_not_there_is_an_error(project: MakeProject, run_project: RunTests) -> None:
    project(FILES)
    journal = run_project(workdir="nowhere")
    assert journal.status == ExitCode.PROJECT
    assert journal.aborted.message == "The tests cannot run in nowhere: No such file or directory."


def test_a_project_below_the_folder_of_all_files(project: MakeProject, run_project: RunTests, tmp_path: Path) -> None:
    below = {f"web/{name}": text for name, text in FILES.items()}
    project({**below, "web/src/extra.py": "", "web/tests/test_it.py": TESTS.replace("local", "local, extra")})
    run_in_root = {"project": "web", "workdir": "web/tests"}
    journal = run_project(**run_in_root)
    assert sorted(journal.outcomes().items()) == [("Tests.test_place", "PASSED"), ("Tests.test_red", "FAILED")]
    assert {test.file for test in journal.planned} == {"web/tests/test_it.py"}
    for label in ("web/tests/test_it.py", "web/tests/test_it.py::Tests", "test_it.py"):
        assert len(run_project(label, **run_in_root).planned) == 2
