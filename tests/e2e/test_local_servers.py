"""Local servers: a pair of each engine as processes of this machine, and what is left of it whatever is killed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from harness.errors import ServerError
from harness.host import cache
from harness.host.config.databases import DbSpec
from harness.host.engines import ENGINES
from harness.host.images import recipe
from harness.host.local import folders, processes
from harness.host.local.account import account
from harness.host.local.binaries import Binaries
from harness.host.local.platform import LocalPlatform
from harness.host.planning.plan import ServerPlan, make_plan
from harness.host.platform import Seed
from harness.host.run.servers import ServerOptions, Servers
from harness.protocol.messages import Endpoint
from tests.e2e import command
from tests.e2e.pairs import USER, pair_of

ENGINE_NAMES = ("postgres", "mariadb")
WAIT_S = 20.0


@pytest.fixture
def platform(
    local_cache: Path, local_binaries: Callable[..., Binaries], monkeypatch: pytest.MonkeyPatch
) -> LocalPlatform:
    monkeypatch.setenv(cache.VARIABLE, str(local_cache))
    return LocalPlatform(lambda name: recipe.load(name).files)


@pytest.fixture
def run() -> Iterator[str]:
    """The id of a run, of which nothing is left afterwards."""
    run = secrets.token_hex(4)
    yield run
    left = left_of(run)
    folders.remove(account(), left)
    assert left == []


def left_of(run: str) -> list[Path]:
    return [each.path for each in folders.find(account()) if each.description and each.description.run == run]


def gone(run: str) -> bool:
    """Whether no folder of *run* is left, after a wait for its supervisors."""
    until = time.monotonic() + WAIT_S
    while left_of(run) and time.monotonic() < until:
        time.sleep(0.02)
    return left_of(run) == []


def plan_of(platform: LocalPlatform, engine: str) -> ServerPlan:
    version = platform.binaries(engine, None).wanted
    return make_plan(pair_of(ENGINES[engine]), (DbSpec(engine, version),))


def postgres(endpoint: Endpoint) -> Any:
    return psycopg.connect(
        host=endpoint.host,
        port=endpoint.port,
        user=USER,
        password=endpoint.password,
        dbname="postgres",
        autocommit=True,
    )


def mysql(endpoint: Endpoint) -> Any:
    return pymysql.connect(
        host=endpoint.host, port=endpoint.port, user=USER, password=endpoint.password, autocommit=True
    )


CONNECT: dict[str, Callable[[Endpoint], Any]] = {"postgres": postgres, "mariadb": mysql}


def asked(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


@pytest.mark.parametrize("engine", ENGINE_NAMES)
class TestPair:
    def test_a_replica_on_another_host_streams(self, platform: LocalPlatform, run: str, engine: str) -> None:
        plan = plan_of(platform, engine)
        with Servers(platform, plan, ServerOptions(run=run)) as servers:
            primary, replica = servers.endpoints()
            assert primary.host != replica.host
            with CONNECT[engine](primary) as writer, CONNECT[engine](replica) as reader:
                asked(writer, "CREATE DATABASE shop")
                names = (
                    "datname FROM pg_database WHERE datname"
                    if engine == "postgres"
                    else ("schema_name FROM information_schema.schemata WHERE schema_name")
                )
                until = time.monotonic() + WAIT_S
                while asked(reader, f"SELECT {names} = 'shop'") is None and time.monotonic() < until:
                    time.sleep(0.01)
                assert asked(reader, f"SELECT {names} = 'shop'") == ("shop",)
                with pytest.raises((psycopg.Error, pymysql.Error), match="read-only"):
                    asked(reader, "CREATE DATABASE more")
            assert servers.failures() == servers.losses() == {}
            assert "SET " in servers.dump_schema("default", "shop")
            logs = servers.logs()
            assert all("harness: ready" in log and primary.password not in log for log in logs.values())
        assert servers.logs() == logs

    def test_nobody_else_reaches_it(self, platform: LocalPlatform, run: str, engine: str) -> None:
        with Servers(platform, plan_of(platform, engine), ServerOptions(run=run)) as servers:
            endpoint = servers.endpoints()[0]
            for each in left_of(run):
                assert each.stat().st_mode & 0o777 == 0o700
                assert each.stat().st_uid == account().uid
                main = processes.main_process(each)
                assert main is not None
                assert Path(f"/proc/{main}").stat().st_uid == account().uid != 0
            with socket.socket() as elsewhere, pytest.raises(ConnectionRefusedError):
                elsewhere.connect(("127.0.0.2", endpoint.port))

    def test_two_runs_do_not_meet(self, platform: LocalPlatform, run: str, engine: str) -> None:
        other = f"{run[:6]}00"
        plan = plan_of(platform, engine)
        with Servers(platform, plan, ServerOptions(run=run)) as one:
            with Servers(platform, plan, ServerOptions(run=other)) as two:
                assert len({(each.host, each.port) for each in (*one.endpoints(), *two.endpoints())}) == 4
            assert gone(other)
            assert one.losses() == {}


class TestReplaced:
    """Servers in place of others: those that are the same go on."""

    def test_what_is_the_same_goes_on(self, platform: LocalPlatform, run: str) -> None:
        pair = plan_of(platform, "postgres")
        alone = replace(pair, servers=pair.servers[:1])
        options = ServerOptions(run=run)
        first = Servers(platform, alone, options)
        first.start()
        (primary,) = left_of(run)
        second = Servers(platform, pair, options, replaced=first)
        second.start()
        (replica,) = [each for each in left_of(run) if each != primary]
        with postgres(second.endpoints()[1]) as reader:
            assert asked(reader, "SELECT pg_is_in_recovery()") == (True,)
        third = Servers(platform, pair, replace(options, sizes={"postgres": 1 << 30}), replaced=second)
        third.start()
        assert len(third.ready()) == len(left_of(run)) == 2
        assert not {primary, replica} & set(left_of(run)), "the replica follows its primary"
        last = Servers(platform, alone, replace(options, sizes={"postgres": 1 << 30}), replaced=third)
        with last:
            assert [folders.read(each).host for each in left_of(run)] == ["default"]  # type: ignore[union-attr]  # it runs
            assert last.losses() == {}
            assert set(left_of(run)) <= {Path(each.id) for each in third.primaries().values()}
        assert gone(run)

    def test_a_start_that_is_interrupted_goes_on_for_another(self, platform: LocalPlatform, run: str) -> None:
        plan, options = plan_of(platform, "postgres"), ServerOptions(run=run)
        first = Servers(platform, plan, options)
        first.interrupt()
        with pytest.raises(ServerError, match="no longer wanted"):
            first.start()
        with Servers(platform, plan, options, replaced=first) as second:
            assert second.ready() == first.ready()
            assert len(left_of(run)) == 2
        assert gone(run)


class TestLoss:
    def lost(self, platform: LocalPlatform, run: str, do: Callable[[Path], None]) -> tuple[str, ServerError]:
        """The server that is lost, and its error, as *do* does something to the folder of the primary."""
        seen: list[tuple[str, ServerError]] = []
        servers = Servers(
            platform, plan_of(platform, "postgres"), ServerOptions(run=run), on_loss=lambda *each: seen.append(each)
        )
        with servers:
            (folder,) = [each for each in left_of(run) if (read := folders.read(each)) and read.role == "primary"]
            do(folder)
            until = time.monotonic() + WAIT_S
            while not seen and time.monotonic() < until:
                time.sleep(0.01)
            assert list(servers.losses()) == ["default"]
        return seen[0]

    def test_a_server_that_is_killed_is_named(self, platform: LocalPlatform, run: str) -> None:
        server, error = self.lost(platform, run, lambda folder: kill(processes.main_process(folder)))
        assert server == "default"
        assert "ended with exit status 137" in error.message
        assert "database system is ready" in error.evidence

    def test_a_server_that_is_stopped_is_named(self, platform: LocalPlatform, run: str) -> None:
        server, error = self.lost(platform, run, lambda folder: kill(processes.main_process(folder), signal.SIGSTOP))
        assert (server, "is stopped by a signal" in error.message) == ("default", True)

    def test_a_supervisor_that_is_killed_is_a_loss_too(self, platform: LocalPlatform, run: str) -> None:
        server, error = self.lost(platform, run, lambda folder: kill(supervisor_of(folder)))
        assert (server, "137" in error.message or "-9" in error.message) == ("default", True)

    def test_a_script_that_is_killed_leaves_nothing(self, platform: LocalPlatform, run: str) -> None:
        def do(folder: Path) -> None:
            script = next(pid for pid, _ in processes.below(supervisor_of(folder)))
            kill(script)

        assert self.lost(platform, run, do)[0] == "default"


def supervisor_of(folder: Path) -> int:
    (found,) = [each for each in folders.find(account()) if each.path == folder]
    assert found.pid
    return found.pid


def is_alive(pid: int | None) -> bool:
    """Whether *pid* runs. One that has ended and that nobody waits for, since its parent was killed, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def kill(pid: int | None, signum: int = signal.SIGKILL) -> None:
    assert pid
    os.kill(pid, signum)


