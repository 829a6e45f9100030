"""Runs a program of this machine to its end, and takes its output as evidence or as an answer. Imports nothing of ours."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended: its exit status, and its standard output and error together.

    ``code`` is ``None`` where it could not be started or did not end in time; ``output`` is the error's text then.
    """

    code: int | None
    output: str

    def last_lines(self, count: int) -> str:
        """The last *count* lines of the output that are not empty."""
        return "\n".join([line for line in self.output.splitlines() if line.strip()][-count:])


def run(
    command: Sequence[str], deadline_s: float, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Ended:
    """Run *command* without input. *environ* are all of its variables; by default it has those of this process."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=deadline_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Ended(None, str(error))
    return Ended(done.returncode, done.stdout)


def answer(command: Sequence[str], deadline_s: float, folder: Path | None = None) -> str:
    """The standard output of *command*; empty where it cannot be started, fails, or does not end in time."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline_s,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
