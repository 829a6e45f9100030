"""The findings of ``harness doctor``, and the command on a machine whose engine does not answer."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.load import load
from harness.host.doctor import (
    Finding,
    Machine,
    check_cache,
    check_configuration,
    check_disk,
    check_engine,
    check_git,
    check_images,
    check_kept,
    check_local,
    check_pythons,
    check_remains,
    render,
    start_command,
    verdict,
    without_engine,
)
from harness.host.engine_address import found_by
from harness.host.engines import ENGINES
from harness.host.kept.overview import KeptNow
from harness.host.local.binaries.survey import Offer
from harness.host.retention.kept_servers import KeptServer, KeptServers

INFO = {
    "ServerVersion": "28.1",
    "OSType": "linux",
    "Driver": "overlay2",
    "CgroupVersion": "2",
    "NCPU": 4,
    "MemTotal": 16_000_000_000,
}
MACHINE = Machine(is_root=False, has_dockerd=False, has_apt=True, has_systemd=True, is_socket_denied=False)


class TestEngine:
    def test_a_good_one_is_described(self) -> None:
        assert list(check_engine(INFO, "the default socket")) == [
            Finding("ok", "Docker engine", "28.1, by the default socket"),
            Finding("ok", "Storage driver", "overlay2"),
            Finding("ok", "Resources", "4 cores, 16.0 GB of memory, cgroup v2"),
        ]

    def test_windows_containers_run_no_tests(self) -> None:
        engine, *others = check_engine({**INFO, "OSType": "windows"}, "the default socket")
        assert (engine.level, engine.remedy) == ("missing", "Switch the engine to Linux containers.")
        assert "for windows containers" in engine.seen
        assert {each.level for each in others} == {"ok"}

    def test_a_slow_storage_driver_is_worth_a_note(self) -> None:
        _, storage, _ = check_engine({**INFO, "Driver": "vfs"}, "the default socket")
        assert storage.level == "note"
        assert "overlay2" in storage.remedy

    @pytest.mark.parametrize(
        ("environ", "docker_config", "words"),
        [
            ({}, "", "the default socket"),
            ({}, "no json", "the default socket"),
            ({}, "[]", "the default socket"),
            ({}, '{"currentContext": "default"}', "the default socket"),
            ({}, '{"currentContext": "colima"}', "the context colima"),
            ({"DOCKER_CONTEXT": "far"}, '{"currentContext": "colima"}', "DOCKER_CONTEXT (far)"),
            (
                {"DOCKER_HOST": "tcp://me:hush@far:2375", "DOCKER_CONTEXT": "x"},
                "",
                "DOCKER_HOST (tcp://far:2375)",
            ),
        ],
    )
    def test_the_source_of_its_address(self, environ: dict[str, str], docker_config: str, words: str) -> None:
        assert found_by(environ, docker_config) == words

    @pytest.mark.parametrize(
        ("changes", "elsewhere", "command"),
        [
            (
                {},
                "",
                "sudo apt-get update && sudo apt-get install -y docker.io iptables && sudo systemctl start docker",
            ),
            ({"has_dockerd": True}, "", "sudo systemctl start docker"),
            (
                {"has_dockerd": True, "has_systemd": False, "is_root": True},
                "",
                "sh -c 'dockerd >/var/log/dockerd.log 2>&1 &'",
            ),
            ({"has_dockerd": True, "is_socket_denied": True}, "", 'sudo usermod -aG docker "$USER", then log in again'),
            ({"has_apt": False}, "", ""),
            ({"is_socket_denied": True}, "tcp://elsewhere:2375", ""),
        ],
    )
    def test_the_command_that_starts_one(self, changes: dict[str, bool], elsewhere: str, command: str) -> None:
        assert start_command(dataclasses.replace(MACHINE, **changes), elsewhere) == command


class TestPythons:
    def test_each_version_has_its_ways(self) -> None:
        found = check_pythons({"3.12": ["a", "b"], "3.13": ["c"]}, "")
        assert (found.level, found.seen) == ("ok", "3.12: a, or b\n3.13: c")

    def test_without_a_debian_there_is_none(self) -> None:
        found = check_pythons({"3.12": ["a"]}, "only root can make one")
        assert found == Finding("note", "Pythons", "none: there is no Debian to run one on (only root can make one)")


class TestMachine:
    def test_no_git_is_worth_a_note_but_stops_no_run(self) -> None:
        found = check_git("", MACHINE)
        assert (found.level, found.remedy) == ("note", "sudo apt-get install -y git")
        assert verdict([found]) == ExitCode.GREEN
        assert check_git("2.39.5", MACHINE) == Finding("ok", "git", "2.39.5")

    @pytest.mark.parametrize(
        ("free_bytes", "level"),
        [
            (80_000_000_000, "ok"),
            (5_000_000_000, "ok"),
            (4_999_999_999, "note"),
            (999_999_999, "missing"),
            (None, "ok"),
        ],
    )
    def test_disk(self, free_bytes: int | None, level: str) -> None:
        found = check_disk(free_bytes)
        assert found.level == level
        assert bool(found.remedy) == (level != "ok")

    @pytest.mark.parametrize(
        ("tags", "registry_error", "base_error", "level", "words"),
        [
            (["b:1", "a:2"], "", "", "ok", ("a:2\nb:1",)),
            ([], "", "", "ok", ("the first run pulls and builds them",)),
            ([], "no such host", "", "ok", ("Debian's packages", "no such host")),
            ([], "no such host", "no debootstrap", "missing", ("no such host", "no debootstrap")),
        ],
    )
    def test_images(
        self, tags: list[str], registry_error: str, base_error: str, level: str, words: tuple[str, ...]
    ) -> None:
        found = check_images(tags, registry_error, base_error, is_root=False)
        assert found.level == level
        assert bool(found.remedy) == (level == "missing")
        for word in words:
            assert word in found.seen

    def test_remains_of_killed_runs_stop_no_run(self) -> None:
        found = check_remains(["harness-a-network", "harness-a-runner"], [])
        assert (found.level, found.remedy) == ("note", "harness doctor --remove")
        assert "harness-a-network, harness-a-runner" in found.seen
        assert check_remains([], ["harness-a-runner"]).seen == "removed: harness-a-runner"
        assert check_remains([], []) == Finding("ok", "Left behind", "nothing")


class TestKept:
    SERVER = KeptServer("replica", "postgres", "PostgreSQL 17.2", "default", "127.0.0.1", 40002)
    UP = KeptServers("ab12", "docker", "/srv/shop", is_up=True, made_at=1000.0, servers=(SERVER,))

    def test_a_line_has_project_age_server_and_address(self) -> None:
        found = check_kept([KeptNow(self.UP, ("replica",), True)], [], 1000.0 + 2 * 3600)
        assert found.level == "ok"
        assert found.seen == (
            "/srv/shop: harness up, 2 hours ago: replica (PostgreSQL 17.2, 127.0.0.1:40002), containers"
        )
        assert "harness down" in found.remedy

    def test_servers_of_keepdb_have_no_address(self) -> None:
        kept = KeptServers("cd34", "docker", "/srv/shop", is_up=False, made_at=1000.0)
        seen = check_kept([KeptNow(kept, ("default", "replica"), True)], [], 1000.0).seen
        assert seen == "/srv/shop: harness ci --keepdb, just now: default, replica, containers"

    @pytest.mark.parametrize(
        ("now", "text"),
        [(KeptNow(UP, (), True), "ended"), (KeptNow(UP, ("replica",), False), "/srv/shop, whose folder is gone")],
    )
    def test_dead_ones_are_a_note(self, now: KeptNow, text: str) -> None:
        found = check_kept([now], [], 1000.0)
        assert (found.level, found.remedy) == ("note", "harness doctor --remove")
        assert text in found.seen

    def test_none_are_named_and_removed_ones_too(self) -> None:
        assert check_kept([], [], 0.0) == Finding("ok", "Kept servers", "none")
        assert check_kept([], ["/srv/shop"], 0.0).seen == "removed: those of /srv/shop"


class TestTable:
    def test_each_command_is_on_a_line_of_its_own(self) -> None:
        table = render([Finding("ok", "git", "2.39"), Finding("missing", "Docker engine", "none answers", "start it")])
        assert table.splitlines() == [
            "ok       git            2.39",
            "missing  Docker engine  none answers",
            "                        -> start it",
            "",
            "No run can work here yet: see what is missing.",
        ]

    def test_findings_without_a_missing_one_are_green(self) -> None:
        findings = [Finding("ok", "git", "2.39"), Finding("note", "Disk", "4.0 GB free", "docker image prune")]
        assert render(findings).endswith("\n\nA run can work here.")
        assert verdict(findings) == ExitCode.GREEN

    def test_local_servers_do_without_an_engine(self) -> None:
        missing = Finding("missing", "Docker engine", "none answers", "start it")
        found = without_engine(missing, "local")
        assert (found.level, found.remedy) == ("note", "start it")
        assert found.seen == "none answers\nthe servers of a run are processes of this machine"
        assert verdict([found, check_local(Offer("postgres", ("17 of a wheel",)))]) is ExitCode.GREEN
        found = without_engine(missing, "docker")
        assert found == Finding("missing", "Docker engine", "none answers\n--servers local does without it", "start it")
        for other in (Finding("missing", "Disk", "full"), Finding("ok", "Docker engine", "28.1")):
            assert without_engine(other, "local") == other

    def test_an_engine_without_a_local_server_stops_no_run(self) -> None:
        assert check_local(Offer("mysql", (), "install it")) == Finding("note", "Local MySQL", "none", "install it")
        offer = Offer("mariadb", ("10.11.14 in /usr/sbin", "11.8.3 in /opt/bin"))
        assert check_local(offer) == Finding("ok", "Local MariaDB", "10.11.14 in /usr/sbin\n11.8.3 in /opt/bin")

    def test_the_command_without_an_engine(self) -> None:
        process = subprocess.run(
            [sys.executable, "-m", "harness", "doctor"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "DOCKER_HOST": "tcp://127.0.0.1:1"},
        )
        assert process.returncode == ExitCode.SERVERS, process.stderr  # an engine that is named is the only way
        assert len(re.findall("^(?:ok|note) +Local ", process.stdout, re.MULTILINE)) == len(ENGINES)
        start, seen, rest = process.stdout.partition("No Docker engine answers at tcp://127.0.0.1:1 (DOCKER_HOST).\n")
        assert seen
        assert start.splitlines()[-1].startswith("missing  Docker engine")
        assert "-> " in "".join(rest.splitlines()[:2])
        assert process.stderr == ""


class TestConfiguration:
    @pytest.mark.parametrize(
        ("table", "level", "words"),
        [
            ('workdir = "tests"', "ok", "pyproject.toml: workdir"),
            ('workdir = "elsewhere"', "missing", "which is no folder"),
            ('include = ["*.env"]', "missing", "fits no file"),
            ('settings = "tests.settings"', "ok", "settings"),
            ('settings = "tests.gone"', "note", "no file of the settings module tests.gone"),
        ],
    )
    def test_what_it_names_is_there(self, tmp_path: Path, table: str, level: str, words: str) -> None:
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "settings.py").touch()
        (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\n{table}\n")
        finding = check_configuration(load({}, {}, tmp_path, need_settings=False))
        assert finding.level == level
        assert words in finding.seen

    def test_a_wrong_one_alone_is_an_error_of_usage(self) -> None:
        wrong = Finding("missing", "Configuration", "workdir names nothing")
        assert verdict([wrong]) is ExitCode.USAGE
        assert verdict([wrong, Finding("missing", "Docker engine", "none")]) is ExitCode.SERVERS


def test_the_cache_has_a_row(tmp_path: Path) -> None:
    found = check_cache({"HARNESS_CACHE": str(tmp_path)})
    assert (found.level, found.seen) == ("ok", f"{tmp_path}/databases: 0 cached states of databases, 0.0 MB")
    (tmp_path / "file").write_text("")
    assert check_cache({"HARNESS_CACHE": f"{tmp_path}/file"}).level == "note"
    assert check_cache({"HARNESS_CACHE": "/dev/null"}).level == "note"