SCRIPT = """
import sys
from harness.host.config.databases import DbSpec
from harness.host.engines import ENGINES
from harness.host.images import recipe
from harness.host.local.platform import LocalPlatform
from harness.host.planning.plan import make_plan
from harness.host.run.servers import ServerOptions, Servers
from tests.e2e.pairs import pair_of
engine, run = sys.argv[1:]
platform = LocalPlatform(lambda name: recipe.load(name).files)
version = platform.binaries(engine, None).wanted
platform.programs(engine, version)
servers = Servers(platform, make_plan(pair_of(ENGINES[engine]), (DbSpec(engine, version),)), ServerOptions(run=run))
print("starting", flush=True)
servers.start()
print("up", flush=True)
sys.stdin.readline()
print("closing", flush=True)
servers.close()
"""


class TestLease:
    """A process of the harness is killed; its servers and their folders go."""

    @pytest.fixture
    def child(self, platform: LocalPlatform, run: str) -> Iterator[subprocess.Popen[str]]:
        platform.programs("postgres", platform.binaries("postgres", None).wanted)
        child = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "postgres", run],
            cwd=command.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            yield child
            child.kill()

    def read(self, child: subprocess.Popen[str]) -> str:
        assert child.stdout is not None
        return child.stdout.readline().strip()

    @pytest.mark.parametrize("after_ms", [0, 10, 25, 40, 60, 80, 120])
    def test_killed_while_its_servers_start(self, child: subprocess.Popen[str], run: str, after_ms: int) -> None:
        assert self.read(child) == "starting"
        time.sleep(after_ms / 1000)
        child.kill()
        child.wait()
        time.sleep(0.1)  # a supervisor may have begun, and have no folder yet
        assert gone(run)

    def test_killed_with_its_supervisors_leaves_it_to_the_next_run(
        self, child: subprocess.Popen[str], run: str, platform: LocalPlatform
    ) -> None:
        assert [self.read(child), self.read(child)] == ["starting", "up"]
        paths = left_of(run)
        assert len(paths) == 2
        mains = [processes.main_process(path) for path in paths]
        scripts = [pid for path in paths for pid, _ in processes.below(supervisor_of(path))]
        supervisors = [supervisor_of(path) for path in paths]
        os.kill(child.pid, signal.SIGSTOP)  # it must not clean up
        for pid in (*supervisors, *(each for each in scripts if each not in mains)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.kill()
        child.wait()
        words = [sys.executable, "-m", "harness", "doctor", "--remove"]  # as the next run does
        subprocess.run(words, cwd=command.ROOT, env=command.environment(), capture_output=True, check=False)
        assert left_of(run) == []
        assert not any(map(is_alive, mains))

    def test_killed_while_it_closes(self, child: subprocess.Popen[str], run: str) -> None:
        assert [self.read(child), self.read(child)] == ["starting", "up"]
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
        assert self.read(child) == "closing"
        child.kill()
        assert gone(run)

    def test_killed_while_they_serve(self, child: subprocess.Popen[str], run: str) -> None:
        assert [self.read(child), self.read(child)] == ["starting", "up"]
        mains = [processes.main_process(path) for path in left_of(run)]
        child.kill()
        assert gone(run)
        assert not any(map(is_alive, mains))


def test_a_migrated_seed_that_cannot_be_read_to_its_end(platform: LocalPlatform, run: str) -> None:
    plan = plan_of(platform, "postgres")
    programs = platform.programs("postgres", plan.servers[0].version)
    content = programs.seed.read_bytes()
    with tarfile.open(programs.seed) as tar:
        at_a_member = tar.getmembers()[-1].offset

    def until_an_error() -> Iterator[bytes]:
        yield content[:at_a_member]
        raise ValueError

    for read in (until_an_error, lambda: iter([content[: at_a_member + 100]]), lambda: iter(())):
        options = ServerOptions(run=run, seeds={"default": Seed("digest", len(content), read)})
        with pytest.raises(ServerError) as raised:
            Servers(platform, plan, options).__enter__()
        assert "the seed could not be unpacked" in raised.value.evidence
    options = ServerOptions(run=run, seeds={"default": Seed("digest", len(content), lambda: iter([content]))})
    with Servers(platform, plan, options) as servers:
        assert servers.losses() == {}


def test_servers_that_are_kept_outlive_the_process(platform: LocalPlatform, run: str) -> None:
    plan = plan_of(platform, "postgres")
    options = ServerOptions(run=run, persistent=True)
    with Servers(platform, plan, options) as first:
        endpoints = first.endpoints()
    later = LocalPlatform(lambda name: recipe.load(name).files)
    found = later.persistent(run)
    assert found.keys() == {"default", "replica"}
    with Servers(later, plan, ServerOptions(run=run, persistent=True, password=options.password)) as second:
        assert [(each.host, each.port) for each in second.endpoints()] == [(each.host, each.port) for each in endpoints]
        assert {found[server].id for server in found} == {str(path) for path in left_of(run)}
        with postgres(second.endpoints()[0]) as connection:
            assert asked(connection, "SELECT 1") == (1,)
        assert second.losses() == {}
    later.remove(run)
    assert gone(run)


def test_a_suite_runs_without_docker_and_without_root(
    local_cache: Path, local_binaries: Callable[..., Binaries], tmp_path: Path
) -> None:
    local_binaries("postgres")
    script = "import sys; from harness.cli import main; code = main(); print('imported', 'docker' in sys.modules); sys.exit(code)"
    project = command.PROJECTS / "storefront"
    words = [
        "ci",
        "--project",
        str(project),
        "--servers",
        "local",
        "--parallel",
        "2",
        "--artifacts",
        str(tmp_path / "out"),
    ]
    words += ["orders.tests.test_transactions", "reports"]
    done = subprocess.run(
        [*command.as_ordinary_user(), sys.executable, "-c", script, *words],
        cwd=command.ROOT,
        env=command.environment(HARNESS_CACHE=str(local_cache), TMPDIR=str(tmp_path), DOCKER_HOST="tcp://127.0.0.1:1"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "imported False" in done.stdout
    assert re.search(r"server replica: postgres \S+, replica of default, ready", done.stdout)


def test_a_seed_has_nothing_that_each_server_makes_anew(platform: LocalPlatform) -> None:
    programs = platform.programs("postgres", platform.binaries("postgres", None).wanted)
    with tarfile.open(programs.seed) as tar:
        sizes = {member.name: member.size for member in tar.getmembers() if member.isfile()}
        settings = tar.extractfile("./postgresql.conf")
        assert settings is not None
        assert b"max_connections = 300" in settings.read()
    assert [name for name in sizes if name.endswith(("_fsm", "_vm"))] == []
    assert [size for name, size in sizes.items() if name.startswith("./pg_wal/")] == [1 << 20]
