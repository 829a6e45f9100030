"""``--check-isolation``: classes that leave something behind are named, and nothing fails for it."""

from harness.runner.workers.isolation import Census, compare
from tests.runner.conversation import MakeProject, RunTests

TESTS = """
from django.contrib.auth.models import Group
from django.test import TestCase, TransactionTestCase

class CleanTests(TestCase):
    def test_one(self):
        Group.objects.create(name="rolled back")

class FlushingTests(TransactionTestCase):
    def test_one(self):
        Group.objects.create(name="flushed")

class SoilingTests(TransactionTestCase):
    def test_one(self):
        Group.objects.create(name="left")

    def _fixture_teardown(self):
        pass
"""


def test_the_class_that_leaves_rows_is_named(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS}, 'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]')
    journal = run_project("tests", workers=1, check_isolation=True)
    assert journal.notices("soiled") == ["tests.SoilingTests: default: leaves rows in auth_group (+1)"]
    assert journal.status == 0


def test_nobody_is_asked_who_did_not_want_to_know(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": TESTS}, 'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]')
    assert run_project("tests", workers=1).notices("soiled") == []


def test_what_changed_in_words() -> None:
    before = Census({"a": 1, "b": 2, "c": 0}, {"a_seq": 4, "b_seq": 1}, other_sessions=0)
    after = Census({"a": 0, "b": 4, "c": 0}, {"a_seq": 5, "b_seq": 1}, other_sessions=2)
    assert compare(before, after, is_flushed=False) == (
        "leaves rows in b (+2)",
        "takes rows from a (-1)",
        "moves 1 sequence",
        "leaves 2 connections open",
    )
    assert "takes rows from a (-1)" not in compare(before, after, is_flushed=True)
    assert compare(before, before, is_flushed=False) == ()


def test_many_tables_are_not_all_named() -> None:
    after = Census({f"t{number}": 1 for number in range(9)}, {}, 0)
    (text,) = compare(Census({}, {}, 0), after, is_flushed=False)
    assert text == "leaves rows in t0 (+1), t1 (+1), t2 (+1), t3 (+1), t4 (+1) and 4 more"
