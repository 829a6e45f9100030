"""Tests of the comparison with Django's own suite: results are recorded, and differences found and explained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.django_suite import recorder
from tests.django_suite.compare import differences, explanation, recorded, table
from tests.e2e.command import environment
from tests.random_suites.compare import Seen, Told

SCRIPT = """
import sys

import django
from django.conf import settings
from django.test.runner import DiscoverRunner

settings.configure()
django.setup()
red = DiscoverRunner(verbosity=0).run_tests(sys.argv[1:])
assert DiscoverRunner.run_tests.__module__ == "django.test.runner"
sys.exit(bool(red))
"""
TESTS = """
import unittest

from django.test import SimpleTestCase


class Tests(SimpleTestCase):
    def test_error(self):
        raise LookupError("no such thing")

    def test_pass(self):
        pass

    @unittest.expectedFailure
    def test_promise(self):
        self.fail("not yet")

    @unittest.skip("not here")
    def test_skip(self):
        pass

    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    @unittest.expectedFailure
    def test_surprise(self):
        pass


class BrokenTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        raise OSError("no class")

    def test_nothing(self):
        pass
"""


def seen(**outcomes: Told) -> Seen:
    return Seen({f"app.tests.Tests.{name}": told for name, told in outcomes.items()}, {}, 0)


class TestRecording:
    def test_results_of_a_script_are_recorded(self, tmp_path: Path) -> None:
        (tmp_path / "script.py").write_text(SCRIPT)
        (tmp_path / "test_all.py").write_text(TESTS)
        command = [sys.executable, recorder.__file__, "script.py", "test_all"]
        process = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert process.returncode == 1, process.stdout
        found = recorded(process.stdout)
        assert {name.rpartition(".")[2]: told.outcome for name, told in found.tests.items()} == {
            "test_error": "ERRORED",
            "test_nothing": "NOT_RUN",
            "test_pass": "PASSED",
            "test_promise": "XFAILED",
            "test_skip": "SKIPPED",
            "test_subtests": "FAILED",
            "test_surprise": "XPASSED",
        }
        assert found.tests["test_all.Tests.test_error"].failures == (("error", "", "LookupError", "no such thing"),)
        assert found.tests["test_all.Tests.test_skip"].reason == "not here"
        assert found.fixtures == {"test_all.BrokenTests.setUpClass": frozenset({("OSError", "no class")})}

    def test_other_output_may_come_between(self, capsys: pytest.CaptureFixture[str]) -> None:
        calls = {"t.C.test": [["skip", "", "", "x" * recorder.PART]]}
        recorder.print_record(json.dumps({"planned": list(calls), "tests": calls, "fixtures": [], "output": {}}))
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 3
        found = recorded("\n".join([*lines[:2], "Destroying test database", lines[2], ""]))
        assert len(found.tests["t.C.test"].reason) == recorder.PART

    def test_a_run_that_ends_early_has_no_results(self) -> None:
        with pytest.raises(AssertionError, match="no such module"):
            recorded("ImportError: no such module\n")


class TestDifferences:
    def test_equal_results_have_none(self) -> None:
        failed = [Told("FAILED", (("failure", "", "AssertionError", f"test_{number} != x"),)) for number in (1, 2)]
        assert differences(seen(a=Told("PASSED"), b=failed[0]), seen(a=Told("PASSED"), b=failed[1])) == []

    def test_outcomes_reasons_and_missing_tests_differ(self) -> None:
        one = seen(a=Told("PASSED"), b=Told("SKIPPED", reason="old"), c=Told("PASSED"))
        other = seen(a=Told("ERRORED", (("error", "", "OSError", "no\nserver"),)), b=Told("SKIPPED", reason="new"))
        assert differences(one, other) == [
            ("app.tests.Tests.a", "PASSED, ERRORED (OSError: no)"),
            ("app.tests.Tests.b", "SKIPPED (old), SKIPPED (new)"),
            ("app.tests.Tests.c", "PASSED, no such test"),
        ]

    def test_fixtures_differ_by_the_types_of_failures(self) -> None:
        one = Seen({}, {"app.tests.Tests.setUpClass": frozenset({("OSError", "no")})}, 1)
        assert differences(one, one) == []
        assert differences(one, Seen({}, {}, 0)) == [("app.tests.Tests.setUpClass", "['OSError'], no failure")]

    def test_a_reason_is_for_a_test_or_all_below_a_name(self) -> None:
        reasons = {"app.tests.Tests.": "all", "app.tests.Others.test": "one"}
        assert explanation("app.tests.Tests.test", reasons) == "all"
        assert explanation("app.tests.Others.test", reasons) == "one"
        assert explanation("app.tests.Others.test_2", reasons) == ""


class TestTable:
    def test_each_app_and_all_have_counts(self) -> None:
        plain = seen(a=Told("PASSED"), b=Told("SKIPPED"))
        ours = Seen({**plain.tests, "other.tests.T.t": Told("FAILED")}, {}, 1)
        assert table({"runtests.py": plain, "harness ci": ours}).splitlines() == [
            "| app | runtests.py | harness ci |",
            "| --- | --- | --- |",
            "| app | 2, 1 passed, 1 skipped | 2, 1 passed, 1 skipped |",
            "| other | 0 | 1, 1 failed |",
            "| **all** | 2, 1 passed, 1 skipped | 3, 1 passed, 1 failed, 1 skipped |",
        ]
