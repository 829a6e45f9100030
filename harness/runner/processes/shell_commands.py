"""Runs the shell commands that prepare the project: compiled messages, built assets, local settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from ...errors import ProjectError
from ..text import cut

OUTPUT_CHARACTERS = 20_000


def run_commands(commands: Iterable[str]) -> None:
    """Run *commands* in the working directory, one after the other; ``python`` is the one that runs the tests.

    Their output goes to standard error. Raises ``ProjectError`` for the first that fails.
    """
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environment = {**os.environ, "PATH": os.pathsep.join(filter(None, places))}
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        sys.stderr.write(output)
        if done.returncode != 0:
            raise ProjectError(
                f"A command of before ended with the status {done.returncode}: {command}",
                hint="Correct it in [tool.harness] before; apt and install say what is installed where it runs.",
                evidence=cut(output, OUTPUT_CHARACTERS),
            )
