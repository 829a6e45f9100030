"""Repetitions, replays, the look for traces and the isolated network, by the command itself."""

import socket
from pathlib import Path

import pytest

from tests.e2e.command import PROJECTS, environment, harness

FAULTS = ("--project", str(PROJECTS / "faults"))
ON_SQLITE = (*FAULTS, "--db", "sqlite", "--runner", "host")


def test_each_test_is_repeated(tmp_path: Path) -> None:
    run = harness(*ON_SQLITE, "tests.test_waits.QuickTests", "--repeat", "3", artifacts=tmp_path)
    assert run.code == 0
    assert [len(case.attempts) for case in run.report.cases] == [3, 3, 3]


def test_what_led_to_a_failure_is_replayed(tmp_path: Path) -> None:
    """The artifacts folder that has the order is the one that the replay writes to."""
    run = harness(*ON_SQLITE, "tests.test_workers.ExitTests", "--parallel", "1", artifacts=tmp_path)
    assert run.code == 1
    order = tmp_path / "replay" / "tests.test_workers.ExitTests.test_2_dies.txt"
    assert f"--replay {order}" in run.out
    again = harness(*ON_SQLITE, "--replay", str(order), artifacts=tmp_path)
    assert list(again.outcomes.items()) == [
        ("tests.test_workers.ExitTests.test_1_before", "PASSED"),
        ("tests.test_workers.ExitTests.test_2_dies", "CRASHED"),
    ]


def test_a_file_that_is_no_order_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    run = harness(*ON_SQLITE, "--replay", str(tmp_path / "empty.txt"), artifacts=tmp_path / "out")
    assert run.code == 2
    assert "names no test" in run.output


@pytest.mark.docker
def test_a_class_that_leaves_traces_is_named(tmp_path: Path) -> None:
    run = harness(*FAULTS, "tests.test_soils", "--check-isolation", "--parallel", "1", artifacts=tmp_path)
    assert run.code == 0
    said = [notice.text for notice in run.report.notices if notice.code == "soiled"]
    assert len(said) == 3
    assert any(
        text.startswith("tests.test_soils.SoilingTests: default: leaves rows in shop_account (+1)") for text in said
    )
    assert "tests.test_soils.OpenTests: default: leaves 1 connections open" in said
    assert any(text.startswith("tests.test_soils.SoilingTests: default: moves 1 sequence") for text in said)
    assert "SoilingTests" in run.out


@pytest.mark.docker
@pytest.mark.parametrize(("network", "reached"), [("open", "PASSED"), ("isolated", "ERRORED")])
def test_an_isolated_network_reaches_the_servers_alone(tmp_path: Path, network: str, reached: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it asks which address this machine would send from
        peer = f"{probe.getsockname()[0]}:{listening.getsockname()[1]}"
        env = environment(FAULTS_PEER=peer)
        run = harness(*FAULTS, "tests.test_reach", "--network", network, artifacts=tmp_path, env=env)
    assert {test.rpartition(".")[2]: outcome for test, outcome in run.outcomes.items()} == {
        "test_the_servers": "PASSED",
        "test_the_machine": reached,
        "test_the_networks_gateway": reached,
    }, run.output
