"""The Pythons of this machine, each with the Django that it is tested with, in environments below ``.cache/``.

The interpreter that runs the tests is always one of them, with the Django that it has. Whatever else of ``SERIES`` is on the
machine gets an environment of its own, made once. What is missing is said in the summary of each run of the tests.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import django

from tests.environments import python_with

SERIES = {(3, 11): "5.2", (3, 12): "6.0", (3, 13): "6.1", (3, 14): "6.1"}
"""The series of Django that each Python is tested with: each supported one of either at least once."""
_ASK = "import sys; print(*sys.version_info[:3], sys.implementation.name)"


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the series of Django that it runs; *path* has it already if it is the one that runs the tests."""

    path: str
    version: str
    series: str

    @property
    def is_running(self) -> bool:
        return self.path == sys.executable

    def __str__(self) -> str:
        return f"python{self.version}-django{self.series}"


def running() -> Interpreter:
    return Interpreter(sys.executable, ".".join(map(str, sys.version_info[:3])), ".".join(map(str, django.VERSION[:2])))


@functools.cache
def available() -> tuple[Interpreter, ...]:
    """The running interpreter, and one for each other Python of ``SERIES`` that there is."""
    found = [running()]
    for minor, series in SERIES.items():
        if minor != sys.version_info[:2] and (python := _find(minor)):
            found.append(Interpreter(*python, series))
    return tuple(found)


def missing() -> list[str]:
    """The entries of ``SERIES`` that are not tested here."""
    there = {tuple(map(int, interpreter.version.split(".")[:2])): interpreter.series for interpreter in available()}
    return [
        f"Python {'.'.join(map(str, minor))} with Django {series}"
        for minor, series in SERIES.items()
        if there.get(minor) != series
    ]


def python_of(interpreter: Interpreter) -> str:
    """A Python that can import Django and the packages that the runner needs; made first if it is not there."""
    if interpreter.is_running:
        return sys.executable
    wanted = (f"django=={interpreter.series}.*", "tblib>=3.0")
    return str(python_with(f"runner/{interpreter}", *wanted, python=interpreter.path))


def _find(minor: tuple[int, int]) -> tuple[str, str] | None:
    """The path and the version of a CPython *minor*, where PATH, pyenv or a CI's tool cache has one."""
    name = ".".join(map(str, minor))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    tools = Path(os.environ.get("RUNNER_TOOL_CACHE", "/opt/hostedtoolcache")) / "Python"
    candidates = [
        shutil.which(f"python{name}"),
        *map(str, sorted(pyenv.glob(f"{name}.*/bin/python"))),
        *map(str, sorted(tools.glob(f"{name}.*/*/bin/python"))),
    ]
    for path in filter(None, candidates):
        # a pyenv shim is there for every version, and works for the chosen ones alone
        answer = subprocess.run([path, "-c", _ASK], capture_output=True, text=True)
        *version, implementation = answer.stdout.split() or [""]
        if answer.returncode == 0 and tuple(map(int, version[:2])) == minor and implementation == "cpython":
            return path, ".".join(version)
    return None
