"""Finds the Docker engine and connects to it, or explains why that cannot be done.

Owns the client's settings and the explanation of a failed connection. Starts no engine: ``ci/engine`` does.
"""

from __future__ import annotations

import contextlib
import os

import docker
from docker.context import ContextAPI

from harness.errors import ServerError
from harness.host.docker.errors import FAILURES
from harness.host.engine_address import ANSWER_S, context_of, docker_config, without_credentials

Client = docker.DockerClient
"""The client, which the rest of the host passes on without using it."""

CALL_TIMEOUT_S = 300
"""The longest silence of any later call: a commit of a large image and a stop of a container are one call each."""

CONNECTIONS = 32
"""The number of connections kept open: servers and images are started side by side."""


def connect() -> docker.DockerClient:
    """A client of the engine that ``DOCKER_HOST``, the client's context or the default socket names, after a successful
    ping.

    The caller closes it. Raises ``ServerError`` with the next step when no engine answers.
    """
    context = context_of(os.environ, docker_config(os.environ))
    if context and ContextAPI.get_context(context) is None:  # the library would use the engine of the default socket
        raise ServerError(
            f"There is no Docker context {context!r}, which DOCKER_CONTEXT or the Docker client's configuration names.",
            hint="'docker context ls' shows those that there are; DOCKER_CONTEXT=default takes the engine on this machine.",
        )
    with contextlib.ExitStack() as opened:
        try:
            client = docker.from_env(timeout=ANSWER_S, max_pool_size=CONNECTIONS, use_ssh_client=True)
            opened.callback(client.close)
            client.ping()
        except FAILURES as error:
            raise unreachable(error, os.environ.get("DOCKER_HOST", ""), context) from error
        opened.pop_all()
    client.api.timeout = CALL_TIMEOUT_S
    return client


def memory_bytes(client: docker.DockerClient) -> int:
    """The memory of the engine's machine in bytes; 0 where the engine does not report it."""
    try:
        return int(client.api.info().get("MemTotal") or 0)
    except FAILURES:
        return 0


def unreachable(error: BaseException, docker_host: str, context: str = "") -> ServerError:
    """The error to show for *error*, which was raised while connecting.

    *docker_host* is ``DOCKER_HOST``, *context* the client's; each is empty if it does not name the engine.
    """
    where = "on this machine"
    hint = (
        "Start Docker (systemctl start docker, or Docker Desktop), or set DOCKER_HOST to an engine elsewhere."
        " Where there is none, ci/engine of the harness's repository installs one (Debian, Ubuntu; as root)."
    )
    if context:
        where = f"behind the Docker context {context!r}"
        hint = (
            f"'docker context inspect {context}' shows where it should be. DOCKER_CONTEXT=default, or 'docker context use"
            " default', takes the engine on this machine."
        )
    elif docker_host:
        where = f"at {without_credentials(docker_host)} (DOCKER_HOST)"
        hint = "Start that engine, correct DOCKER_HOST, or unset it to use the engine on this machine."
    message = f"No Docker engine answers {where}."
    if any(isinstance(cause, PermissionError) for cause in _causes(error)):
        message = f"The Docker engine {where} may not be used by this user."
        hint = "Add the user to the group docker (sudo usermod -aG docker $USER, then log in again), or run as root."
    return ServerError(message, hint=hint, evidence=without_credentials(str(error)))


def _causes(error: BaseException) -> list[BaseException]:
    """*error* and all errors that it wraps: urllib3 and requests keep the original in ``args`` as often as a cause."""
    found = [error]
    for current in found:
        linked = [current.__cause__, current.__context__, *current.args]
        found += [link for link in linked if isinstance(link, BaseException) and not any(link is one for one in found)]
    return found
