"""Real pairs of MySQL and MariaDB: what is written on one is read on the other, and nothing else may write there."""

import contextlib
import io
import os
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import pymysql
import pytest
from docker import DockerClient
from docker.models.containers import Container
from pymysql import Connection

from harness.errors import ServerError
from harness.host.config.databases import DbSpec
from harness.host.config.load import load
from harness.host.docker import containers
from harness.host.engines import ENGINES
from harness.host.images import build_environment
from harness.host.images.builder import ImageBuilder
from harness.host.planning.plan import ServerPlan, make_plan
from harness.host.run.servers import Servers
from harness.protocol import naming
from harness.protocol.messages import Endpoint
from harness.protocol.topology import Alias, TestOptions, Topology
from tests.e2e.pairs import servers
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

USER = "We'b \\ User"
DEADLINE_S = 30.0
EVERY = [("mysql", "9.7"), ("mariadb", "11.8"), ("mariadb", "10.11")]
GTIDS = {"mysql": "@@global.gtid_executed", "mariadb": "@@global.gtid_binlog_pos"}
CLIENT = {"mysql": ("mysql",), "mariadb": ("mariadb", "--skip-ssl")}


def alias(name: str, host: str, mirror: str | None = None, user: str = USER) -> Alias:
    return Alias(
        name, "django.db.backends.mysql", "mysql", "shop", host, "", user, "test_shop", TestOptions(mirror=mirror)
    )


def pair_of(kind: str, version: str) -> ServerPlan:
    """A primary, and a replica of it that the settings name another user for."""
    topology = Topology((alias("default", "db1"), alias("replica", "db2", "default", "root")))
    return make_plan(topology, (DbSpec(kind, version),))


def image_of(client: DockerClient, kind: str, version: str, configured: str | None = None) -> str:
    with ImageBuilder(client, lambda title, line: None) as builder:
        return builder.server_image(ENGINES[kind], version, configured)


def session(endpoint: Endpoint, user: str = USER, password: str | None = None) -> contextlib.closing[Connection]:
    return contextlib.closing(
        pymysql.connect(
            host=endpoint.host, port=endpoint.port, user=user, password=password or endpoint.password, autocommit=True
        )
    )


