"""The interpreters of CPython on this machine: where they are, and what each says of itself.

``judge`` decides and is pure. An interpreter is run with ``images/python/describe.py``, and nothing of the project's.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.host.images import recipe
from harness.host.project.python_version import Wanted, series_of

ANSWER_S = 10
"""The longest time, in seconds, for an interpreter to describe itself."""

_FOLDERS = (
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python", "cpython-{}.*/bin"),
    ("PYENV_ROOT", ".pyenv", "versions/{}.*/bin"),
    ("RUNNER_TOOL_CACHE", "/opt/hostedtoolcache", "Python/{}.*/*/bin"),
    ("MISE_DATA_DIR", ".local/share/mise", "installs/python/{}.*/bin"),
    ("ASDF_DATA_DIR", ".asdf", "installs/python/{}.*/bin"),
)
"""The folders of uv, pyenv, setup-python, mise and asdf: the variable that names one, its default, and the path in it."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython on this machine, with the paths of its parts. ``release`` is such as ``3.12.4``, ``build`` its
    ``sys.version``, ``machine`` the architecture as the kernel names it. ``glibc`` is the version that it runs with here.

    ``library`` is its shared library and ``wheels`` the folder of its pip; each is empty for none.
    """

    executable: Path
    release: str
    build: str
    machine: str
    glibc: str
    prefix: Path
    stdlib: Path
    includes: tuple[Path, ...]
    library: str = ""
    wheels: str = ""


def places(series: str, environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Every path where an interpreter of *series* may be, whether it is one or not."""
    name = f"python{series}"
    if series == series_of(platform.python_version()):
        yield Path(sys.executable)
    for folder in filter(None, environ.get("PATH", os.defpath).split(os.pathsep)):
        yield Path(folder) / name
    yield from (Path("/usr/bin") / name, Path("/usr/local/bin") / name)
    data = environ.get("XDG_DATA_HOME")
    for variable, default, pattern in _FOLDERS:
        folder = environ.get(variable) or default
        if data and folder.startswith(".local/share/"):
            folder = folder.replace(".local/share", data, 1)
        for found in sorted((home / folder).glob(pattern.format(series)), reverse=True):
            yield found / name


def find(
    python: Wanted, machine: str, environ: Mapping[str, str] = os.environ
) -> tuple[list[Interpreter], dict[str, str]]:
    """The interpreters that fit *python* and can run on *machine*, the newest release first, and the reason for each
    other one of its series.
    """
    found: dict[Path, Interpreter] = {}
    reasons: dict[str, str] = {}
    seen: set[Path] = set()
    for path in places(python.series, environ, Path.home()):
        if not path.is_file() or path.resolve() in seen:
            continue
        seen.add(path.resolve())
        facts = described(path)
        if facts.get("implementation") is None or not str(facts["version"]).startswith(f"{python.series}."):
            continue  # a shim of pyenv's is there for each version, and works for the chosen ones alone
        if reason := judge(facts, python, machine):
            reasons[str(facts["executable"])] = reason
        else:
            interpreter = read(facts)
            found.setdefault(interpreter.executable, interpreter)
    return sorted(found.values(), key=lambda each: _numbers(each.release), reverse=True), reasons


def judge(facts: Mapping[str, Any], python: Wanted, machine: str) -> str:
    """The reason why the interpreter that describes itself by *facts* cannot be taken; empty if it can."""
    if facts["implementation"] != "cpython":
        return f"it is {facts['implementation']}"
    if facts["variant"]:
        return f"it is no usual build of CPython (its ABI is {facts['variant']!r})"
    if not python.accepts(facts["version"]):
        return f"it is {facts['version']}"
    if facts["machine"] != machine:
        return f"it is for {facts['machine']}, and the engine is {machine}"
    if not facts["glibc"]:
        return "it is not linked to glibc, as Debian's programs are"
    if facts["lacking"]:
        return f"it lacks {', '.join(facts['lacking'])}"
    return ""


def read(facts: Mapping[str, Any]) -> Interpreter:
    """The interpreter that describes itself by *facts*."""
    return Interpreter(
        executable=Path(facts["executable"]),
        release=facts["version"],
        build=facts["build"],
        machine=facts["machine"],
        glibc=facts["glibc"],
        prefix=Path(facts["prefix"]),
        stdlib=Path(facts["stdlib"]),
        includes=tuple(map(Path, facts["includes"])),
        library=facts["library"],
        wheels=facts["wheels"],
    )


def described(path: Path) -> Mapping[str, Any]:
    """The interpreter at *path* in its own words; empty where it does not answer."""
    script = dict(recipe.load(recipe.PYTHON).files)["describe.py"].decode()
    try:
        done = subprocess.run([path, "-I", "-c", script], capture_output=True, text=True, timeout=ANSWER_S, check=False)
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".") if part.isdigit())
