"""``harness up``, ``harness shell`` and ``harness down`` on real servers, and a run that uses them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.host.config.load import load
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.local import supervisor
from harness.host.local.binaries import Binaries
from harness.host.run import persistent_servers
from harness.host.run.platforms.keepers import keeper
from tests.e2e import command
from tests.e2e.test_bad_input import make_project
from tests.e2e.test_keepdb import CREATE, DATABASES, MIGRATION, MODELS, TESTS

pytestmark = pytest.mark.docker

ROWS = "from shop.models import Item; print('rows', Item.objects.using('{alias}').count())"
MANAGE = (
    "\nfrom django.core.management import execute_from_command_line\nimport sys\nexecute_from_command_line(sys.argv)\n"
)


class Shop:
    """A project with a mirror, and its commands."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.variables = variables
        self.folder = make_project(folder / "project")
        self.state = folder / "state"
        (self.folder / "shop" / "models.py").write_text(MODELS)
        (self.folder / "shop" / "migrations" / "0001_initial.py").write_text(
            MIGRATION.format(after="", operation=CREATE)
        )
        (self.folder / "shop" / "tests.py").write_text(TESTS)
        for name, text in {"settings.py": DATABASES, "manage.py": MANAGE}.items():
            with (self.folder / name).open("a") as file:
                file.write(text)

    def run(self, *args: str, stdin: str = "", **variables: str) -> command.Ended:
        env = command.environment(XDG_STATE_HOME=str(self.state), **self.variables, **variables)
        words = [sys.executable, "-m", "harness", *args, "--project", str(self.folder)]
        if "--" in args:
            place = args.index("--")
            words = [*words[:3], *args[:place], "--project", str(self.folder), *args[place:]]
        done = subprocess.run(
            words, cwd=command.ROOT, env=env, input=stdin, capture_output=True, text=True, timeout=300, check=False
        )
        return command.Ended(done.returncode, done.stdout, done.stderr, self.folder.parent / "artifacts")

    def up(self, *args: str) -> dict[str, Any]:
        """The ways to the databases, by alias."""
        ended = self.run("up", "--runner", "host", "--json", *args)
        assert ended.code == 0, ended.output
        return {each["alias"]: each for each in json.loads(ended.out)["aliases"]}

    def ci(self, *args: str) -> command.Ended:
        return self.run("ci", "--runner", "host", "--artifacts", str(self.folder.parent / "artifacts"), *args)

    def shell(self, *words: str, stdin: str = "", **variables: str) -> command.Ended:
        return self.run("shell", *(["--", *words] if words else []), stdin=stdin, **variables)

    def containers(self) -> dict[str, str]:
        """The ids of the servers that run, by their names."""
        client = connect()
        try:
            found = containers.persistent_servers(client, self.id)
            return {name: server.id for name, server in found.items()}
        finally:
            client.close()

    @property
    def id(self) -> str:
        return persistent_servers.up_run_id(load({"project": str(self.folder)}, {}, command.ROOT))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A project whose servers are up, with its tables."""
    shop = Shop(tmp_path_factory.mktemp("kept"))
    try:
        ended = shop.run("up", "--runner", "host", "--migrate")
        assert ended.code == 0, ended.output
        assert "replica of default" in ended.out
        yield shop
    finally:
        client = connect()
        containers.remove_run(client, shop.id)
        client.close()


def client_of(way: dict[str, Any], statement: str) -> subprocess.CompletedProcess[str]:
    """*statement* by the command line that was printed, without a terminal."""
    words = ["-i" if word == "-it" else word for word in way["client"]]
    return subprocess.run(words, input=statement, capture_output=True, text=True, timeout=60, check=False)


def test_up_finds_the_servers_that_are_up(kept: Shop) -> None:
    before = kept.containers()
    found = kept.up()
    assert set(before) == {"default", "replica"}
    assert kept.containers() == before
    assert found["default"]["port"] != found["replica"]["port"]
    exports = kept.run("up", "--runner", "host", "--env")
    assert exports.out.splitlines()[0] == f"export DATABASE_URL={found['default']['url']}"


def test_the_printed_clients_reach_primary_and_replica(kept: Shop) -> None:
    found = kept.up()
    assert "default" in found
    written = client_of(found["default"], "INSERT INTO shop_item (name) VALUES ('psql') RETURNING name;")
    assert "psql" in written.stdout, written.stderr
    assert "f" in client_of(found["default"], "SELECT pg_is_in_recovery();").stdout
    refused = client_of(found["replica"], "CREATE TABLE refused (i int);")
    assert "read-only transaction" in refused.stderr
    assert "shop_item" in kept.run("shell", "--sql", "replica", stdin="\\dt\n").out


def test_djangos_shell_has_the_kept_databases(kept: Shop) -> None:
    ended = kept.shell(stdin="from django.db import connections as c\nprint([c[a].settings_dict['NAME'] for a in c])\n")
    assert "['shop', 'shop']" in ended.out, ended.output
    refused = kept.shell(stdin="from shop.models import Item\nItem.objects.using('replica').create(name='x')\n")
    assert "read-only transaction" in refused.output


def test_a_command_ends_with_its_own_status(kept: Shop) -> None:
    words = (sys.executable, "manage.py", "migrate", "--check")
    assert kept.shell("sh", "-c", f"cd {kept.folder} && {' '.join(words)}").code == 0
    assert kept.shell("sh", "-c", "exit 7").code == 7
    missing = kept.shell("no-such-program")
    assert (missing.code, "no-such-program" in missing.err) == (2, True)


def test_a_database_url_works_with_dj_database_url(kept: Shop, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", packages, "dj-database-url"], check=True
    )
    (tmp_path / "by_url.py").write_text(
        "import dj_database_url\nINSTALLED_APPS = ['django.contrib.contenttypes']\nSECRET_KEY = 'x'\n"
        "DATABASES = {'default': dj_database_url.config()}\n"
    )
    env = command.environment(
        DATABASE_URL=kept.up()["default"]["url"],
        PYTHONPATH=f"{packages}{os.pathsep}{tmp_path}",
        DJANGO_SETTINGS_MODULE="by_url",
    )
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "contenttypes" in done.stdout


def test_a_run_uses_the_servers_and_leaves_the_rows(kept: Shop) -> None:
    before = kept.containers()
    assert kept.shell(stdin="from shop.models import Item\nItem.objects.create(name='mine')\n").code == 0
    rows = kept.shell(stdin=ROWS.format(alias="default") + "\n").out.split("rows ")[1]
    ended = kept.ci()
    assert ended.code == 0, ended.output
    assert "This run uses the servers of harness up." in ended.out
    assert ended.summary["counts"]["passed"] == 4
    assert kept.containers() == before
    assert kept.shell(stdin=ROWS.format(alias="replica") + "\n").out.split("rows ")[1] == rows


def test_a_run_that_does_not_fit_has_servers_of_its_own(kept: Shop) -> None:
    before = kept.containers()
    ended = kept.ci("--db", "sqlite", "shop.tests.ShopTests")
    assert ended.code == 0, ended.output
    assert "made without --db, this run has --db sqlite" in " ".join(ended.out.split())
    with persistent_servers.held(kept.id):
        busy = kept.ci("--db", "sqlite", "shop.tests.ShopTests")
        assert busy.code == 0, busy.output
        ended = kept.run("down")
        assert (ended.code, "uses its kept servers" in ended.err) == (2, True)
    assert kept.containers() == before


def test_up_refuses_other_servers_in_place_of_these(kept: Shop) -> None:
    before = kept.containers()
    other = kept.run("up", "--runner", "host", "--db", "mariadb")
    assert (other.code, "harness down" in other.err) == (2, True), other.output
    settings = kept.folder / "settings.py"
    text = settings.read_text()
    settings.write_text(f'{text}\nDATABASES["more"] = {{**DATABASES["default"], "HOST": "third", "NAME": "more"}}\n')
    try:
        changed = kept.run("up", "--runner", "host")
        run = kept.ci("shop.tests.ShopTests")
    finally:
        settings.write_text(text)
    for ended in (changed, run):
        assert (ended.code, "do not fit" in ended.output, "harness down" in ended.output) == (2, True, True), (
            ended.output
        )
    assert kept.containers() == before


def test_no_report_has_the_password(kept: Shop) -> None:
    password = kept.up()["default"]["password"]
    assert kept.ci("shop.tests.ShopTests").code == 0
    files = [*(kept.folder.parent / "artifacts").rglob("*"), *kept.state.rglob("*")]
    assert not [path for path in files if path.is_file() and password.encode() in path.read_bytes()]


def test_doctor_lists_what_is_kept(kept: Shop) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "harness", "doctor"],
        env=command.environment(XDG_STATE_HOME=str(kept.state)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (line,) = [line for line in found.stdout.splitlines() if "Kept servers" in line]
    assert str(kept.folder) in line
    assert "replica (PostgreSQL" in line
    assert ", containers" in line


class TestEnd:
    """Runs after the tests above: the servers end here."""

    def test_a_killed_server_is_named_and_replaced(self, kept: Shop) -> None:
        before = kept.containers()
        client = connect()
        client.api.kill(before["replica"])
        client.close()
        ended = kept.shell("true")
        assert (ended.code, "replica" in ended.err, "harness up" in ended.err) == (3, True, True)
        run = kept.ci("--db", "sqlite", "shop.tests.ShopTests")
        assert "replica ended" in run.out
        again = kept.run("up", "--runner", "host")
        assert again.code == 0, again.output
        assert "All servers start anew" in again.err
        assert set(kept.containers()) == {"default", "replica"}
        assert not set(kept.containers().values()) & set(before.values())

    def test_down_ends_them_and_nothing_is_left(self, kept: Shop) -> None:
        ended = kept.run("down")
        assert (ended.code, ended.out) == (0, "ended: default, replica, of harness up\n")
        assert kept.containers() == {}
        assert list(kept.state.rglob("*.json")) == []
        again = kept.run("down")
        assert (again.code, again.out) == (0, f"No servers are kept for {kept.folder}.\n")
        assert (kept.shell("true").code, kept.ci("shop.tests.ShopTests").code) == (2, 0)


def test_mariadb_has_a_client_and_a_read_only_replica(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    try:
        found = shop.up("--db", "mariadb")
        assert found["default"]["engine"] == "mariadb"
        made = client_of(found["default"], "CREATE TABLE t (i int); INSERT INTO t VALUES (41); SELECT i + 1 FROM t;")
        assert "42" in made.stdout, made.stderr
        assert "read-only" in client_of(found["replica"], "CREATE TABLE refused (i int);").stderr
        assert shop.run("down").code == 0
    finally:
        client = connect()
        containers.remove_run(client, shop.id)
        client.close()


def test_local_servers_are_kept_in_the_same_way(
    tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")  # fetched once for all tests
    shop = Shop(tmp_path, HARNESS_CACHE=str(local_cache), HARNESS_SERVERS="local")
    try:
        ended = shop.run("up", "--migrate", "--json")
        assert ended.code == 0, ended.output
        found = {each["alias"]: each for each in json.loads(ended.out)["aliases"]}
        assert found["default"]["host"].startswith("127.")
        assert shop.shell(stdin="from shop.models import Item\nItem.objects.create(name='x')\n").code == 0
        assert "1" in client_of(found["default"], "SELECT count(*) FROM shop_item;").stdout
        assert "read-only" in client_of(found["replica"], "CREATE TABLE refused (i int);").stderr
        run = shop.ci()
        assert (run.code, "uses the servers of harness up" in run.out) == (0, True), run.output
        with keeper("local") as servers:
            (folder,) = [Path(each.id) for name, each in servers.persistent(shop.id).items() if name == "replica"]
        os.kill(int((folder / supervisor.LOCK).read_text()), signal.SIGKILL)
        gone = shop.shell("true")
        assert (gone.code, "replica" in gone.err) == (3, True), gone.output
        again = shop.run("up")
        assert (again.code, "start anew" in again.err) == (0, True), again.output
        assert shop.run("down").out == "ended: default, replica, of harness up\n"
        with keeper("local") as servers:
            assert servers.persistent(shop.id) == {}
        assert not folder.exists()
    finally:
        with keeper("local") as servers:
            servers.remove(shop.id)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    several = shop.run("up", "--db", "postgres", "--db", "mariadb")
    assert (several.code, "harness up --db postgres" in several.err) == (2, True)
    none = shop.run("up", "--db", "sqlite", "--runner", "host")
    assert (none.code, "needs a server" in none.err) == (2, True)
    without = shop.shell()
    assert (without.code, "harness up starts them" in without.err) == (2, True)
