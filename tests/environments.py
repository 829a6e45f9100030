"""Virtual environments for tests, below ``.cache/``: each is made once, and kept."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"


def python_with(name: str, *arguments: str, python: str = sys.executable) -> Path:
    """The Python of the environment *name*, in which pip has installed *arguments*. *python* makes it if it is not there.

    Raises ``AssertionError`` with the output of a command that fails.
    """
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "venv" / "bin" / "python"
    wanted = "\n".join((python, *arguments))
    complete = folder / "complete"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists() or complete.read_text() != wanted:
            _run(python, "-m", "venv", "--clear", str(folder / "venv"))
            _run(str(program), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments)
            complete.write_text(wanted)
    return program


def packages_in(name: str, *requirements: str) -> Path:
    """A folder for ``PYTHONPATH`` with *requirements* alone, for this Python. Raises as ``python_with`` does."""
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    packages, complete = folder / "packages", folder / "complete"
    wanted = "\n".join((sys.executable, *requirements))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists() or complete.read_text() != wanted:
            shutil.rmtree(packages, ignore_errors=True)
            options = ("-q", "--disable-pip-version-check", "--no-deps", f"--target={packages}")
            _run(sys.executable, "-m", "pip", "install", *options, *requirements)
            complete.write_text(wanted)
    return packages


def _run(*command: str) -> None:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, f"{command} exited with {result.returncode}:\n{result.stdout}"
