"""Tests that roll back: a mirror reads as its primary, and a write through it fails."""

import asyncio
import threading
import unittest

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, connection, connections, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from shop.models import Item

both = pytest.mark.django_db(databases=["default", "replica"])
START = ["of the migration", "loaded", "of the worker"]


def names(alias="default"):
    return list(Item.objects.using(alias).order_by("pk").values_list("name", flat=True))


def test_the_rows_of_the_start(db):
    assert names() == START


@both
def test_the_mirror_reads_as_its_primary(on_replica):
    Item.objects.create(name="uncommitted")
    assert names("replica") == [*START, "uncommitted"]
    assert not on_replica("replica")


@both
def test_a_write_through_the_mirror_fails_and_undoes_nothing():
    Item.objects.create(name="before")
    with pytest.raises(DatabaseError, match="(?i)read.?only"), transaction.atomic("replica"):
        Item.objects.using("replica").create(name="refused")
    assert names() == [*START, "before"]


@pytest.mark.django_db(databases=["default", "close"])
def test_a_mirror_on_the_server_of_its_primary(session_of):
    Item.objects.create(name="uncommitted")
    assert names("close") == [*START, "uncommitted"]
    assert session_of("close") == session_of("default")
    with pytest.raises(DatabaseError, match="(?i)read.?only"), transaction.atomic("close"):
        Item.objects.using("close").create(name="refused")


@pytest.mark.django_db(databases=["replica"])
def test_the_mirror_alone():
    assert names("replica") == START
    with pytest.raises(AssertionError, match="not allowed"):
        Item.objects.count()


@pytest.mark.django_db(databases=["default", "other", "near"])
def test_several_aliases():
    Item.objects.using("near").create(name="near")
    assert names("other") == ["of the migration", "loaded"]
    assert names("near") == ["of the migration", "near"]
    assert all(connections[alias].in_atomic_block for alias in ("default", "other", "near"))


@pytest.mark.django_db(databases=["default", "twin"])
def test_aliases_that_share_a_database(real):
    assert connections["twin"].settings_dict["NAME"] == connection.settings_dict["NAME"]
    assert names("twin") == START


@both
def test_numbers_of_queries(django_assert_num_queries, django_assert_max_num_queries):
    with django_assert_num_queries(2):
        names()
        names()
    with django_assert_num_queries(1, connection=connections["replica"]):
        names("replica")
    with django_assert_max_num_queries(1):
        names()
    with CaptureQueriesContext(connection) as captured:
        Item.objects.create(name="counted")
    assert [each["sql"].split()[0] for each in captured.captured_queries] == ["INSERT"]


def test_dynamic_request(request):
    """It is sorted behind the tests that commit, as one without a database."""
    request.getfixturevalue("db")
    Item.objects.create(name="dynamic")
    assert names()[-1] == "dynamic"


@both
def test_a_thread(real):
    """It has connections of its own, and does not see what is not committed."""
    found = []

    def read():
        found.append(names())
        connections.close_all()

    Item.objects.create(name="uncommitted")
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert found == [START]


@pytest.mark.django_db
def test_synchronous_in_a_loop():
    async def count():
        return Item.objects.count()

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(count())


@both
class TestInAClass:
    def test_the_mirror_reads_as_its_primary(self):
        Item.objects.create(name="uncommitted")
        assert names("replica") == [*START, "uncommitted"]

    def test_again(self):
        assert names("replica") == START


class OfUnittest(TestCase):
    databases = {"default", "replica"}

    @classmethod
    def setUpTestData(cls):
        Item.objects.create(name="of the class")

    def test_the_mirror_reads_as_its_primary(self):
        assert names("replica") == [*START, "of the class"]
        with pytest.raises(DatabaseError, match="(?i)read.?only"), transaction.atomic("replica"):
            Item.objects.using("replica").create(name="refused")

    async def test_asynchronous(self):
        await Item.objects.acreate(name="asynchronous")
        assert await Item.objects.using("replica").filter(name="asynchronous").acount() == 1

    def test_what_is_not_asked_for(self):
        with pytest.raises(AssertionError, match="not allowed"):
            Item.objects.using("other").count()


class Plain(unittest.TestCase):
    def test_blocked(self):
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            Item.objects.count()


def test_blocked():
    """Fails with pytest-django's own message."""
    Item.objects.count()


def test_blocked_again():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        connections["replica"].ensure_connection()


@pytest.fixture
def statement_of_a_fixture(db):
    Item.objects.create(name="of a fixture")


def test_fails_after_statements(statement_of_a_fixture):
    """Fails: the statements are in the report."""
    assert not Item.objects.filter(name="of a fixture").exists()


@both
@pytest.mark.harness_mirrors("replica")
def test_the_mark_asks_for_the_replica(real, on_replica):
    assert on_replica("replica")
    Item.objects.create(name="uncommitted")
    assert names("replica") == START


@both
def test_the_mark_before_is_forgotten(on_replica):
    assert not on_replica("replica")


@both
class TestAttributeOfTheClass:
    harness_mirrors = "replica"

    def test_the_replica(self, real, on_replica):
        assert on_replica("replica")


class OfUnittestOnTheReplica(TestCase):
    databases = {"default", "replica"}
    harness_mirrors = "replica"

    def test_the_replica(self):
        Item.objects.create(name="uncommitted")
        is_in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()
        assert names("replica") == ([*START, "uncommitted"] if is_in_memory else START)


@pytest.fixture(scope="module")
def row_of_the_module(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        row = Item.objects.create(name="of the module")
        yield row
        row.delete()


@both
def test_a_fixture_of_the_module(row_of_the_module):
    assert names() == [*START, "of the module"]
    assert names("replica") == [*START, "of the module"]


@both
@pytest.mark.harness_mirrors("replica")
def test_a_fixture_of_the_module_is_on_the_replica(row_of_the_module):
    assert names("replica") == [*START, "of the module"]
