"""Migrated seeds by the real command: a first run caches its databases, a second one starts from them, and no doubt is cached."""

import contextlib
import os
import secrets
import signal
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from harness.host.docker.client import connect
from harness.host.docker.containers import RUN_LABEL
from harness.host.docker.seeds.volumes import SEED_LABEL
from harness.host.saving.commands import cache_name
from harness.host.seeds.store import Store, content
from harness.protocol import naming
from tests.e2e.command import Ended, command, environment, harness, runs_of, stays
from tests.e2e.tls_engine import tls_engine

pytestmark = pytest.mark.docker

FILES = {
    "manage.py": """
        import os, sys
        from django.core.management import execute_from_command_line
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
        execute_from_command_line(sys.argv)
    """,
    "settings.py": """
        import os
        SECRET_KEY = "x"
        USE_TZ = True
        INSTALLED_APPS = ["shop"]
        ENGINE = "django.db.backends." + os.environ.get("SHOP_ENGINE", "postgresql")
        DATABASES = {"default": {"ENGINE": ENGINE, "NAME": "shop", "USER": os.environ["SHOP_USER"], "HOST": "db1"}}
        if "replica" in os.environ.get("SHOP_ALIASES", ""):
            DATABASES["replica"] = {**DATABASES["default"], "HOST": "db2", "TEST": {"MIRROR": "default"}}
        if "other" in os.environ.get("SHOP_ALIASES", ""):
            DATABASES["other"] = {**DATABASES["default"], "HOST": "db3", "NAME": "other"}
        if "mysql" in ENGINE:
            import pymysql
            pymysql.version_info = (2, 2, 1, "final", 0)
            pymysql.install_as_MySQLdb()
    """,
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.db import models

        class Item(models.Model):
            name = models.CharField(max_length=30)
            price = models.IntegerField(default=0)
    """,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
        from django.db import migrations, models

        def fill(apps, editor):
            apps.get_model("shop", "Item").objects.using(editor.connection.alias).create(name="of a migration")

        class Migration(migrations.Migration):
            initial = True
            dependencies = []
            operations = [
                migrations.CreateModel("Item", [
                    ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                    ("name", models.CharField(max_length=30)),
                    ("price", models.IntegerField(default=0)),
                ]),
                migrations.RunPython(fill),
            ]
    """,
    "shop/tests.py": """
        import os
        from pathlib import Path
        from django.conf import settings
        from django.db import connection, connections
        from django.test import TestCase, TransactionTestCase
        from .models import Item

        class FirstTests(TestCase):
            databases = "__all__"

            def test_rows_of_the_migrations(self):
                names = sorted(Item.objects.values_list("name", flat=True))
                self.assertEqual(names, os.environ.get("SHOP_ROWS", "of a migration").split(","))
                Item.objects.create(name="of a test")
                if "SHOP_PASSWORD" in os.environ:
                    Path(os.environ["SHOP_PASSWORD"]).write_text(settings.DATABASES["default"]["PASSWORD"])

        class SecondTests(TestCase):
            databases = "__all__"

            def test_aliases(self):
                self.assertEqual(sorted(connections), sorted(settings.DATABASES))

        if "SHOP_ROLE" in os.environ:
            class RoleTests(TransactionTestCase):
                def test_role(self):
                    with connection.cursor() as cursor:
                        cursor.execute("CREATE ROLE of_a_test")
    """,
}
SECOND = """
    from django.db import migrations

    def fill(apps, editor):
        apps.get_model("shop", "Item").objects.using(editor.connection.alias).create(name="second")

    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [migrations.RunPython(fill)]
"""


