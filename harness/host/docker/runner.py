"""The container that the runner runs in.

Owns how it is made, filled, attached to and ended. ``host.launch.conversation`` owns the messages over its streams.
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

import docker
import docker.errors
import requests.exceptions
from docker.types import LogConfig

from harness.errors import ServerError
from harness.host.docker import streams
from harness.host.docker.containers import SHM_BYTES, labels, state_of, translate_errors, under_shell
from harness.host.docker.errors import FAILURES, refused
from harness.host.platform import State
from harness.protocol import naming

RUNNER = "runner"
KILLED = 128 + signal.SIGKILL
OOM_SHOWS_S = 1.0
"""The longest time, in seconds, from the end of a killed container until the engine reports that it ran out of memory, or
has removed it.
"""


@dataclass(frozen=True, slots=True)
class RunnerSpec:
    """The options of the runner's container. ``network`` is the run's own, or ``None`` for the engine's default one. ``role`` is
    its label, and its name in the run.
    """

    run: str
    image: str
    command: Sequence[str]
    folder: str
    user: str
    network: str | None
    environment: Mapping[str, str] = field(repr=False)
    role: str = RUNNER


class RunnerContainer:
    """The container that the runner runs in: made, filled, attached to, started, in this order, so that no output is lost.

    Every method raises ``ServerError`` when the engine refuses. The caller removes it with ``remove_run``.
    """

    def __init__(self, client: docker.DockerClient, spec: RunnerSpec) -> None:
        self._client = client
        self._api = client.api
        self._spec = spec
        self.id = ""

    def create(self, *, init: bool = True) -> None:
        """Make the container, without starting it. *init*: its first process is the engine's own, if the engine has one."""
        spec = self._spec
        host_config = self._api.create_host_config(
            init=init,
            network_mode=spec.network,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            shm_size=SHM_BYTES,
            # the journal comes over the attached stream, so the engine need not log it as well
            log_config=LogConfig(type="none"),
        )
        with translate_errors("Docker could not make the runner's container"):
            self.id = self._api.create_container(
                spec.image,
                command=list(spec.command) if init else under_shell(spec.command),
                entrypoint=[],
                name=naming.container(spec.run, spec.role),
                hostname=spec.role,
                user=spec.user,
                working_dir=spec.folder,
                environment=dict(spec.environment),
                labels=labels(spec.run, spec.role),
                host_config=host_config,
                # with these two, the end of our connection is the end of its input: it sees that the host died
                stdin_open=True,
                detach=False,
            )["Id"]

    def put(self, folder: str, archive: IO[bytes] | bytes) -> None:
        """Unpack the tar *archive* in *folder*, which must exist. The container need not run."""
        with translate_errors(
            f"Docker could not bring files to {folder} in the runner's container", self._client, self.id
        ):
            self._api.put_archive(self.id, folder, archive)

    def get(self, path: str) -> Iterable[bytes] | None:
        """The file or folder *path* as a tar; ``None`` if it is not there. The container need not run."""
        with translate_errors(f"Docker could not bring {path} from the runner's container"):
            try:
                pieces: Iterable[bytes] = self._api.get_archive(self.id, path)[0]
            except docker.errors.NotFound:
                return None
        return pieces

    def attach_input(self) -> streams.Connection:
        """A connection to its standard input."""
        with translate_errors("Docker could not attach to the runner's container", self._client, self.id):
            return streams.open_input(self._api, self.id)

    def attach_output(self) -> streams.Connection:
        """A connection to its standard output and error together. Complete if attached before the start."""
        with translate_errors("Docker could not attach to the runner's container", self._client, self.id):
            return streams.open_output(self._api, self.id)

    def start(self) -> None:
        with translate_errors("Docker could not start the runner's container"):
            self._api.start(self.id)

    def signal(self, number: int) -> None:
        """Send a signal to its first process; does nothing if there is none."""
        with contextlib.suppress(ServerError, *FAILURES):
            self._api.kill(self.id, number)

    def wait(self, deadline_s: float) -> tuple[int, bool]:
        """Its exit status, and whether it ran out of memory.

        Raises ``ServerError`` if it has not ended after *deadline_s* seconds, and if it was removed.
        """
        try:
            status = int(self._api.wait(self.id, timeout=math.ceil(deadline_s))["StatusCode"])
        except (requests.exceptions.Timeout, requests.exceptions.ConnectionError) as error:
            # the client raises either of the two after a silence of its deadline
            state = self._existing_state()
            if state.is_running or state.code is None:
                raise ServerError(f"The runner's container had not ended after {deadline_s:g} s.") from error
            return state.code, state.oom_killed
        except docker.errors.NotFound as error:
            raise _removed() from error
        except FAILURES as error:
            raise refused("Docker could not say how the runner's container ended", error) from error
        state = self._existing_state()
        deadline = time.monotonic() + OOM_SHOWS_S
        while status == KILLED and not state.oom_killed and time.monotonic() < deadline:
            time.sleep(0.1)
            state = self._existing_state()
        return status, state.oom_killed

    def is_stopped(self) -> bool:
        """Whether the container is paused, or its command is stopped. False where the engine cannot tell."""
        # an engine may have no ps, or one that prints something else
        with contextlib.suppress(ServerError, KeyError, TypeError, ValueError, *FAILURES):
            if state_of(self._client, self.id).status == "paused":
                return True
            return is_command_stopped(self._api.top(self.id, ps_args="-o pid,ppid,stat")["Processes"])
        return False

    def _existing_state(self) -> State:
        state = state_of(self._client, self.id)
        if state.status in ("removed", "removing"):
            raise _removed()
        return state


def _removed() -> ServerError:
    return ServerError(
        "The runner's container was removed before the run was over.",
        hint="Another process did that, such as 'docker rm' or a clean-up of the machine; run it again.",
    )


def is_command_stopped(processes: Sequence[Sequence[str]]) -> bool:
    """Whether the command of a container is stopped. *processes* are the container's, each with its number, its
    parent's, and its state as ``ps`` prints it. The command is the oldest child of the first process.
    """
    rows = sorted((int(pid), int(parent), state) for pid, parent, state in processes)
    known = {pid for pid, _, _ in rows}
    first = next((pid for pid, parent, _ in rows if parent not in known), 0)
    return next((state for _, parent, state in rows if parent == first), "").startswith("T")
