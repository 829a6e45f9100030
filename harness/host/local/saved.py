"""Runs ``images/save.sh`` beside a local server, and ends one whose lease another process has held."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import ServerError
from harness.host.engines import HOME_VARIABLE
from harness.host.local import folders, processes
from harness.host.local.account import Account
from harness.host.local.environment import environment_of, socket_variables
from harness.host.local.folders import Description
from harness.host.seeds.saved import NICE, SEED, Script, failed

_CHUNK = 1 << 20


def script(folder: Path, account: Account) -> Script:
    """The script beside the server in *folder*, which is its working directory too: it ends at the latest with the server."""

    def run(words: Sequence[str], errors: bytearray) -> Iterator[bytes]:
        description = folders.read(folder)
        if description is None:
            raise ServerError("A local server whose data was to be saved has ended.")
        if words[0] == SEED:
            _be_nice(folder)
        environment = script_environment(folder, description)
        with tempfile.TemporaryFile() as told:
            try:
                process = subprocess.Popen(
                    ["sh", f"{description.parts}/save.sh", *words],
                    env=environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=told,
                    start_new_session=True,
                    **account.process_options,
                )
            except OSError as error:
                raise ServerError("The data of a local server could not be saved.", evidence=str(error)) from error
            with process:
                assert process.stdout is not None
                try:
                    yield from iter(lambda: process.stdout.read(_CHUNK), b"")  # type: ignore[union-attr]  # as asserted
                except BaseException:
                    process.kill()
                    raise
            told.seek(0)
            errors += told.read()
        if process.returncode != 0:
            raise failed(errors)

    return run


def script_environment(folder: Path, description: Description) -> dict[str, str]:
    """The environment of a script beside the server in *folder*, as ``images/entry.sh`` has it there."""
    environment = environment_of(description.folders, description.variables, os.environ)
    environment |= {**socket_variables(str(folder), description.port), **description.environment}
    environment |= {HOME_VARIABLE: str(folder), "HARNESS_PARTS": description.parts}
    return environment | {"HARNESS_PORT": str(description.port), "HARNESS_ADDRESS": description.address}


def _be_nice(folder: Path) -> None:
    """The work of other runs is more urgent."""
    if (main := processes.main_process(folder)) is not None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PGRP, os.getpgid(main), NICE)


def await_removal(paths: Sequence[Path], account: Account, seconds: float) -> None:
    """Wait until the supervisors of the folders *paths*, whose leases have ended, have removed these; at most *seconds*, and then
    remove them.
    """
    until = time.monotonic() + seconds
    while (left := [path for path in paths if path.exists()]) and time.monotonic() < until:
        time.sleep(0.01)
    folders.remove(account, left)
