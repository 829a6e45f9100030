"""The data of a server's container as a migrated seed: what it has besides the clones, and the tar of its data directory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import docker

from harness.errors import ServerError
from harness.host.docker.containers import translate_errors
from harness.host.docker.errors import FAILURES

SAVE = "/opt/harness/save.sh"
"""The script in a server's image that makes a migrated seed of it."""
BUSY = "busy"
"""The line of a server's state while a session on a template may still write."""
CHANGED = "changed "
"""The beginning of the line of something that is newer than the clones."""
_TRIES, _PAUSE_S = 20, 0.05
_FEW_SHARES = 256
_LAST_LINES = 30


class Data:
    """The data of the server in *container*. Its templates get clones for *slots* slots; ``slots`` is then how many have them."""

    def __init__(self, client: docker.DockerClient, container: str, templates: Sequence[str], slots: int) -> None:
        self._client = client
        self._container = container
        self._templates = templates
        self.slots = slots

    def state(self, since: str = "") -> str:
        """A list of all that the server has but clones, for ``difference``; *since* is an earlier one. Raises ``ServerError``."""
        command = ["sh", SAVE, "state", since.partition("\n")[0], *self._templates]
        for _ in range(_TRIES):
            with translate_errors("Docker could not ask a server what it has", self._client, self._container):
                made = self._client.api.exec_create(self._container, command)
                text = self._client.api.exec_start(made["Id"]).decode(errors="replace")
                status = self._client.api.exec_inspect(made["Id"])["ExitCode"]
            if status != 0:
                raise ServerError("A server could not say what it has.", evidence=text.strip())
            if BUSY not in text.splitlines():
                return text
            time.sleep(_PAUSE_S)
        raise ServerError("A session on a template does not end.")

    def read(self) -> Iterator[bytes]:
        """Make the clones anew, end the server, and give its data directory as a tar, in pieces. Raises ``ServerError``."""
        api = self._client.api
        with contextlib.suppress(*FAILURES):  # the work of other runs is more urgent
            api.update_container(self._container, cpu_shares=_FEW_SHARES)
        command = ["sh", SAVE, "seed", str(self.slots), *self._templates]
        errors = b""
        with translate_errors("Docker could not read the data of a server", self._client, self._container):
            made = api.exec_create(self._container, command)
            for out, err in api.exec_start(made["Id"], stream=True, demux=True):
                errors += err or b""
                if out:
                    yield out
            status = api.exec_inspect(made["Id"])["ExitCode"]
        lines = errors.decode(errors="replace").strip().splitlines()
        if status != 0 or not lines or not lines[-1].isdecimal():
            raise ServerError("The data of a server could not be saved.", evidence="\n".join(lines[-_LAST_LINES:]))
        self.slots = int(lines[-1])


def difference(before: str, after: str) -> str:
    """The first line by which a server's state *after* the tests differs from that *before*; empty if it is the same."""
    first, second = before.splitlines()[1:], after.splitlines()[1:]
    # the first tests may run already while the state before them is read
    if newer := [line for line in (*first, *second) if line.startswith(CHANGED)]:
        return newer[0]
    changed = [line for line in (*second, *first) if (line in first) != (line in second)]
    return changed[0] if changed else "" if first == second else "another order"