def rows(connection: Connection, sql: str, *parameters: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall()


def ask(connection: Connection, sql: str) -> Any:
    return rows(connection, sql)[0][0]


def local(container: Container, kind: str, sql: str) -> str:
    """The result of *sql*, run by the server's own administrator."""
    words = [*CLIENT[kind][:1], "--no-defaults", *CLIENT[kind][1:], "--socket=/srv/harness/mysqld.sock"]
    for _ in range(3):
        status, output = executed(container, *words, "--user=root", "--batch", "--skip-column-names", "-e", sql)
        assert status == 0, output
        if output or not sql.startswith("SELECT"):
            break  # the engine has once lost the answer of a command that ended well, on a busy machine
    return output.decode().strip()


def executed(container: Container, *words: str, **environment: str) -> tuple[int | None, bytes]:
    """The exit status and the output of a command in the container."""
    result = container.exec_run(list(words), environment=environment)
    assert isinstance(result.output, bytes)
    return result.exit_code, result.output


class Pair(NamedTuple):
    """A primary and its replica that run, with a session on each."""

    kind: str
    writer: Connection
    reader: Connection
    servers: Servers
    run: str


@pytest.fixture(scope="module", params=EVERY, ids=[":".join(each) for each in EVERY])
def pair(client: DockerClient, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair for the tests that leave it as it is."""
    kind, version = request.param
    run = secrets.token_hex(4)
    image = image_of(client, kind, version)
    with (
        containers.network(client, run) as network,
        servers(client, pair_of(kind, version), run, network, image) as up,
    ):
        primary, replica = up.endpoints()
        with session(primary) as writer, session(replica) as reader:
            yield Pair(kind, writer, reader, up, run)


def catch_up(kind: str, writer: Connection, reader: Connection) -> None:
    written = ask(writer, f"SELECT {GTIDS[kind]}")
    wait_for(lambda: ask(reader, f"SELECT {GTIDS[kind]}") == written, "the replica has applied it")


def test_rows_of_the_primary_are_read_on_another_server(pair: Pair) -> None:
    kind, writer, reader, *_ = pair
    rows(writer, "CREATE DATABASE seen")
    try:
        rows(writer, "CREATE TABLE seen.t (n int PRIMARY KEY, word text)")
        rows(writer, "INSERT INTO seen.t VALUES (42, 'größe \U0001f600')")
        catch_up(kind, writer, reader)
        assert rows(reader, "SELECT n, word FROM seen.t") == ((42, "größe \U0001f600"),)
        assert ask(reader, "SELECT @@server_id") != ask(writer, "SELECT @@server_id")
        if kind == "mysql":
            assert ask(reader, "SELECT @@server_uuid") != ask(writer, "SELECT @@server_uuid")
    finally:
        rows(writer, "DROP DATABASE seen")


def test_no_user_of_the_settings_writes_on_a_replica(pair: Pair) -> None:
    _, _, reader, up, _ = pair
    replica = up.endpoints()[1]
    for user in (USER, "root"):
        with session(replica, user) as connection, pytest.raises(pymysql.err.MySQLError) as caught:
            rows(connection, "CREATE DATABASE refused")
        assert caught.value.args[0] == 1290, "the replica is read-only"
    assert ask(reader, "SELECT @@read_only") == 1


def test_users_have_every_privilege_on_the_primary(pair: Pair) -> None:
    kind, writer, *_ = pair
    rows(writer, "CREATE DATABASE made")
    rows(writer, "CREATE USER made@'%' IDENTIFIED BY 'x'")
    rows(writer, "GRANT SELECT ON made.* TO made@'%'")
    rows(writer, "CREATE TABLE made.t (n int)")
    # a function without a word on what it reads needs a setting of the server where there is a binary log
    rows(writer, "CREATE FUNCTION made.one() RETURNS int RETURN (SELECT count(*) FROM made.t)")
    rows(writer, "CREATE TRIGGER made.before_t BEFORE INSERT ON made.t FOR EACH ROW SET NEW.n = made.one()")
    rows(writer, "SET GLOBAL max_connections = @@global.max_connections")
    rows(writer, "DROP USER made@'%'")
    rows(writer, "DROP DATABASE made")
    catch_up(kind, writer, pair[2])


def test_time_zones_and_characters_are_as_in_the_official_images(pair: Pair) -> None:
    _, writer, reader, *_ = pair
    for connection in (writer, reader):
        assert str(ask(connection, "SELECT CONVERT_TZ('2020-07-01', 'UTC', 'Europe/Vienna')")) == "2020-07-01 02:00:00"
        assert ask(connection, "SELECT CONVERT_TZ('2020-07-01', 'UTC', 'US/Eastern')") is not None
        assert ask(connection, "SELECT @@character_set_server") == "utf8mb4"


def test_data_is_in_memory_and_the_logs_are_not(client: DockerClient, pair: Pair) -> None:
    kind, _, _, _, run = pair
    for server in ("default", "replica"):
        container = client.containers.get(f"harness-{run}-{server}")
        where = local(container, kind, "SELECT @@datadir")
        assert where == "/srv/harness/memory/data/"
        assert executed(container, "stat", "-f", "-c", "%T", where) == (0, b"tmpfs\n")
        assert executed(container, "stat", "-f", "-c", "%T", "/srv/harness/binlog")[1] != b"tmpfs\n"


def test_both_say_what_they_are(pair: Pair) -> None:
    kind, _, reader, up, _ = pair
    ready = up.ready()
    assert [(each.server, each.role, each.primary) for each in ready] == [
        ("default", "primary", None),
        ("replica", "replica", "default"),
    ]
    for each in ready:
        assert each.engine == kind
        assert ask(reader, "SELECT version()").startswith(each.version)
        assert len(each.version.split(".")) == 3
    assert up.failures() == {}


def test_a_wrong_password_is_refused(client: DockerClient, pair: Pair) -> None:
    kind, _, _, up, run = pair
    for endpoint in up.endpoints():
        container = client.containers.get(f"harness-{run}-{endpoint.server}")
        for user in (USER, "root", "harness_replication"):
            # PyMySQL alone could not say it: without the cryptography package it cannot send a wrong password at all
            words = [CLIENT[kind][0], "--no-defaults", *CLIENT[kind][1:], "--host=127.0.0.1", f"--user={user}"]
            words += ["--get-server-public-key"] if kind == "mysql" else []
            _, refused = executed(container, *words, "-e", "SELECT 1", MYSQL_PWD="wrong")
            assert b"Access denied for user" in refused


def test_the_password_is_in_no_log_and_in_no_process_list(client: DockerClient, pair: Pair) -> None:
    _, writer, _, up, run = pair
    password = up.endpoints()[0].password
    for entry in client.api.containers(filters={"label": f"{containers.RUN_LABEL}={run}"}):
        assert password.encode() not in client.api.logs(entry["Id"])
        assert password not in str(client.api.top(entry["Id"]))
    assert password not in str(rows(writer, "SHOW PROCESSLIST"))


def test_a_schema_is_dumped_for_any_name_and_without_noise(pair: Pair) -> None:
    _, writer, _, up, _ = pair
    name = "it's a=\"b\\-"
    rows(writer, f"CREATE DATABASE `{name}`")
    try:
        rows(writer, f"CREATE TABLE `{name}`.t (id int AUTO_INCREMENT PRIMARY KEY, kept int DEFAULT 7)")
        rows(writer, f"CREATE VIEW `{name}`.v AS SELECT kept FROM `{name}`.t")
        rows(writer, f"CREATE PROCEDURE `{name}`.p() SELECT 'a procedure'")
        before = up.dump_schema("default", name)
        rows(writer, f"INSERT INTO `{name}`.t VALUES (), (), ()")
        assert up.dump_schema("default", name) == before
        for word in ("CREATE TABLE `t`", "VIEW", "a procedure"):
            assert word in before
        with pytest.raises(ServerError, match="no such database"):
            up.dump_schema("default", "no such database")
    finally:
        rows(writer, f"DROP DATABASE `{name}`")


@pytest.mark.parametrize(("kind", "version"), EVERY[:2])
def test_a_pair_replicates_from_the_disk_too(
    client: DockerClient, run: str, network: str, kind: str, version: str
) -> None:
    image = image_of(client, kind, version)
    with (
        servers(client, pair_of(kind, version), run, network, image, on_disk=frozenset({kind})) as up,
        session(up.endpoints()[0]) as writer,
        session(up.endpoints()[1]) as reader,
    ):
        assert ask(writer, "SELECT @@datadir") == "/srv/harness/data/"
        rows(writer, "CREATE DATABASE seen")
        wait_for(lambda: rows(reader, "SHOW DATABASES LIKE 'seen'"), "the replica has the database")


def test_by_position_tables_without_transactions_are_taken(client: DockerClient, run: str, network: str) -> None:
    image, plan = image_of(client, "mysql", "9.7"), pair_of("mysql", "9.7")
    mixed = "INSERT INTO made.plain SELECT n FROM made.safe"
    tables = (
        "CREATE DATABASE made",
        "CREATE TABLE made.safe (n int) ENGINE=InnoDB",
        "CREATE TABLE made.plain (n int) ENGINE=MyISAM",
        "INSERT INTO made.safe VALUES (1)",
    )
    with (
        servers(client, plan, run, network, image, replication={"mysql": "position"}) as up,
        session(up.endpoints()[0]) as writer,
        session(up.endpoints()[1]) as reader,
    ):
        for statement in (*tables, "BEGIN", "INSERT INTO made.safe VALUES (2)", mixed, "COMMIT"):
            rows(writer, statement)
        there = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'made' AND table_name = 'plain'"
        wait_for(
            lambda: rows(reader, there) and ask(reader, "SELECT count(*) FROM made.plain") == 2, "the rows are there"
        )
        assert ask(reader, "SELECT @@gtid_mode") == "OFF"


@pytest.fixture(scope="module", params=EVERY[:2], ids=[":".join(each) for each in EVERY[:2]])
def alone(client: DockerClient, request: pytest.FixtureRequest) -> Iterator[tuple[str, Connection]]:
    """A primary without a replica, whose memory is smaller than by default: its run, and a session."""
    kind, version = request.param
    run = secrets.token_hex(4)
    plan = make_plan(Topology((alias("default", "db1"),)), (DbSpec(kind, version),))
    with (
        containers.network(client, run) as network,
        servers(client, plan, run, network, image_of(client, kind, version), sizes={kind: 384 << 20}) as up,
        session(up.endpoints()[0]) as writer,
    ):
        yield run, writer


@pytest.mark.parametrize("alone", [EVERY[0]], indirect=True, ids=["mysql"])
def test_by_gtid_tables_without_transactions_are_refused(alone: tuple[str, Connection]) -> None:
    _, writer = alone
    rows(writer, "CREATE DATABASE made")
    rows(writer, "CREATE TABLE made.safe (n int) ENGINE=InnoDB")
    rows(writer, "CREATE TABLE made.plain (n int) ENGINE=MyISAM")
    rows(writer, "BEGIN")
    rows(writer, "INSERT INTO made.safe VALUES (2)")
    with pytest.raises(pymysql.err.MySQLError) as caught:
        rows(writer, "INSERT INTO made.plain SELECT n FROM made.safe")
    rows(writer, "ROLLBACK")
    assert caught.value.args[0] == 1785


def test_the_memory_of_a_server_has_the_configured_size(client: DockerClient, alone: tuple[str, Connection]) -> None:
    run, _ = alone
    _, said = executed(client.containers.get(f"harness-{run}-default"), "df", "-m", "/srv/harness/memory")
    assert said.decode().splitlines()[1].split()[1] == "384"


@pytest.mark.parametrize(("kind", "version"), EVERY[:2])
def test_a_server_that_does_not_fit_into_memory_says_so(
    client: DockerClient, run: str, network: str, kind: str, version: str
) -> None:
    image = image_of(client, kind, version)
    up = servers(client, pair_of(kind, version), run, network, image, sizes={kind: 8 << 20})
    with pytest.raises(ServerError, match="ended with exit status 1") as caught, up:
        pass
    assert "does not fit into the memory" in caught.value.evidence
    assert f"memory_size and in_memory in [tool.harness.servers.{kind}]" in caught.value.hint
    assert client.api.containers(all=True, filters={"label": f"{containers.RUN_LABEL}={run}"}) == []


@pytest.mark.parametrize(("kind", "version"), EVERY[:2])
def test_a_server_ends_with_the_holder_of_its_input(client: DockerClient, kind: str, version: str) -> None:
    image = image_of(client, kind, version)
    words = ["docker", "run", "--rm", "-i", "-e", "HARNESS_ROLE=primary", "-e", "HARNESS_PASSWORD=x"]
    words += ["-e", "HARNESS_USERS=shop", "-e", "HARNESS_HELD=1", image]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as held:
        assert held.stdin
        assert held.stdout
        assert b"harness: ready\n" in iter(held.stdout.readline, b"")
        held.stdin.close()
        assert held.wait(DEADLINE_S) == 0


def test_a_server_that_dies_later_is_a_failure_with_its_log(client: DockerClient, run: str, network: str) -> None:
    image = image_of(client, "mariadb", "11.8")
    plan = make_plan(Topology((alias("default", "db1"),)), (DbSpec("mariadb"),))
    with servers(client, plan, run, network, image) as up, session(up.endpoints()[0]) as writer:
        with contextlib.suppress(pymysql.err.MySQLError):
            rows(writer, "SHUTDOWN")
        wait_for(lambda: up.failures(), "the server has ended")
        (failure,) = up.failures().values()
    assert "MariaDB 11.8" in failure.message
    assert "Shutdown complete" in failure.evidence


OFFICIAL_LAYOUT = """
FROM {image}
USER root
RUN rm -rf /srv/harness /opt/harness
RUN install -d -o mysql -g mysql /var/lib/mysql && mkdir -p /etc/mysql/conf.d
RUN printf '[mysqld]\\ndatadir=/var/lib/mysql\\nbind-address=127.0.0.1\\nport=3307\\nsql_mode=ANSI\\n' > {config}
VOLUME /var/lib/mysql
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["{server}"]
"""


@pytest.mark.parametrize(
    ("kind", "version", "config", "server"),
    [("mysql", "9.7", "/etc/my.cnf", "mysqld"), ("mariadb", "11.8", "/etc/mysql/conf.d/own.cnf", "mariadbd")],
)
def test_any_image_with_the_official_layout_is_seeded(
    client: DockerClient, run: str, network: str, kind: str, version: str, config: str, server: str
) -> None:
    """Root, a volume at the data directory, an entry point and a configuration of its own, which counts where ours is silent."""
    official = f"test-official-{kind}:{run}"
    dockerfile = OFFICIAL_LAYOUT.format(image=image_of(client, kind, version), config=config, server=server)
    client.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=official, rm=True)
    image = None
    try:
        image = image_of(client, kind, version, official)
        with (
            servers(client, pair_of(kind, version), run, network, image) as up,
            session(up.endpoints()[1]) as reader,
        ):
            assert "ANSI" in ask(reader, "SELECT @@global.sql_mode")
            assert ask(reader, "SELECT @@port") == 3306
        other = "9.6" if kind == "mysql" else "10.11"
        if other in ENGINES[kind].versions:
            with pytest.raises(ServerError, match="could not be built") as caught:
                image_of(client, kind, other, official)
            assert f"{ENGINES[kind].title} {other} is wanted, and the image has: " in caught.value.evidence
    finally:
        for tag in filter(None, (image, official)):
            client.images.remove(tag, force=True)


DRIVERS = """
import MySQLdb, pymysql
for host in ("default", "replica"):
    for driver in (MySQLdb, pymysql):
        with driver.connect(host=host, user={user!r}, password={password!r}) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT @@hostname")
            print(driver.__name__, *cursor.fetchone())
try:
    import cryptography
except ImportError:
    print("without cryptography")
"""


@pytest.fixture(scope="module")
def runners(client: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An image of the runner with both drivers for each Python."""
    folder = tmp_path_factory.mktemp("drivers")
    (folder / "requirements.txt").write_text("mysqlclient\nPyMySQL\n")
    configuration = load({"project": str(folder)}, os.environ, folder, need_settings=False)
    with ImageBuilder(client, lambda *_: None, lambda: build_environment.read(configuration, os.environ)) as builder:
        return {
            python: builder.project_image(builder.runner_image(python), folder) for python in ("3.11", "3.13", "3.14")
        }


def test_both_drivers_reach_both_servers_from_the_runner(
    client: DockerClient, pair: Pair, runners: dict[str, str]
) -> None:
    script = DRIVERS.format(user=USER, password=pair.servers.endpoints()[0].password)
    every = [f"{driver} {host}" for host in ("default", "replica") for driver in ("MySQLdb", "pymysql")]
    for python, image in runners.items():
        said = client.containers.run(image, ["python", "-c", script], network=naming.network(pair.run), remove=True)
        assert said.decode().split("\n") == [*every, "without cryptography", ""], python
