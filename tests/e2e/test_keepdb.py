"""``--keepdb``: servers and templates outlive the run, clones never go stale, and a run without it ends them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.config.load import load
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.run import persistent_servers
from tests.e2e import command
from tests.e2e.test_bad_input import project  # noqa: F401 - a fixture
from tests.waiting import wait_for_text

pytestmark = pytest.mark.docker

MODELS = "from django.db import models\n\n\nclass Item(models.Model):\n    name = models.CharField(max_length=20)\n"
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{after}]
    operations = [{operation}]
"""
CREATE = (
    'migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True)),'
    ' ("name", models.CharField(max_length=20))])'
)
TESTS = """
from django.db import connection, connections
from django.test import TestCase, TransactionTestCase
from shop.models import Item


class ShopTests(TestCase):
    def test_it(self):
        self.assertEqual(Item.objects.count(), 0)
        Item.objects.create(name="x")


class UncommittedTests(TestCase):
    databases = {"default", "replica"}
    harness_mirrors = "replica"

    def test_the_real_replica_shows_what_is_committed(self):
        Item.objects.create(name="x")
        self.assertEqual(Item.objects.using("replica").count(), 0)

    def test_and_again(self):
        self.assertEqual(Item.objects.using("replica").count(), 0)


class CommittingTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_it(self):
        Item.objects.create(name="x")
        self.assertEqual(Item.objects.using("replica").count(), 1)
"""
DATABASES = """
DATABASES["replica"] = {**DATABASES["default"], "HOST": "elsewhere", "TEST": {"MIRROR": "default"}}
"""


def kept_ids(shop: Path) -> set[str]:
    """The servers that are kept for *shop*, whatever else is running on this engine."""
    config = load({"project": str(shop), "runner": "host"}, {}, command.ROOT)
    client = connect()
    try:
        return {
            server.id for server in containers.persistent_servers(client, persistent_servers.run_id(config)).values()
        }
    finally:
        client.close()


@pytest.fixture
def shop(project: Path) -> Iterator[Path]:  # noqa: F811 - the fixture
    """A project with a model, a mirror, and tests that use both."""
    (project / "shop" / "models.py").write_text(MODELS)
    (project / "shop" / "migrations" / "0001_initial.py").write_text(MIGRATION.format(after="", operation=CREATE))
    (project / "shop" / "tests.py").write_text(TESTS)
    with (project / "settings.py").open("a") as file:
        file.write(DATABASES)
    yield project
    # without --keepdb they end, however the test ended
    command.harness("--project", str(project), "--runner", "host", "-k", "no such test", artifacts=project / "last")


def run(shop: Path, name: str, *args: str) -> command.Ended:
    return command.harness("--project", str(shop), "--runner", "host", *args, artifacts=shop.parent / name)


def test_kept_servers_get_new_clones_and_end_with_a_plain_run(shop: Path) -> None:
    first = run(shop, "first", "--keepdb")
    assert first.code == 0, first.output
    servers = kept_ids(shop)
    assert len(servers) == 2

    add = 'migrations.AddField("Item", "price", models.IntegerField(default=3))'
    (shop / "shop" / "migrations" / "0002_price.py").write_text(
        MIGRATION.format(after='("shop", "0001_initial")', operation=add)
    )
    (shop / "shop" / "models.py").write_text(f"{MODELS}    price = models.IntegerField(default=3)\n")
    second = run(shop, "second", "--keepdb")
    assert second.code == 0, second.output
    assert second.summary["counts"]["passed"] == 4
    assert kept_ids(shop) == servers

    third = run(shop, "third")
    assert third.code == 0, third.output
    assert kept_ids(shop) == set()


def test_two_runs_do_not_share_kept_servers(shop: Path) -> None:
    (shop / "shop" / "tests.py").write_text(
        "import time\nfrom django.test import TestCase\n\n\n"
        "class T(TestCase):\n    def test_it(self):\n        time.sleep(6)\n"
    )
    artifacts = shop.parent / "first"
    first = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "harness",
            "ci",
            "--project",
            shop,
            "--runner",
            "host",
            "--keepdb",
            "--artifacts",
            artifacts,
        ],
        cwd=command.ROOT,
        env=command.environment(),
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_text(artifacts / "journal.ndjson", '"AttemptStarted"')
        second = run(shop, "second", "--keepdb")
        assert second.code == 2
        assert "--keepdb" in second.output
        assert first.wait(60) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            first.kill()
        first.wait()
