"""Connecting to an engine: where it is, and the error if it cannot be used."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host.docker.client import unreachable

REPOSITORY = Path(__file__).parents[4]


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_the_hint_names_the_ways_to_start_an_engine() -> None:
    error = unreachable(_caused(RuntimeError("aborted"), FileNotFoundError(2, "no socket")), "")
    assert "No Docker engine answers" in error.message
    assert "ci/engine" in error.hint
    assert "DOCKER_HOST" in error.hint


def test_an_engine_elsewhere_is_named_without_its_credentials() -> None:
    error = unreachable(ConnectionRefusedError("ssh://me:hush@build.test refused"), "ssh://me:hush@build.test")
    assert "ssh://build.test" in error.message
    assert "hush" not in error.message + error.hint + error.evidence


@pytest.mark.parametrize(
    "error",
    [
        _caused(RuntimeError("aborted"), PermissionError(13, "Permission denied")),
        # the libraries pass the reason on as an argument of their own error
        RuntimeError("fetching the version", ConnectionError("Connection aborted.", PermissionError(13, "denied"))),
    ],
)
def test_a_socket_that_is_closed_to_the_user_has_its_own_hint(error: Exception) -> None:
    assert "group docker" in unreachable(error, "").hint


def test_a_real_client_reports_a_missing_socket() -> None:
    code = (
        "from harness.host.docker.client import connect\n"
        "from harness.errors import ServerError\n"
        "try:\n    connect()\nexcept ServerError as error:\n    print(error.exit_code.value, error.message)\n"
    )
    environment = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "3 No Docker engine answers at unix:///nowhere/docker.sock (DOCKER_HOST).\n"


def test_a_context_whose_engine_is_dead_is_named(tmp_path: Path) -> None:
    """Covers a context stored as Docker's own client stores it, and one that does not exist, with the real command."""
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"colima").hexdigest()
    meta.mkdir(parents=True)
    endpoint = {"Host": f"unix://{tmp_path}/gone.sock", "SkipTLSVerify": False}
    (meta / "meta.json").write_text(json.dumps({"Name": "colima", "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    (tmp_path / "config.json").write_text('{"currentContext": "colima"}')
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    cases = [
        ({}, "No Docker engine answers behind the Docker context 'colima'."),
        ({"DOCKER_CONTEXT": "nowhere"}, "There is no Docker context 'nowhere'"),
    ]
    for changes, said in cases:
        ended = subprocess.run(
            [sys.executable, "-m", "harness", "doctor"],
            env={**environ, "PYTHONPATH": str(REPOSITORY), "DOCKER_CONFIG": str(tmp_path), **changes},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode in (0, 3), ended.stderr
        of_engine = ended.stdout.partition("Docker engine")[2].partition("Local ")[0]
        assert said in of_engine
        assert "DOCKER_CONTEXT=default" in of_engine
        assert "apt-get" not in of_engine