class Project:
    """A project with a cache of its own."""

    def __init__(self, folder: Path, servers: str = "docker", prefix: tuple[str, ...] = ()) -> None:
        self.servers, self.prefix = servers, prefix
        self.folder, self.cache = folder / "shop", folder / "cache"
        self.cached = ""
        self.user = f"user-{secrets.token_hex(4)}"
        for name, text in FILES.items():
            self.write(name, text)

    @property
    def seeds(self) -> Path:
        return self.cache / "databases"

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())

    def environment(self, **changes: str | None) -> dict[str, str]:
        return environment(
            **{"HARNESS_CACHE": str(self.cache), "HARNESS_NO_CACHE": None, "SHOP_USER": self.user, **changes}
        )

    def start(self, *args: str, **changes: str | None) -> Ended:
        """A run that succeeds."""
        flags = ("--runner", "host", "--parallel", "2", "--servers", self.servers)
        artifacts = self.folder.parent / "artifacts"
        env = self.environment(**changes)
        ended = harness(*flags, *args, artifacts=artifacts, cwd=self.folder, env=env, prefix=self.prefix)
        assert ended.code == 0, ended.output
        return ended

    def run(self, *args: str, **changes: str | None) -> tuple[str, str]:
        """How the cache was used, and why, by a run that succeeds and whose databases are saved then."""
        found = self.start(*args, **changes).summary["cache"]
        self.cached = self.wait()
        return found["state"], found["reason"]

    def wait(self, *args: str) -> str:
        ended = command("cache", *(args or ("--wait",)), artifacts=self.folder, env=self.environment())
        assert ended.code == 0, ended.output
        return ended.out

    def stored(self) -> list[bytes]:
        """The content of each seed."""
        return [b"".join(content(seed)) for seed in Store(self.seeds, 0).all()]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.wait("--clear")
    assert not stays(lambda: runs_of(made.user), (), patience_s=30)
    with contextlib.closing(connect()) as client:
        assert not client.api.volumes(filters={"label": f"{SEED_LABEL}={cache_name(made.seeds)}"})["Volumes"]


@pytest.mark.parametrize("db", ["postgres", "mysql", "mariadb"])
def test_the_second_run_makes_no_database(project: Project, tmp_path: Path, db: str) -> None:
    password = tmp_path / "password"
    options = {"SHOP_ENGINE": "postgresql" if db == "postgres" else "mysql", "SHOP_ALIASES": "replica"}
    args = ("--db", db)
    assert project.run(*args, **options, SHOP_PASSWORD=str(password)) == ("miss", "no databases are cached yet")
    (stored,) = project.stored()
    assert password.read_text()
    assert password.read_bytes() not in stored
    assert "clones for 2 workers" in project.wait()

    ended = project.start(*args, **options)
    assert ended.summary["cache"] == {"state": "hit", "reason": ""}
    journal = (ended.artifacts / "journal.ndjson").read_text()
    assert "migration shop.0001_initial" not in journal
    assert ended.summary["counts"]["passed"] == 2
    assert [server["role"] for server in ended.summary["servers"]] == ["primary", "replica"]
    # its own, used clones are nobody's; those of the seed are older than the clones of the third worker
    assert project.run(*args, "--parallel", "3", **options)[0] == "hit"
    assert "clones for 3 workers" in project.wait()


def test_new_and_edited_migrations(project: Project) -> None:
    assert project.run()[0] == "miss"
    project.write("shop/migrations/0002_second.py", SECOND)
    rows = "of a migration,second"
    assert project.run(SHOP_ROWS=rows) == ("near", "new: shop.0002_second")
    project.write("shop/migrations/0001_initial.py", FILES["shop/migrations/0001_initial.py"] + "\n        # edited\n")
    assert project.run(SHOP_ROWS=rows) == ("miss", "shop.0001_initial has changed")
    assert project.run(SHOP_ROWS=rows)[0] == "hit"


def test_a_remembered_topology_that_has_changed(project: Project) -> None:
    """Each run has other aliases than the one before, by a variable that no file shows. A role keeps the databases out of the
    cache, so all servers start from nothing: only those are made that differ from the guess.
    """
    for aliases, made in (
        ("", ["default"]),
        ("other", ["default", "other"]),
        ("other", ["default", "other"]),
        ("replica,other", ["default", "other", "replica"]),
        ("replica", ["default", "other", "replica"]),
    ):
        with servers_made(project.user) as found:
            ended = project.start(SHOP_ALIASES=aliases, SHOP_ROLE="1")
            project.wait()
        wanted = sorted({"default", *filter(None, aliases.split(","))})
        assert [server["id"] for server in ended.summary["servers"]] == wanted
        # on a busy machine a guess is given up before its container starts
        assert found in (made, wanted)


