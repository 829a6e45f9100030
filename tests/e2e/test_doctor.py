"""``harness doctor`` on the real engine."""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.doctor import LEFT_BEHIND_S
from harness.protocol import naming

pytestmark = pytest.mark.docker


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_only_the_remains_of_a_lost_machine_are_removed() -> None:
    old, new = (secrets.token_hex(4) for _ in range(2))
    with contextlib.closing(connect()) as client:
        for run, age_s in ((old, LEFT_BEHIND_S + 60), (new, 0)):
            made = {**containers.labels(run, "network"), containers.MADE_LABEL: f"{time.time() - age_s:.0f}"}
            client.api.create_network(naming.network(run), labels=made)
        try:
            output = doctor().stdout
            assert naming.network(old) in output
            assert "harness doctor --remove" in output
            assert naming.network(new) not in output
            assert client.api.networks(names=[naming.network(old)])
            assert f"removed: {naming.network(old)}" in doctor("--remove").stdout
            assert not client.api.networks(names=[naming.network(old)])
            assert client.api.networks(names=[naming.network(new)])
        finally:
            containers.remove_run(client, old)
            containers.remove_run(client, new)


def test_doctor_describes_the_engine_that_answers() -> None:
    process = doctor()
    rows = {line[9:].split("  ")[0]: line for line in process.stdout.splitlines() if line[:8].strip()}
    version = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert rows["Docker engine"].startswith("ok")
    assert version in rows["Docker engine"]
    assert process.stderr == ""
    is_usable = not any(line.startswith("missing") for line in rows.values())
    assert process.returncode == (ExitCode.GREEN if is_usable else ExitCode.SERVERS)
