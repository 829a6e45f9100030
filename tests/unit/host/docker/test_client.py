"""What is said when no engine can be used, and how a registry's answer is read."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host.docker.client import unreachable
from harness.host.images.base_images import label_changes, pull_failure, registry_of

REPOSITORY = Path(__file__).parents[4]


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_an_engine_that_nobody_started_comes_with_the_ways_to_start_one() -> None:
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
def test_a_socket_that_is_not_open_to_the_user_is_told_as_that(error) -> None:
    assert "group docker" in unreachable(error, "").hint


def test_a_socket_that_is_not_there_is_told_by_a_real_client() -> None:
    code = (
        "from harness.host.docker.client import connect\n"
        "from harness.errors import ServerError\n"
        "try:\n    connect()\nexcept ServerError as error:\n    print(error.exit_code.value, error.message)\n"
    )
    environment = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "3 No Docker engine answers at unix:///nowhere/docker.sock (DOCKER_HOST).\n"


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("postgres:17", "docker.io"),
        ("postgis/postgis:17-3.5", "docker.io"),
        ("images.test/team/postgres:17", "images.test"),
        ("localhost:5000/postgres", "localhost:5000"),
        ("localhost/postgres", "localhost"),
    ],
)
def test_a_reference_names_its_registry(reference: str, registry: str) -> None:
    assert registry_of(reference) == registry


@pytest.mark.parametrize(
    ("event", "silent"),
    [
        (RuntimeError('Get "https://x": dial tcp: lookup x: no such host'), True),
        (TimeoutError("timeout: no word in 15 s"), True),
        ({"error": "net/http: request canceled (Client.Timeout exceeded): context deadline exceeded"}, True),
        ({"error": "manifest for python:3.99-slim not found: manifest unknown"}, False),
        (RuntimeError("pull access denied for shop, repository does not exist"), False),
    ],
)
def test_a_registry_that_is_not_reached_is_told_from_one_that_refuses(event, silent: bool) -> None:
    assert pull_failure(event).startswith("the registry does not answer") is silent


@pytest.mark.parametrize("event", [None, {"status": "Pull complete"}])
def test_what_goes_well_is_no_failure(event) -> None:
    assert pull_failure(event) == ""


def test_labels_survive_as_instructions() -> None:
    assert label_changes({"a.b-c": 'x "y"'}) == ['LABEL a.b-c="x \\"y\\""']


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
        assert ended.returncode == 3, ended.stderr
        assert said in ended.stdout
        assert "DOCKER_CONTEXT=default" in ended.stdout
        assert "apt-get" not in ended.stdout
