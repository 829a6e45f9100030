"""Common parts of all containers of a run: the network, the labels that they are found by, their state, their removal.

Touches no container or network without the harness's labels. ``server`` and ``runner`` beside it make the containers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import docker
import docker.errors

from harness.errors import ServerError
from harness.host.docker.errors import EVIDENCE_LINES, FAILURES, explanation, refused
from harness.host.platform import PersistentServer, State
from harness.protocol import naming

RUN_LABEL = f"{naming.LABEL}.run"
"""The label with the run's id, on every container and network of a run."""

ROLE_LABEL = f"{naming.LABEL}.role"
"""The label with the role: ``network``, ``runner``, ``primary``, ``replica`` or ``install``."""

MADE_LABEL = f"{naming.LABEL}.made"
"""The label with the time of creation, in seconds of the epoch by this machine's clock: the engine's can differ."""

SHM_BYTES = 256 << 20
"""The shared memory of a container: parallel queries and browsers need more than the engine's 64 MB."""

FIRST_PROCESS = """\
child= asked=
trap 'asked=1; [ -z "$child" ] || kill -s TERM "$child"' TERM
exec 3<&0
"$@" <&3 3<&- &
child=$!
[ -z "$asked" ] || kill -s TERM "$child"
exec 3<&- </dev/null
asked=
wait "$child"
code=$?
while [ -n "$asked" ]; do
    asked=
    wait "$child"
    again=$?
    [ "$again" = 127 ] || code=$again
done
exit "$code"
"""
"""A shell script that starts a command, passes SIGTERM on to it, reaps zombies, and ends with the command's status.

A ``wait`` that the trap interrupts returns the signal's status, even if the command has ended meanwhile; the next ``wait``
returns the command's status, or 127 if the first one already returned it.

Some programs behave differently as a container's first process: ``timeout`` of coreutils 9.10 ends at once with 125
there.
"""

REMOVAL_S = 5.0
"""The time, in seconds, for which a removal that the engine refuses is retried."""

ENGINE_BACK_S = 30.0
"""The time, in seconds, to wait for an engine that does not answer."""

ABANDONED_S = 3600
"""The least age, in seconds, of a dead run's containers and networks before another run removes them."""


