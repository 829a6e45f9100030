"""Runs ``images/save.sh`` in the container of a server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import docker

from harness.host.docker.containers import translate_errors
from harness.host.docker.errors import FAILURES
from harness.host.seeds.saved import SEED, Script, failed

SAVE = "/opt/harness/save.sh"
"""The script in a server's image that makes a migrated seed of it."""
_FEW_SHARES = 256


def script(client: docker.DockerClient, container: str) -> Script:
    """The script beside the server in *container*."""

    def run(words: Sequence[str], errors: bytearray) -> Iterator[bytes]:
        api = client.api
        if words[0] == SEED:
            with contextlib.suppress(*FAILURES):  # the work of other runs is more urgent
                api.update_container(container, cpu_shares=_FEW_SHARES)
        with translate_errors("Docker could not read the data of a server", client, container):
            made = api.exec_create(container, ["sh", SAVE, *words])
            for out, err in api.exec_start(made["Id"], stream=True, demux=True):
                errors += err or b""
                if out:
                    yield out
            status = api.exec_inspect(made["Id"])["ExitCode"]
        if status != 0:
            raise failed(errors)

    return run
