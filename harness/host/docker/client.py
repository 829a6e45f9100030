"""Finds the Docker engine and connects to it, or explains why that cannot be done.

Owns the client's settings and the explanation of a failed connection. Starts no engine: ``ci/engine`` does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
from docker.context import ContextAPI

from harness.errors import ServerError
from harness.host.docker.errors import FAILURES

Client = docker.DockerClient
"""The client, which the rest of the host passes on without using it."""

CONNECT_TIMEOUT_S = 10
"""The longest time until an engine answers the first request."""

CALL_TIMEOUT_S = 300
"""The longest silence of any later call: a commit of a large image and a stop of a container are one call each."""

CONNECTIONS = 32
"""The number of connections kept open: servers and images are started side by side."""

DEFAULT_CONTEXT = "default"


def connect() -> docker.DockerClient:
    """A client of the engine that ``DOCKER_HOST``, the client's context or the default socket names, after a successful
    ping.

    The caller closes it. Raises ``ServerError`` with the next step when no engine answers.
    """
    _check_context()
    try:
        client = docker.from_env(timeout=CONNECT_TIMEOUT_S, max_pool_size=CONNECTIONS, use_ssh_client=True)
    except FAILURES as error:
        raise unreachable(error, os.environ.get("DOCKER_HOST", ""), _context()) from error
    try:
        client.ping()
    except FAILURES as error:
        client.close()
        raise unreachable(error, os.environ.get("DOCKER_HOST", ""), _context()) from error
    client.api.timeout = CALL_TIMEOUT_S
    return client


def memory_bytes(client: docker.DockerClient) -> int:
    """The memory of the engine's machine in bytes; 0 where the engine does not report it."""
    try:
        return int(client.api.info().get("MemTotal") or 0)
    except FAILURES:
        return 0


def _context() -> str:
    return context_of(os.environ, docker_config(os.environ))


def _check_context() -> None:
    """Raise ``ServerError`` for a context that does not exist: the library would use the default socket's engine."""
    context = _context()
    if context and ContextAPI.get_context(context) is None:
        raise ServerError(
            f"There is no Docker context {context!r}, which DOCKER_CONTEXT or the Docker client's configuration names.",
            hint="'docker context ls' shows those that there are; DOCKER_CONTEXT=default takes the engine on this machine.",
        )


def unreachable(error: BaseException, docker_host: str, context: str = "") -> ServerError:
    """The error to show for *error*, which was raised while connecting.

    *docker_host* is ``DOCKER_HOST``, *context* the client's; each is empty if it does not name the engine.
    """
    where = f"at {without_credentials(docker_host)} (DOCKER_HOST)" if docker_host else "on this machine"
    if context:
        where = f"behind the Docker context {context!r}"
    evidence = without_credentials(str(error))
    if any(isinstance(cause, PermissionError) for cause in _causes(error)):
        return ServerError(
            f"The Docker engine {where} may not be used by this user.",
            hint="Add the user to the group docker (sudo usermod -aG docker $USER, then log in again), or run as root.",
            evidence=evidence,
        )
    if docker_host:
        return ServerError(
            f"No Docker engine answers {where}.",
            hint="Start that engine, correct DOCKER_HOST, or unset it to use the engine on this machine.",
            evidence=evidence,
        )
    if context:
        return ServerError(
            f"No Docker engine answers {where}.",
            hint=f"'docker context inspect {context}' shows where it should be. DOCKER_CONTEXT=default, or 'docker context use"
            " default', takes the engine on this machine.",
            evidence=evidence,
        )
    return ServerError(
        f"No Docker engine answers {where}.",
        hint=(
            "Start Docker (systemctl start docker, or Docker Desktop), or set DOCKER_HOST to an engine elsewhere."
            " Where there is none, ci/engine of the harness's repository installs one (Debian, Ubuntu; as root)."
        ),
        evidence=evidence,
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """*error* and all errors that it wraps: urllib3 and requests keep the original in ``args`` as often as a cause."""
    queue: list[BaseException] = [error]
    seen: list[BaseException] = []
    while queue:
        current = queue.pop()
        if any(current is known for known in seen):
            continue
        seen.append(current)
        yield current
        linked = [current.__cause__, current.__context__, *current.args]
        queue.extend(link for link in linked if isinstance(link, BaseException))


def docker_config(environ: Mapping[str, str]) -> str:
    """The text of the client's ``config.json``; empty where there is none."""
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME") or Path.home()) / ".docker")
    with contextlib.suppress(OSError):
        return (Path(folder) / "config.json").read_text("utf-8", "replace")
    return ""


def context_of(environ: Mapping[str, str], config: str) -> str:
    """The client's context that names the engine; empty where ``DOCKER_HOST`` or the default socket does."""
    if environ.get("DOCKER_HOST"):
        return ""
    named = environ.get("DOCKER_CONTEXT", "")
    if not named:
        with contextlib.suppress(ValueError, AttributeError):
            named = str(json.loads(config).get("currentContext") or "")
    return "" if named == DEFAULT_CONTEXT else named


def found_by(environ: Mapping[str, str], config: str) -> str:
    """The source of the engine's address, for people. *config* is the text of ``config.json``, or empty."""
    if host := environ.get("DOCKER_HOST"):
        return f"DOCKER_HOST ({without_credentials(host)})"
    if context := context_of(environ, config):
        return f"DOCKER_CONTEXT ({context})" if environ.get("DOCKER_CONTEXT") else f"the context {context}"
    return "the default socket"


def without_credentials(text: str) -> str:
    return re.sub(r"(\w+://)[^/@\s]*@", r"\1", text)
