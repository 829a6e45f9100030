"""``harness doctor`` on the real engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode

pytestmark = pytest.mark.docker


def test_doctor_describes_the_engine_that_answers():
    process = subprocess.run(
        [sys.executable, "-m", "harness", "doctor"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    rows = {line[9:].split("  ")[0]: line for line in process.stdout.splitlines() if line[:8].strip()}
    version = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert rows["Docker engine"].startswith("ok")
    assert version in rows["Docker engine"]
    assert process.stderr == ""
    is_usable = not any(line.startswith("missing") for line in rows.values())
    assert process.returncode == (ExitCode.GREEN if is_usable else ExitCode.SERVERS)
