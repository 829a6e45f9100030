"""Real servers: a pair that streams, what is left of it afterwards, and what is said of one that dies."""

import io
import os
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from docker import DockerClient
from psycopg import Connection

from harness.errors import ExitCode, ServerError
from harness.host.config.databases import DbSpec
from harness.host.docker import containers
from harness.host.docker.server import MEMORY_FOLDER
from harness.host.engines.postgres import POSTGRES
from harness.host.images.builder import ImageBuilder
from harness.host.planning.plan import make_plan
from harness.host.run.servers import Servers
from harness.protocol.messages import Endpoint
from harness.protocol.topology import Alias, TestOptions, Topology
from tests.e2e.pairs import servers
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

PG = "django.db.backends.postgresql"
USER = 'We"b User'


def alias(name: str, host: str, mirror: str | None = None) -> Alias:
    return Alias(name, PG, "postgresql", "shop", host, "", USER, "test_shop", TestOptions(mirror=mirror))


PAIR = make_plan(Topology((alias("default", "db1"), alias("replica", "db2", "default"))))
ALONE = make_plan(Topology((alias("default", "db1"),)))


@pytest.fixture(scope="module")
def image(client: DockerClient) -> str:
    with ImageBuilder(client, lambda title, line: None) as builder:
        return builder.server_image(POSTGRES, POSTGRES.default_version)


def session(endpoint: Endpoint, database: str = "postgres") -> Connection[Any]:
    return psycopg.connect(
        host=endpoint.host,
        port=endpoint.port,
        user=USER,
        password=endpoint.password,
        dbname=database,
        autocommit=True,
    )