@contextlib.contextmanager
def network(
    client: docker.DockerClient, run: str, *, is_isolated: bool = False, is_kept: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    """A network of *run*'s own, by name; from one that *is_isolated* nothing else can be reached. At the end it is
    removed, with every remaining container of the run and the remains of dead runs; unless *is_kept* says that another process
    removes the run.

    Raises ``ServerError`` when it cannot be made, or when something of the run could not be removed.
    """
    name = _create_network(client, run, is_isolated)
    try:
        yield name
    finally:
        if not is_kept():
            remove_run(client, run)
        remove_abandoned(client)


def persistent_network(client: docker.DockerClient, run: str, *, is_isolated: bool = False) -> str:
    """The name of the network of *run*, whose servers outlive it; made if it does not exist."""
    name = naming.network(run)
    with translate_errors(f"Docker could not make the network {name}"):
        exists = client.api.networks(filters={"label": f"{RUN_LABEL}={run}"})
    return name if exists else _create_network(client, run, is_isolated)


def _create_network(client: docker.DockerClient, run: str, is_isolated: bool) -> str:
    name = naming.network(run)
    # a network that is only internal still reaches the engine machine's address, and all that listens on it
    options = {"com.docker.network.bridge.inhibit_ipv4": "true"} if is_isolated else None
    with translate_errors(f"Docker could not make the network {name}"):
        client.api.create_network(
            name, driver="bridge", internal=is_isolated, options=options, labels=labels(run, "network")
        )
    return name


def persistent_servers(client: docker.DockerClient, run: str) -> dict[str, PersistentServer]:
    """The servers of *run* that are running, by host name."""
    chosen = {"label": f"{RUN_LABEL}={run}", "status": "running"}
    with translate_errors("Docker could not say which servers are kept"):
        found = [client.api.inspect_container(entry["Id"]) for entry in client.api.containers(filters=chosen)]
    return {
        entry["Config"]["Hostname"]: PersistentServer(
            entry["Id"], entry["Config"]["Image"], dict(pair.split("=", 1) for pair in entry["Config"]["Env"])
        )
        for entry in found
        if entry["Config"]["Labels"][ROLE_LABEL] in ("primary", "replica")
    }


def under_shell(command: Sequence[str]) -> list[str]:
    """*command* with a shell of the image as the container's first process, for an engine that has no init."""
    return ["sh", "-c", FIRST_PROCESS, "first", *command]


def labels(run: str, role: str) -> dict[str, str]:
    """The labels of a container or network that is made for *run* now."""
    return {RUN_LABEL: run, ROLE_LABEL: role, MADE_LABEL: f"{time.time():.0f}"}


def remove_run(
    client: docker.DockerClient, run: str, roles: Collection[str] = (), hosts: Collection[str] | None = None
) -> None:
    """Remove all that belongs to *run*, or only its containers of these *roles*, and of these *hosts* if they are given.

    Raises one ``ServerError`` for everything that could not be removed.
    """
    chosen = {"label": f"{RUN_LABEL}={run}"}
    names = None if hosts is None else {f"/{naming.container(run, host)}" for host in hosts}
    problems: list[str] = []
    _await_engine(client)
    try:
        containers = [
            entry["Id"]
            for entry in client.api.containers(all=True, filters=chosen)
            if (not roles or entry["Labels"].get(ROLE_LABEL) in roles)
            and (names is None or not names.isdisjoint(entry["Names"] or ()))
        ]
        remove_container = partial(client.api.remove_container, v=True, force=True)
        with ThreadPoolExecutor(max_workers=8) as pool:
            problems += pool.map(lambda id: _removal_problem(f"container {id[:12]}", remove_container, id), containers)
        for entry in () if roles else client.api.networks(filters=chosen):
            problems.append(_removal_problem(f"network {entry['Name']}", client.api.remove_network, entry["Id"]))
    except FAILURES as error:
        problems.append(explanation(error))
    if any(problems):
        raise ServerError(
            "Not everything of this run could be removed.",
            hint=f"docker ps -a --filter label={RUN_LABEL}={run} shows what is left.",
            evidence="\n".join(filter(None, problems)),
        )


def _await_engine(client: docker.DockerClient) -> None:
    """Wait a while for an engine that does not answer: while it restarts, nothing can be removed."""
    deadline = time.monotonic() + ENGINE_BACK_S
    while time.monotonic() < deadline:
        try:
            client.api.ping()
        except FAILURES:
            time.sleep(0.5)
        else:
            return


def remove_abandoned(client: docker.DockerClient) -> None:
    """Remove the remains of runs whose host was killed: made an hour ago, with no container alive.

    Raises nothing: this run does not depend on it.
    """
    with contextlib.suppress(*FAILURES, ServerError):
        for run in abandoned(client, ABANDONED_S):
            remove_run(client, run)


def abandoned(client: docker.DockerClient, age_s: float) -> dict[str, tuple[str, ...]]:
    """The names of the containers and networks of each run that has no live container, and one older than *age_s* seconds.

    A run that makes its images first has a network and nothing else for that long. A container that was never started
    does not count as alive. Raises ``ServerError``.
    """
    ours = {"label": [RUN_LABEL, MADE_LABEL]}
    with translate_errors("Docker could not say what runs have left behind"):
        containers = client.api.containers(all=True, filters=ours)
        networks = client.api.networks(filters=ours)
    alive = {entry["Labels"][RUN_LABEL] for entry in containers if entry["State"] not in ("created", "exited", "dead")}
    before = time.time() - age_s
    found = [entry for entry in (*containers, *networks) if entry["Labels"][RUN_LABEL]]
    old = {entry["Labels"][RUN_LABEL] for entry in found if float(entry["Labels"][MADE_LABEL]) < before}
    names: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(old - alive), ())
    for entry in found:
        if (run := entry["Labels"][RUN_LABEL]) in names:
            names[run] += (entry["Name"] if "Name" in entry else entry["Names"][0].removeprefix("/"),)
    return names


def _removal_problem(name: str, remove: Callable[[str], object], id: str) -> str:
    """Remove the container or network *id*; returns the reason of a failure, empty if it was removed.

    The engine refuses one that ends or is being removed at the same moment, so it is retried for a while.
    """
    until = time.monotonic() + REMOVAL_S
    while True:
        try:
            remove(id)
        except docker.errors.NotFound:
            return ""
        except FAILURES as error:
            if time.monotonic() > until:
                return f"{name}: {explanation(error)}"
            time.sleep(0.1)
        else:
            return ""


@contextlib.contextmanager
def translate_errors(what: str, client: docker.DockerClient | None = None, container: str = "") -> Iterator[None]:
    """Raise the engine's exceptions as a ``ServerError``, or as the end of *container* if it has ended by itself."""
    try:
        yield
    except FAILURES as error:
        if client is not None and container:
            check_running(client, container, what)
        raise refused(what, error) from error


def check_running(client: docker.DockerClient, container: str, what: str, before: Iterable[str] = ()) -> None:
    """Raise ``ServerError`` if *container* has ended, with its status, its output *before* and in its log.

    *what* is the operation that failed for that reason.
    """
    state = state_of(client, container)
    if state.is_running:
        return
    output = ""
    with contextlib.suppress(*FAILURES):  # a removed container has no log, nor has the runner's
        output = client.api.logs(container, tail=EVIDENCE_LINES).decode(errors="replace").strip()
    output = "\n".join(filter(None, [*before, output]))
    hint = "Its last output is part of this message." if output else "It had no output."
    raise ServerError(f"{what}: its container {state}.", hint=hint, evidence=output)


def state_of(client: docker.DockerClient, container: str) -> State:
    try:
        found = client.api.inspect_container(container)["State"]
    except docker.errors.NotFound:
        return State("removed")
    except FAILURES as error:
        raise refused(f"Docker could not say how the container {container[:12]} is", error) from error
    return State(found["Status"], found["ExitCode"], bool(found.get("OOMKilled")))