def test_a_remembered_seed_of_another_topology(project: Project) -> None:
    """The seed of the guess is not that of the run: the server that was started on it starts again."""
    assert project.run()[0] == "miss"
    with servers_made(project.user) as found:
        ended = project.start(SHOP_ALIASES="replica")
        project.wait()
    assert ended.summary["cache"]["state"] == "miss"
    assert [server["role"] for server in ended.summary["servers"]] == ["primary", "replica"]
    # on a busy machine the guess is given up before its container starts
    assert found in (["default", "default", "replica"], ["default", "replica"])
    ended = project.start(SHOP_ENGINE="mysql")
    assert [server["engine"] for server in ended.summary["servers"]] == ["mysql"]


@contextlib.contextmanager
def servers_made(user: str) -> Iterator[list[str]]:
    """The name of each server whose container is started for *user* during the block."""
    found: list[str] = []
    seen: list[dict[str, Any]] = []
    with contextlib.closing(connect()) as client:
        events: Any = client.api.events(
            filters={"type": "container", "event": "start", "label": RUN_LABEL}, decode=True
        )

        def follow() -> None:
            with contextlib.suppress(Exception):  # the stream is closed
                for event in events:
                    with contextlib.suppress(docker.errors.NotFound):
                        seen.append(client.api.inspect_container(event["Actor"]["ID"])["Config"])

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            events.close()
            thread.join(10)
    runs = {each["Labels"][RUN_LABEL] for each in seen if f"HARNESS_USERS={user}" in each["Env"]}
    found += sorted(each["Hostname"] for each in seen if each["Labels"][RUN_LABEL] in runs)


class TestNoDoubtIsCached:
    def test_a_torn_file_and_a_torn_volume(self, project: Project) -> None:
        assert project.run()[0] == "miss"
        (seed,) = Store(project.seeds, 0).all()
        with contextlib.closing(connect()) as client:
            name = naming.seed_volume(seed.digest)
            client.api.remove_volume(name)
            client.api.create_volume(
                name, labels={SEED_LABEL: cache_name(project.seeds)}
            )  # as a killed filler leaves it
        ended = project.start()
        assert ended.summary["cache"]["state"] == "miss"
        assert "The cached databases are made anew" in ended.output
        project.wait()
        (path,) = project.seeds.glob("*.seed")
        whole = path.read_bytes()
        path.write_bytes(whole[:-1000])
        assert project.run()[0] == "miss"

    def test_a_role_that_a_test_has_made(self, project: Project) -> None:
        project.run(SHOP_ROLE="1")
        assert project.stored() == []
        assert "of_a_test" in project.wait()

    @pytest.mark.parametrize("has_tls", [False, True], ids=["socket", "tls"])
    def test_a_saver_that_was_killed(self, project: Project, tmp_path: Path, has_tls: bool) -> None:
        """Then the run is as if it had not been; also where the lease that the saver holds is a connection with TLS."""
        with contextlib.ExitStack() as running:
            self.kill(project, running.enter_context(tls_engine(tmp_path / "tls")) if has_tls else {})

    def kill(self, project: Project, engine: dict[str, str | None]) -> None:
        project.start(**engine)
        killed = [int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and is_saver(pid, project.seeds)]  # noqa: PTH208 - names
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert killed
        assert not stays(lambda: runs_of(project.user), (), patience_s=30)
        assert project.stored() == []
        assert project.run(**engine)[0] == "miss"
        assert len(project.stored()) == 1
        if engine:
            assert project.run(**engine)[0] == "hit"

    def test_without_the_cache_nothing_is_written(self, project: Project) -> None:
        ended = project.start("--no-cache")
        assert ended.summary["cache"] is None
        assert not project.seeds.exists()


def is_saver(pid: str, folder: Path) -> bool:
    """Whether a process saves for the cache in *folder*."""
    with contextlib.suppress(OSError):
        return str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
