"""The same by pytest: fixtures and the mark say which databases a test has, and whether it commits."""

import json
import urllib.request

import pytest
from django.db import DatabaseError, connections, transaction

from shop.models import Item, is_replica, session

PAIR = ["default", "replica"]
ON_REPLICA = Item.objects.using("replica")


@pytest.mark.django_db(databases=PAIR)
class TestShared:
    def test_rows_that_are_not_committed(self):
        Item.objects.create(name="item")
        assert ON_REPLICA.get().name == "item"
        assert session("replica") == session("default")
        connections["replica"].close()
        assert ON_REPLICA.count() == 1

    def test_writes_are_refused(self):
        Item.objects.create(name="kept")
        with pytest.raises(DatabaseError, match="read-only"), transaction.atomic(using="replica"):
            ON_REPLICA.create(name="refused")
        assert ON_REPLICA.get().name == "kept"

    def test_queries_are_counted(self, django_assert_num_queries):
        with django_assert_num_queries(1, connection=connections["replica"]):
            list(ON_REPLICA.all())
        with django_assert_num_queries(0):
            list(ON_REPLICA.all())

    def test_on_commit_callbacks(self, django_capture_on_commit_callbacks):
        seen = []
        with django_capture_on_commit_callbacks(execute=True):
            Item.objects.create(name="item")
            transaction.on_commit(lambda: seen.append(ON_REPLICA.count()))
        assert seen == [1]

    def test_clients(self, client, async_client):
        Item.objects.create(name="item")
        found = client.get("/items/", {"using": "replica"}).json()
        assert (found["is_replica"], found["names"]) == (False, ["item"])


@pytest.mark.django_db(databases=["default", "replica", "second", "other", "far"])
def test_every_alias():
    Item.objects.using("other").create(name="other")
    assert [Item.objects.using(alias).count() for alias in ("default", "replica", "second", "far")] == [0, 0, 0, 1]


@pytest.mark.django_db(databases=["replica"])
def test_a_mirror_alone():
    assert ON_REPLICA.count() == 0


@pytest.mark.django_db(databases=PAIR, transaction=True)
def test_a_replica():
    Item.objects.create(name="item")
    assert (ON_REPLICA.get().name, is_replica("replica")) == ("item", True)
    with transaction.atomic():
        Item.objects.create(name="later")
        assert ON_REPLICA.count() == 1


@pytest.mark.django_db(databases=PAIR)
def test_a_replica_by_the_fixture(transactional_db):
    Item.objects.create(name="item")
    assert (ON_REPLICA.get().name, is_replica("replica")) == ("item", True)


@pytest.mark.django_db(databases=PAIR, transaction=True)
def test_a_live_server(live_server):
    Item.objects.create(name="item")
    with urllib.request.urlopen(f"{live_server.url}/items/?using=replica", timeout=20) as response:
        assert json.load(response) == {"alias": "replica", "is_replica": True, "names": ["item"]}


@pytest.mark.harness_mirrors("primary")
@pytest.mark.django_db(databases=PAIR, transaction=True)
def test_a_live_server_with_the_mark(live_server):
    Item.objects.create(name="item")
    with urllib.request.urlopen(f"{live_server.url}/items/?using=replica", timeout=20) as response:
        assert json.load(response)["is_replica"] is False


@pytest.mark.harness_mirrors("replica")
@pytest.mark.django_db(databases=PAIR)
def test_a_replica_by_the_mark():
    Item.objects.create(name="item")
    assert (ON_REPLICA.count(), is_replica("replica")) == (0, True)


@pytest.mark.django_db(databases=PAIR, transaction=True)
@pytest.mark.parametrize("number", range(4))
def test_many(number):
    Item.objects.create(name=f"item {number}")
    assert ON_REPLICA.get().name == f"item {number}"