def ask(connection: Connection[Any], sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    assert row
    return row[0]


def ours(client: DockerClient, run: str) -> list[Any]:
    chosen = {"label": f"{containers.RUN_LABEL}={run}"}
    return [*client.api.containers(all=True, filters=chosen), *client.api.networks(filters=chosen)]


class Pair(NamedTuple):
    """A primary and its replica that run, with a session on each."""

    writer: Connection[Any]
    reader: Connection[Any]
    servers: Servers
    run: str


@pytest.fixture(scope="module")
def pair(client: DockerClient, image: str) -> Iterator[Pair]:
    """A pair for the tests that leave it as it is."""
    run = secrets.token_hex(4)
    with containers.network(client, run) as network, servers(client, PAIR, run, network, image) as up:
        primary, replica = up.endpoints()
        with session(primary) as writer, session(replica) as reader:
            yield Pair(writer, reader, up, run)


def test_rows_of_the_primary_are_read_on_another_server(pair: Pair) -> None:
    writer, reader, *_ = pair
    writer.execute("CREATE TABLE seen (n int)")
    writer.execute("INSERT INTO seen VALUES (42)")
    written = ask(writer, "SELECT pg_current_wal_lsn()")
    wait_for(lambda: ask(reader, f"SELECT pg_last_wal_replay_lsn() >= '{written}'"), "the replica has the row")
    assert ask(reader, "SELECT n FROM seen") == 42
    assert ask(reader, "SELECT pg_is_in_recovery()")
    assert not ask(writer, "SELECT pg_is_in_recovery()")
    assert ask(reader, "SELECT inet_server_addr()") != ask(writer, "SELECT inet_server_addr()")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TABLE refused (n int)")


def test_the_replica_streams_from_the_same_seed_over_the_network(pair: Pair) -> None:
    writer, reader, *_ = pair
    identifier = "SELECT system_identifier FROM pg_control_system()"
    assert ask(writer, identifier) == ask(reader, identifier)
    assert ask(writer, "SELECT state FROM pg_stat_replication WHERE application_name = 'replica'") == "streaming"
    assert ask(reader, "SELECT status FROM pg_stat_wal_receiver") == "streaming"


def test_users_of_the_settings_are_superusers_on_both(pair: Pair) -> None:
    for connection in pair[:2]:
        assert ask(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


def test_a_database_sorts_and_encodes_as_in_the_official_images(pair: Pair) -> None:
    writer = pair[0]
    assert ask(writer, "SHOW server_encoding") == "UTF8"
    assert ask(writer, "SELECT datcollate FROM pg_database WHERE datname = 'template1'").lower() in (
        "en_us.utf-8",
        "en_us.utf8",
    )


def test_both_say_what_they_are(pair: Pair) -> None:
    ready = pair[2].ready()
    assert [(each.server, each.role, each.primary) for each in ready] == [
        ("default", "primary", None),
        ("replica", "replica", "default"),
    ]
    for each in ready:
        assert each.version.split(".")[0] == POSTGRES.default_version
        assert each.ready_s > 0
    assert pair[2].failures() == {}


def test_a_schema_is_dumped_for_any_name_and_without_noise(pair: Pair) -> None:
    writer, _, up, _ = pair
    name = "it's a=\"b\\"
    writer.execute('CREATE DATABASE "it\'s a=""b\\"')
    try:
        assert up.dump_schema("default", name).startswith("--\n-- PostgreSQL database dump")
        assert up.dump_schema("default", name) == up.dump_schema("default", name)
        with pytest.raises(ServerError, match="no such database"):
            up.dump_schema("default", "no such database")
    finally:
        writer.execute('DROP DATABASE "it\'s a=""b\\"')


@pytest.mark.parametrize("template", ["template0", "template1"])
def test_databases_are_made_in_memory_used_on_both_and_dropped(client: DockerClient, pair: Pair, template: str) -> None:
    writer, reader, up, run = pair
    primary, replica = up.endpoints()
    writer.execute(f"CREATE DATABASE made TEMPLATE {template}")
    with session(primary, "made") as made:
        made.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        made.execute("VACUUM FULL pg_class")
    oid = ask(writer, "SELECT oid FROM pg_database WHERE datname = 'made'")
    written = ask(writer, "SELECT pg_current_wal_flush_lsn()")
    wait_for(lambda: ask(reader, f"SELECT pg_last_wal_replay_lsn() >= '{written}'"), "the replica has the database")
    for server in ("default", "replica"):
        where = f"{MEMORY_FOLDER}/data/base/{oid}"
        container = client.containers.get(f"harness-{run}-{server}")
        assert container.exec_run(["stat", "-f", "-c", "%T", where]).output == b"tmpfs\n"
    with session(replica, "made") as made:
        assert ask(made, "SELECT count(*) FROM t") == 1000
    writer.execute("DROP DATABASE made")


def test_a_pair_streams_from_the_disk_too(client: DockerClient, run: str, network: str, image: str) -> None:
    with (
        servers(client, PAIR, run, network, image, on_disk=frozenset({"postgres"})) as up,
        session(up.endpoints()[0]) as writer,
        session(up.endpoints()[1]) as reader,
    ):
        assert ask(reader, "SELECT status FROM pg_stat_wal_receiver") == "streaming"
        assert ask(writer, "SHOW data_directory") == "/srv/harness/data"


def test_a_wrong_password_is_refused(pair: Pair) -> None:
    endpoint = pair[2].endpoints()[0]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=endpoint.host, port=endpoint.port, user=USER, password="wrong", dbname="postgres")


def test_the_password_is_in_no_log_and_in_no_process_list(client: DockerClient, pair: Pair) -> None:
    writer, _, up, run = pair
    password = up.endpoints()[0].password
    for entry in client.api.containers(filters={"label": f"{containers.RUN_LABEL}={run}"}):
        assert password.encode() not in client.api.logs(entry["Id"])
        assert password not in str(client.api.top(entry["Id"]))
    assert not writer.execute("SELECT 1 FROM pg_settings WHERE setting LIKE %s", [f"%{password}%"]).fetchall()


def test_nothing_is_left_and_containers_of_others_stay(client: DockerClient, run: str, image: str) -> None:
    volumes = {volume["Name"] for volume in client.api.volumes()["Volumes"] or ()}
    name = f"stranger-{run}"
    other = secrets.token_hex(4)
    net = client.networks.create(name)
    labelled = client.networks.create(f"{name}-other-run", labels=containers.labels(other, "network"))
    container = client.containers.create(image, name=name, network=name, labels={"org.example": run})
    try:
        with containers.network(client, run) as network, servers(client, PAIR, run, network, image) as up:
            assert len(ours(client, run)) == 3
            mounts = [
                mount["Name"]
                for entry in client.api.containers(filters={"label": f"{containers.RUN_LABEL}={run}"})
                for mount in entry["Mounts"]
            ]
        assert ours(client, run) == []
        assert volumes.isdisjoint(mounts)
        for stranger in (container, net, labelled):
            stranger.reload()
    finally:
        container.remove(force=True, v=True)
        net.remove()
        labelled.remove()
    assert set(up.logs()) == {"default", "replica"}
    assert "started streaming WAL" in up.logs()["replica"]


def test_a_server_that_dies_at_its_start_shows_its_log(
    client: DockerClient, run: str, network: str, image: str
) -> None:
    broken = f"harness-test-broken:{run}"
    container = client.containers.create(image, entrypoint=["sh", "-c", "echo 'FATAL:  no room left' >&2; exit 9"])
    container.commit("harness-test-broken", run)
    container.remove(v=True)
    try:
        up = servers(client, PAIR, run, network, broken)
        with pytest.raises(ServerError, match="ended with exit status 9") as caught, up:
            pass
    finally:
        client.images.remove(broken, force=True)
    assert caught.value.exit_code == ExitCode.SERVERS
    assert "PostgreSQL 17" in caught.value.message
    assert "FATAL:  no room left" in caught.value.evidence
    assert caught.value.hint
    assert any("FATAL:  no room left" in log for log in up.logs().values())
    assert client.api.containers(all=True, filters={"label": f"{containers.RUN_LABEL}={run}"}) == []


def test_a_server_that_is_never_ready_is_late_and_alive(
    client: DockerClient, run: str, network: str, image: str
) -> None:
    slow = f"harness-test-slow:{run}"
    container = client.containers.create(image, entrypoint=["sh", "-c", "echo 'waiting for a lock'; sleep 300"])
    container.commit("harness-test-slow", run)
    container.remove(v=True)
    try:
        with pytest.raises(ServerError, match=r"not ready after 3 s: it is running") as caught:
            servers(client, ALONE, run, network, slow, startup_s=3.0).__enter__()
    finally:
        client.images.remove(slow, force=True)
    assert "waiting for a lock" in caught.value.evidence
    assert "startup_timeout" in caught.value.hint


def test_a_missing_image_is_a_server_error(client: DockerClient, run: str, network: str) -> None:
    with pytest.raises(ServerError, match="default"):
        servers(client, ALONE, run, network, f"harness-test-absent:{run}").__enter__()


def test_another_thread_can_give_up(client: DockerClient, run: str, network: str, image: str) -> None:
    up = servers(client, PAIR, run, network, image)
    threading.Timer(0.2, up.give_up).start()
    with pytest.raises(ServerError, match="no longer wanted"), up:
        pass
    assert client.api.containers(all=True, filters={"label": f"{containers.RUN_LABEL}={run}"}) == []


STOP_ALL = 'for each in /proc/[0-9]*; do [ "$(cat $each/comm)" != postgres ] || kill -STOP "${each#/proc/}"; done'


def test_a_stopped_server_process_is_a_loss_and_no_failure(
    client: DockerClient, run: str, network: str, image: str
) -> None:
    with servers(client, ALONE, run, network, image) as up:
        assert up.losses() == {}
        client.containers.get(f"harness-{run}-default").exec_run(["sh", "-c", STOP_ALL])
        (loss,) = up.losses().values()
        assert "The server default (PostgreSQL 17, primary) is stopped by a signal" in loss.message
        assert up.failures() == {}


def test_a_server_that_dies_later_is_a_failure_with_its_log(
    client: DockerClient, run: str, network: str, image: str
) -> None:
    with servers(client, ALONE, run, network, image) as up:
        client.api.kill(f"harness-{run}-default", "TERM")
        wait_for(lambda: up.failures(), "the server has ended")
        (failure,) = up.failures().values()
    assert "ended with exit status 0" in failure.message
    assert "database system is shut down" in failure.evidence


def test_a_killed_run_is_abandoned_once_its_server_ended(client: DockerClient, run: str, image: str) -> None:
    script = f"""
        import time
        from harness.host.docker import containers
        from harness.host.docker.client import connect
        from harness.host.planning.plan import make_plan
        from harness.host.docker.server import ContainerOptions, DockerPlatform
        from harness.host.run.servers import ServerOptions, Servers
        from harness.protocol.topology import Alias, Topology
        plan = make_plan(Topology((Alias("default", {PG!r}, "postgresql", "shop", "db", "", "u", "test_shop"),)))
        client = connect()
        with containers.network(client, {run!r}) as network:
            platform = DockerPlatform(client, ContainerOptions(network, {{("postgres", "17"): {image!r}}}))
            with Servers(platform, plan, ServerOptions({run!r})):
                print("up", flush=True)
                time.sleep(300)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
    assert process.stdout
    try:
        assert process.stdout.readline() == b"up\n"
        assert len(ours(client, run)) == 2
        assert run not in containers.abandoned(client, age_s=-60), (
            "a run with a live server is not abandoned at any age"
        )
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: run in containers.abandoned(client, age_s=-60), "the server ends after its run")
        assert run not in containers.abandoned(client, containers.ABANDONED_S)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        containers.remove_run(client, run)


def test_remains_go_once_they_are_old(client: DockerClient, run: str) -> None:
    made = time.time() - containers.ABANDONED_S - 60
    labels = {**containers.labels(run, "network"), containers.MADE_LABEL: f"{made:.0f}"}
    client.api.create_network(f"harness-{run}", labels=labels)
    containers.remove_abandoned(client)
    assert ours(client, run) == []


def test_remains_that_are_young_are_left_alone(client: DockerClient, run: str, network: str) -> None:
    containers.remove_abandoned(client)
    assert client.api.networks(names=[network])


@pytest.mark.parametrize("version", [version for version in POSTGRES.versions if version != POSTGRES.default_version])
def test_every_version_streams(client: DockerClient, run: str, network: str, version: str) -> None:
    with ImageBuilder(client, lambda title, line: None) as builder:
        image = builder.server_image(POSTGRES, version)
    plan = make_plan(
        Topology((alias("default", "db1"), alias("replica", "db2", "default"))), (DbSpec("postgres", version),)
    )
    with servers(client, plan, run, network, image) as up, session(up.endpoints()[1]) as reader:
        assert ask(reader, "SHOW server_version").split(".")[0].split("b")[0] == version
        assert ask(reader, "SELECT status FROM pg_stat_wal_receiver") == "streaming"
        assert up.dump_schema("default", "postgres")


OFFICIAL_LAYOUT = """
FROM {image}
USER root
RUN rm -rf /srv/harness /opt/harness
ENV PGDATA=/var/lib/postgresql/data
RUN install -d -o postgres -g postgres $PGDATA
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
"""


@pytest.fixture
def official(client: DockerClient, run: str, image: str) -> Iterator[str]:
    """An image that declares what the official ones do: root, a volume at its data directory, an entry point of its own."""
    tag = f"test-official:{run}"
    client.images.build(fileobj=io.BytesIO(OFFICIAL_LAYOUT.format(image=image).encode()), tag=tag, rm=True)
    yield tag
    client.images.remove(tag, force=True)


def test_any_image_with_the_official_layout_is_seeded(
    client: DockerClient, run: str, network: str, official: str
) -> None:
    with ImageBuilder(client, lambda title, line: None) as builder:
        image = builder.server_image(POSTGRES, "17", official)
    try:
        with servers(client, PAIR, run, network, image) as up, session(up.endpoints()[1]) as reader:
            assert ask(reader, "SELECT status FROM pg_stat_wal_receiver") == "streaming"
            made = client.api.inspect_container(f"harness-{run}-default")
            (volume,) = [mount["Name"] for mount in made["Mounts"] if mount["Type"] == "volume"]
        assert volume not in {each["Name"] for each in client.api.volumes()["Volumes"] or ()}
    finally:
        client.images.remove(image, force=True)


def test_an_image_of_another_version_is_refused_when_it_is_built(client: DockerClient, official: str) -> None:
    with (
        ImageBuilder(client, lambda title, line: None) as builder,
        pytest.raises(ServerError, match=r"postgres:15 could not be built") as caught,
    ):
        builder.server_image(POSTGRES, "15", official)
    assert "PostgreSQL 15 is wanted, and the image has: postgres (PostgreSQL) 17" in caught.value.evidence
