"""The alias ``replica`` mirrors ``default``.

Where a test rolls back, it reads as its primary, and a write through it fails. Where a test commits, it is a real replica, and
a read waits until the replica has what the test committed.
"""

import urllib.request

import pytest
from django.db import DatabaseError, connections, transaction

from shop.models import Product

pytestmark = pytest.mark.topology

both = pytest.mark.django_db(databases=["default", "replica"])
both_committing = pytest.mark.django_db(databases=["default", "replica"], transaction=True)


@pytest.fixture
def server():
    """The vendor of a real server; SQLite has no replica."""
    vendor = connections["replica"].vendor
    if vendor == "sqlite":
        pytest.skip("SQLite has no replica")
    return vendor


@both
def test_uncommitted_rows_are_seen():
    Product.objects.create(name="uncommitted", price=1)
    assert Product.objects.using("replica").filter(name="uncommitted").count() == 1


@both
def test_writes_are_refused_and_undo_nothing():
    Product.objects.create(name="before", price=1)
    with pytest.raises(DatabaseError), transaction.atomic(using="replica"):
        Product.objects.using("replica").create(name="through the mirror", price=1)
    assert Product.objects.using("replica").filter(name="before").count() == 1
    assert not Product.objects.filter(name="through the mirror").exists()


@pytest.mark.django_db
def test_the_mirror_has_to_be_asked_for():
    with pytest.raises(AssertionError, match="not allowed"):
        Product.objects.using("replica").count()


@both
def test_the_catalogue_is_there():
    assert Product.objects.using("replica").filter(name="tea").count() == 1


@both_committing
def test_is_a_real_replica(server):
    if server == "postgresql":
        assert row("replica", "SELECT pg_is_in_recovery()") == (True,)
        assert row("default", "SELECT pg_is_in_recovery()") == (False,)
    else:
        assert row("replica", "SELECT @@global.read_only + 0") == (1,)
        assert row("default", "SELECT @@global.read_only + 0") == (0,)


@both_committing
@pytest.mark.parametrize("number", range(5))
def test_reads_wait_for_the_commit(server, number):
    Product.objects.create(name=f"committed {number}", price=1)
    assert Product.objects.using("replica").filter(name=f"committed {number}").count() == 1
    Product.objects.filter(name=f"committed {number}").delete()
    assert not Product.objects.using("replica").filter(name=f"committed {number}").exists()


@both_committing
def test_uncommitted_rows_are_not_seen(server):
    with transaction.atomic():
        Product.objects.create(name="not yet", price=1)
        assert not Product.objects.using("replica").filter(name="not yet").exists()
    assert Product.objects.using("replica").filter(name="not yet").exists()


@both_committing
def test_the_replica_refuses_writes(server):
    with pytest.raises(DatabaseError):
        Product.objects.using("replica").create(name="through the replica", price=1)
    assert not Product.objects.filter(name="through the replica").exists()


@both_committing
def test_live_server_reads_from_the_replica(server, live_server):
    Product.objects.create(name="seen by the server", price=1)
    with urllib.request.urlopen(f"{live_server.url}/replica/") as answer:
        assert b"seen by the server" in answer.read()


@both
def test_client_reads_as_from_the_primary(client):
    Product.objects.create(name="uncommitted", price=1)
    assert "uncommitted" in client.get("/replica/").json()["names"]


def row(alias, sql):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()
