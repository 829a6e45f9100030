"""Tests of the comparison of a project's own command with the harness: pytest's results are recorded and read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.django_suite import recorder
from tests.django_suite.compare import record_in, report
from tests.e2e.command import environment
from tests.pytest_suites import running
from tests.random_suites.compare import Seen, Told

PLUGIN = Path(running.__file__).with_name("pytest_recorder.py")
TESTS = """
import pytest


@pytest.fixture
def broken():
    raise LookupError("no such thing")


@pytest.fixture
def leaking():
    yield
    raise OSError("left")


def test_error(broken): ...


def test_fail():
    assert [] == [1]


def test_nested(pytester):
    pytester.makepyfile("def test_inner(): assert 0")
    assert pytester.runpytest_inprocess().ret == 1


def test_pass(): ...


@pytest.mark.xfail(reason="known")
def test_promise():
    assert 0


def test_skip():
    pytest.skip("not here")


def test_subtests(subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number != 1


@pytest.mark.xfail(strict=True)
def test_surprise(): ...


@pytest.mark.xfail
def test_surprise_that_may_be(): ...


def test_teardown(leaking): ...
"""
OUTCOMES = {
    "test_error": "ERRORED",
    "test_fail": "FAILED",
    "test_nested": "PASSED",
    "test_pass": "PASSED",
    "test_promise": "XFAILED",
    "test_skip": "SKIPPED",
    "test_subtests": "FAILED",
    "test_surprise": "XPASSED",
    "test_surprise_that_may_be": "PASSED",
    "test_teardown": "PASSED",
}


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]], ids=["in one process", "distributed"])
def test_results_of_pytest_are_recorded(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text(TESTS)
    (tmp_path / "test_broken.py").write_text("import no_such_module")
    path = os.pathsep.join(str(Path(each).parent) for each in (recorder.__file__, PLUGIN))
    variables = environment(PYTHONPATH=path, PYTEST_PLUGINS="pytest_recorder", PYTEST_ADDOPTS=None)
    for name in [name for name in variables if name.startswith("PYTEST_XDIST")]:
        del variables[name]
    plugins = ["-p", "pytester", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options],
        cwd=tmp_path,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    found = running.of_record(record_in(process.stdout))
    assert {name.rpartition("::")[2]: told.outcome for name, told in found.tests.items()} == OUTCOMES
    assert found.tests["test_all.py::test_error"].failures[0][:3] == ("error", "", "LookupError")
    assert found.tests["test_all.py::test_skip"].reason == "not here"
    assert found.exit_code == process.returncode == 1
    assert set(found.fixtures) == {"test_all.py::test_teardown::teardown", "test_broken.py"}
    assert [cls for cls, _ in found.fixtures["test_all.py::test_teardown::teardown"]] == ["OSError"]


class TestReport:
    def test_only_the_harness_has_to_explain_differences(self) -> None:
        one = Seen({"t.py::a": Told("PASSED"), "t.py::b": Told("PASSED")}, {}, 0)
        other = Seen({"t.py::a": Told("SKIPPED", reason="no"), "t.py::b": Told("PASSED")}, {}, 0)
        text, number = report({"pytest": one, "again": other, "harness": one}, {}, "harness")
        assert text == (
            "\n1 tests differ between pytest and again\n- t.py::a: PASSED, SKIPPED (no)"
            "\n\n0 tests differ between pytest and harness"
        )
        assert number == 0
        assert report({"pytest": one, "harness": other}, {}, "harness")[1] == 1
        assert report({"pytest": one, "harness": other}, {"t.py::a": "why"}, "harness")[1] == 0


@pytest.mark.parametrize(
    ("node_id", "folder"),
    [("tests/api/test_x.py::TestA::test_b[a/b]", "tests/api"), ("test_x.py::test_a", ".")],
)
def test_a_test_belongs_to_the_folder_of_its_file(node_id: str, folder: str) -> None:
    assert running.folder_of(node_id) == folder
