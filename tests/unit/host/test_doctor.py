"""The findings of ``harness doctor``, and the command on a machine whose engine does not answer."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode, ServerError
from harness.host.docker.client import found_by
from harness.host.doctor import Engine, Facts, Finding, Machine, diagnose, render, verdict

ENGINE = Engine(
    found_by="the default socket",
    version="28.1",
    os_type="linux",
    storage_driver="overlay2",
    cgroup="cgroup v2",
    cpus=4,
    memory_bytes=16_000_000_000,
    free_bytes=80_000_000_000,
    images=(),
    registry_error="",
    base_error="debootstrap is not installed",
)
MACHINE = Machine(is_root=False, has_dockerd=False, has_apt=True, has_systemd=True, is_socket_denied=False)
FACTS = Facts(python="3.13.1", git="2.39.5", machine=MACHINE, engine=ENGINE)
SILENT = ServerError("No Docker engine answers on this machine.", hint="Start Docker.", evidence="refused")


def with_engine(**changes: Any) -> Facts:
    return dataclasses.replace(FACTS, engine=dataclasses.replace(ENGINE, **changes))


def without_engine(docker_host: str = "", **changes: Any) -> Facts:
    return dataclasses.replace(
        FACTS, engine=SILENT, docker_host=docker_host, machine=dataclasses.replace(MACHINE, **changes)
    )


def finding(facts: Facts, subject: str) -> Finding:
    return next(each for each in diagnose(facts) if each.subject == subject)


def test_a_machine_that_has_it_all() -> None:
    findings = diagnose(FACTS)
    assert {each.level for each in findings} == {"ok"}
    assert not any(each.mend for each in findings)
    assert verdict(findings) == ExitCode.GREEN
    assert "A run can work here." in render(findings)


def test_the_engine_and_the_source_of_its_address() -> None:
    assert finding(FACTS, "Docker engine").seen == "28.1, by the default socket"
    assert finding(FACTS, "Resources").seen == "4 cores, 16.0 GB of memory, cgroup v2"
    assert finding(FACTS, "Storage driver").seen == "overlay2"


@pytest.mark.parametrize(
    ("facts", "mend"),
    [
        (
            without_engine(),
            "sudo apt-get update && sudo apt-get install -y docker.io iptables && sudo systemctl start docker",
        ),
        (without_engine(has_dockerd=True), "sudo systemctl start docker"),
        (
            without_engine(has_dockerd=True, has_systemd=False, is_root=True),
            "sh -c 'dockerd >/var/log/dockerd.log 2>&1 &'",
        ),
        (without_engine(has_dockerd=True, is_socket_denied=True), 'sudo usermod -aG docker "$USER", then log in again'),
        (without_engine(has_apt=False), "Start Docker."),
        (without_engine(docker_host="tcp://elsewhere:2375", is_socket_denied=True), "Start Docker."),
    ],
)
def test_the_command_that_starts_an_engine(facts: Facts, mend: str) -> None:
    found = finding(facts, "Docker engine")
    assert (found.level, found.seen, found.mend) == ("missing", "No Docker engine answers on this machine.", mend)
    assert verdict(diagnose(facts)) == ExitCode.SERVERS


def test_no_git_is_worth_a_note_but_stops_no_run() -> None:
    facts = dataclasses.replace(FACTS, git="")
    found = finding(facts, "git")
    assert (found.level, found.mend) == ("note", "sudo apt-get install -y git")
    assert verdict(diagnose(facts)) == ExitCode.GREEN


def test_an_engine_for_windows_containers() -> None:
    assert finding(with_engine(os_type="windows"), "Docker engine").level == "missing"


def test_a_slow_storage_driver() -> None:
    found = finding(with_engine(storage_driver="vfs"), "Storage driver")
    assert found.level == "note"
    assert "overlay2" in found.mend


@pytest.mark.parametrize(
    ("free_bytes", "level"),
    [(80_000_000_000, "ok"), (5_000_000_000, "ok"), (4_999_999_999, "note"), (999_999_999, "missing"), (None, "ok")],
)
def test_disk(free_bytes: int | None, level: str) -> None:
    found = finding(with_engine(free_bytes=free_bytes), "Disk")
    assert found.level == level
    assert bool(found.mend) == (level != "ok")


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"images": ("b:1", "a:2"), "registry_error": "no such host"}, "ok", ("a:2\nb:1",)),
        ({}, "ok", ("the first run pulls and builds them",)),
        ({"registry_error": "no such host", "base_error": ""}, "ok", ("Debian's packages", "no such host")),
        ({"registry_error": "no such host"}, "missing", ("no such host", "debootstrap is not installed")),
    ],
)
def test_images(changes: dict[str, Any], level: str, words: tuple[str, ...]) -> None:
    found = finding(with_engine(**changes), "Images")
    assert found.level == level
    assert bool(found.mend) == (level == "missing")
    for word in words:
        assert word in found.seen


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
def test_how_the_engine_was_found(environ: dict[str, str], docker_config: str, words: str) -> None:
    assert found_by(environ, docker_config) == words


def test_the_table_puts_each_command_on_a_line_of_its_own() -> None:
    table = render([Finding("ok", "git", "2.39"), Finding("missing", "Docker engine", "none answers", "start it")])
    assert table.splitlines() == [
        "ok       git            2.39",
        "missing  Docker engine  none answers",
        "                        -> start it",
        "",
        "No run can work here yet: see what is missing.",
    ]


def test_the_command_without_an_engine() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "harness", "doctor"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "DOCKER_HOST": "tcp://127.0.0.1:1"},
    )
    assert process.returncode == ExitCode.SERVERS, process.stderr
    assert "missing  Docker engine  No Docker engine answers at tcp://127.0.0.1:1 (DOCKER_HOST)." in process.stdout
    assert process.stderr == ""


def test_remains_of_dead_runs_stop_no_run() -> None:
    found = finding(with_engine(left_behind=("harness-a-network", "harness-a-runner")), "Left behind")
    assert (found.level, found.mend) == ("note", "harness doctor --remove")
    assert "harness-a-network, harness-a-runner" in found.seen
    assert finding(with_engine(removed=("harness-a-runner",)), "Left behind").seen == "removed: harness-a-runner"
