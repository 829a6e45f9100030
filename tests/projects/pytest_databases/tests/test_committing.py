"""Tests that commit: a mirror is connected to its real replica, and a read waits for what was committed."""

import json
import os
import subprocess
import sys
import threading
import urllib.request

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import TransactionTestCase

from shop.models import Item

both = pytest.mark.django_db(transaction=True, databases=["default", "replica"])


def names(alias="default"):
    return list(Item.objects.using(alias).order_by("pk").values_list("name", flat=True))


@both
@pytest.mark.parametrize("number", range(5))
def test_a_read_waits(real, on_replica, number):
    Item.objects.create(name=f"committed {number}")
    assert f"committed {number}" in names("replica")
    assert on_replica("replica")
    assert not on_replica("default")


def test_flushed(transactional_db):
    assert not Item.objects.filter(name__startswith="committed").exists()


@both
def test_the_replica_refuses_writes(real):
    with pytest.raises(DatabaseError, match="(?i)read.?only"):
        Item.objects.using("replica").create(name="refused")


@pytest.mark.django_db(transaction=True, databases=["default", "close"])
def test_a_mirror_on_the_server_of_its_primary(real, session_of):
    """It has a session of its own, which cannot write."""
    assert session_of("close") != session_of("default")
    with transaction.atomic():
        Item.objects.create(name="not yet")
        assert "not yet" not in names("close")
    assert "not yet" in names("close")
    with pytest.raises(DatabaseError, match="(?i)read.?only"):
        Item.objects.using("close").create(name="refused")


@both
def test_uncommitted_rows_are_not_seen(real):
    with transaction.atomic():
        Item.objects.create(name="not yet")
        assert "not yet" not in names("replica")
    assert "not yet" in names("replica")


@both
def test_live_server(real, live_server):
    """The thread of the server reads from the replica too, and waits."""
    for number in range(3):
        Item.objects.create(name=f"served {number}")
        with urllib.request.urlopen(f"{live_server.url}/replica/") as answer:
            assert f"served {number}" in json.loads(answer.read())["names"]


def test_live_server_alone(live_server):
    Item.objects.create(name="served")
    with urllib.request.urlopen(f"{live_server.url}/default/") as answer:
        assert json.loads(answer.read())["names"][-1] == "served"


@both
def test_threads_wait(real):
    found = []

    def read():
        found.append(names("replica"))
        connections.close_all()

    Item.objects.create(name="for a thread")
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert "for a thread" in found[0]


@pytest.mark.asyncio
@both
async def test_asynchronous(real):
    await Item.objects.acreate(name="asynchronous")
    assert await Item.objects.using("replica").filter(name="asynchronous").acount() == 1


@both
def test_numbers_of_queries(real, django_assert_num_queries):
    Item.objects.create(name="counted")
    with django_assert_num_queries(1, connection=connections["replica"]):
        names("replica")


@both
@pytest.mark.harness_mirrors("primary")
def test_the_mark_asks_for_the_primary(on_replica):
    assert not on_replica("replica")
    with transaction.atomic():
        Item.objects.create(name="not yet")
        assert "not yet" in names("replica")


@pytest.mark.django_db(transaction=True, databases=["default", "other", "near"])
def test_several_aliases():
    for alias in ("default", "other", "near"):
        Item.objects.using(alias).create(name=f"on {alias}")
        assert f"on {alias}" in names(alias)


@pytest.mark.django_db(transaction=True, databases=["default", "other", "near"])
def test_several_aliases_were_flushed():
    assert not [alias for alias in ("default", "other", "near") if f"on {alias}" in names(alias)]


@pytest.mark.parametrize("number", range(2))
def test_sequences(django_db_reset_sequences, number):
    Item.objects.all().delete()
    assert Item.objects.create(name="first").pk == (1 if number else Item.objects.get().pk)


@pytest.mark.parametrize("number", range(2))
def test_serialized_rollback(transactional_db, django_db_serialized_rollback, number):
    assert "of the migration" in names()
    Item.objects.all().delete()


@pytest.mark.django_db(transaction=True, available_apps=["shop"])
def test_available_apps():
    Item.objects.create(name="one")


@pytest.mark.parametrize("number", range(2))
def test_a_command_sees_the_clone(transactional_db, number, real):
    Item.objects.create(name="for a command")
    script = (
        "import django, os; django.setup()\n"
        "from django.conf import settings\n"
        "from shop.models import Item\n"
        "print(settings.WORKER, list(Item.objects.values_list('name', flat=True)))\n"
        "Item.objects.create(name='of a command')\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == os.environ["PYTEST_XDIST_WORKER"]
    assert "for a command" in done.stdout
    assert "of a command" in names()


class OfUnittest(TransactionTestCase):
    databases = {"default", "replica"}

    def test_the_replica(self):
        Item.objects.create(name="committed")
        assert names("replica")[-1] == "committed"
        if connection.vendor != "sqlite":
            with pytest.raises(DatabaseError, match="(?i)read.?only"):
                Item.objects.using("replica").create(name="refused")


def test_fails_after_a_commit(transactional_db):
    """Fails: the row does not stay."""
    Item.objects.create(name="left by a failure")
    assert 0


def test_after_the_failure(transactional_db):
    assert "left by a failure" not in names()
