"""A worker that ends by itself is always reported, with the party at fault and its last output."""

import pytest

from harness.errors import ExitCode
from harness.protocol.events import Notice, WorkerLost, WorkerStopped
from harness.report.model.ledger import fold
from harness.report.model.verdict import Verdict, verdict
from tests.runner.conversation import Journal, MakeProject, RunTests

LAST = """
import atexit, os, signal, sys, threading, unittest

def shout():
    os.write(2, b"its last words\\n")
    {last}

class Tests(unittest.TestCase):
    def test_1(self):
        atexit.register(shout)
"""
AFTER = "while no test ran, after tests.Tests.test_1"


def came_to(journal: Journal) -> Verdict:
    """The host's verdict for the journal."""
    return verdict(fold(journal.envelopes))


@pytest.mark.parametrize(
    ("last", "how", "message", "evidence"),
    [
        ("os._exit(3)", (3, None), AFTER, "its last words"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", (None, "SIGSEGV"), AFTER, "in shout"),
        (
            "raise ValueError('too late')",
            (1, None),
            f"{AFTER}: an exit handler raised ValueError: too late",
            "in shout",
        ),
    ],
)
def test_an_exit_handler_that_goes_wrong_makes_the_run_red(
    project: MakeProject,
    run_project: RunTests,
    python: str,
    last: str,
    how: tuple[int | None, str | None],
    message: str,
    evidence: str,
) -> None:
    project({"tests.py": LAST.format(last=last)})
    journal = run_project("tests", python=python)
    assert journal.outcomes() == {"Tests.test_1": "PASSED"}
    lost = journal.one(WorkerLost)
    assert ((lost.exit, lost.signal), lost.fault, lost.test, lost.message) == (how, "project", None, message)
    assert evidence in lost.evidence
    assert journal.all(WorkerStopped) == []
    end = came_to(journal)
    assert end.cause
    assert (end.exit_code, end.cause.kind) == (ExitCode.TESTS_FAILED, "WorkerLost")
    assert evidence in end.cause.text


OUR_BUG = """
import functools, sys, unittest
from django.contrib.auth.models import Group
from django.test import TestCase

(ours,) = [module for name, module in sys.modules.items() if name.endswith(".runner.databases.clones")]
ours.end_transactions = functools.partial(int, "a bug of ours")

class ATests(TestCase):
    def test_1(self):
        Group.objects.count()

class BTests(unittest.TestCase):
    def test_1(self):
        pass
"""
APPS = 'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]\n'


def test_an_error_of_ours_is_the_harnesss_and_no_outcome_is_lost(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": OUR_BUG}, APPS)
    journal = run_project("tests", workers=1)
    assert journal.outcomes() == {"ATests.test_1": "PASSED", "BTests.test_1": "PASSED"}
    assert [lost.fault for lost in journal.all(WorkerLost)] == ["harness", "harness"]
    assert all("in _run_assignment" in lost.evidence for lost in journal.all(WorkerLost))
    end = came_to(journal)
    assert end.cause
    assert (end.exit_code, end.cause.kind, len(end.others)) == (ExitCode.INTERNAL, "InternalError", 1)
    assert "ValueError: invalid literal for int() with base 10: 'a bug of ours'" in end.cause.message
    assert len(journal.notices("queries-missing")) == 2


COORDINATOR_BUG = """
import functools, sys, unittest

(ours,) = [module for name, module in sys.modules.items() if name.endswith(".runner.schedule.schedule")]
ours.Schedule.unit_finished = functools.partial(int, "a bug of ours")

class Tests(unittest.TestCase):
    def test_1(self):
        pass
"""


def test_an_error_of_the_coordinator_is_the_harnesss(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": COORDINATOR_BUG})
    journal = run_project("tests")
    assert journal.status == ExitCode.INTERNAL
    assert journal.aborted.message.startswith("A bug in the harness: TypeError: ")
    assert "in _take" in journal.aborted.evidence


LEAKS = """
import io, sys, unittest
from unittest import mock

class Unfriendly:
    def write(self, text):
        return len(text)

    def flush(self):
        raise SystemExit("of a leaked stream")

class AMockTests(unittest.TestCase):
    def test_1_is_not_flushed_by_others(self):
        sys.stdout = mock.MagicMock()

    def test_2(self):
        sys.stdout.flush.assert_not_called()

class BClosedTests(unittest.TestCase):
    def test_1(self):
        sys.stdout.close()
        sys.stderr.close()

    def test_2_prints(self):
        print("heard")
        print("heard too", file=sys.stderr)
        self.fail()

class CDetachedTests(unittest.TestCase):
    def test_1(self):
        sys.stdout.detach()

    def test_2_prints(self):
        print("heard")
        self.fail()

class DUnfriendlyTests(unittest.TestCase):
    def test_1(self):
        sys.stdout = sys.stderr = Unfriendly()

    def test_2(self):
        pass

class ELastTests(unittest.TestCase):
    def test_1_prints(self):
        print("heard")
        self.fail()

    def test_2(self):
        sys.stdout = sys.stderr = Unfriendly()
"""


def test_a_leaked_stream_harms_nobody_but_its_test(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": LEAKS})
    journal = run_project("tests", workers=1)
    assert journal.outcomes() == {
        "AMockTests.test_1_is_not_flushed_by_others": "PASSED",
        "AMockTests.test_2": "PASSED",
        "BClosedTests.test_1": "PASSED",
        "BClosedTests.test_2_prints": "FAILED",
        "CDetachedTests.test_1": "PASSED",
        "CDetachedTests.test_2_prints": "FAILED",
        "DUnfriendlyTests.test_1": "PASSED",
        "DUnfriendlyTests.test_2": "PASSED",
        "ELastTests.test_1_prints": "FAILED",
        "ELastTests.test_2": "PASSED",
    }
    assert journal.final("BClosedTests.test_2_prints").stdout == "heard\n"
    assert journal.final("BClosedTests.test_2_prints").stderr == "heard too\n"
    assert journal.final("CDetachedTests.test_2_prints").stdout == "heard\n"
    assert journal.final("ELastTests.test_1_prints").stdout == "heard\n"
    assert journal.all(WorkerLost) == []


EXITS = """
import sys, unittest

said = []

class ASetUpTests(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        said.append("torn down")

    def test_1(self):
        pass

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(said.append, "cleaned up")
        cls.addClassCleanup(sys.exit, "in a clean-up")
        {leave}

class BSetUpWasTests(unittest.TestCase):
    def test_cleaned_up_and_not_torn_down(self):
        self.assertEqual(said, ["cleaned up"])

class CTearDownTests(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        cls.addClassCleanup(said.append, "cleaned up too")
        {leave}

    def test_1(self):
        pass

class DTearDownWasTests(unittest.TestCase):
    def test_cleaned_up(self):
        self.assertEqual(said, ["cleaned up", "cleaned up too"])
"""


@pytest.mark.parametrize("leave", ["sys.exit(1)", "raise KeyboardInterrupt", "raise ValueError"])
def test_a_fixture_that_exits_is_cleaned_up_after(
    project: MakeProject, run_project: RunTests, python: str, leave: str
) -> None:
    project({"tests.py": EXITS.format(leave=leave)})
    journal = run_project("tests", workers=1, python=python)
    assert journal.outcomes() == {
        "ASetUpTests.setUpClass": "ERRORED",
        "ASetUpTests.test_1": "NOT_RUN",
        "BSetUpWasTests.test_cleaned_up_and_not_torn_down": "PASSED",
        "CTearDownTests.test_1": "PASSED",
        "CTearDownTests.tearDownClass": "ERRORED",
        "DTearDownWasTests.test_cleaned_up": "PASSED",
    }
    assert journal.all(WorkerLost) == []


UNLOOKABLE = """
from django.contrib.auth.models import Group
from django.db import connection
from django.test import TransactionTestCase

class ATests(TransactionTestCase):
    def test_1(self):
        self.assertEqual(Group.objects.count(), 0)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        connection.connection.set_authorizer(lambda *_: 1)

class BTests(TransactionTestCase):
    def test_1(self):
        connection.connection.set_authorizer(None)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        connection.set_autocommit(False)
"""


def test_a_class_that_cannot_be_inspected_is_a_finding(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": UNLOOKABLE}, APPS)
    plain, looked = (run_project("tests", workers=1, check_isolation=check) for check in (False, True))
    assert looked.outcomes() == plain.outcomes()
    found = [notice.text for notice in looked.all(Notice) if notice.code == "soiled"]
    assert any(
        text.startswith("tests.ATests: default: leaves a connection that cannot be inspected: ") for text in found
    )
    assert "tests.BTests: default: leaves autocommit turned off" in found
    assert looked.all(WorkerLost) == []
