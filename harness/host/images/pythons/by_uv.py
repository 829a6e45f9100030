"""``uv python install``: an interpreter from the source that the user's uv has, in a folder of its own.

uv reads its own settings: variables such as ``UV_PYTHON_INSTALL_MIRROR`` and ``UV_PYTHON_DOWNLOADS``, ``uv.toml``, proxies and
certificates. Where this machine has no uv, pip installs one for this purpose.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import ServerError
from harness.host import programs
from harness.host.images.pythons.interpreters import Interpreter
from harness.host.project.python_version import Wanted, series_of

DEADLINE_S = 600
"""The longest time, in seconds, of a download."""
GLIBC = "2.17"
"""The oldest glibc that the interpreters of uv's source run with, by its documentation."""
EVIDENCE_LINES = 8


def install(python: Wanted, machine: str, folder: Path, project: Path) -> Interpreter:
    """The interpreter that uv has installed in *folder*, for *machine*, with the settings of *project*.

    Raises ``ServerError`` with uv's own words.
    """
    environ = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(folder / "python"), "UV_PYTHON_INSTALL_BIN": "0"}
    request = f"cpython-{python.version}-linux-{machine}-gnu"
    _run([_find(folder), "python", "install", request], project, environ)
    installed = [path for path in (folder / "python").glob("cpython-*") if path.is_dir() and not path.is_symlink()]
    if not installed:
        raise ServerError(f"uv has installed no {request}.")
    interpreter = read(installed[0], machine)
    if not python.accepts(interpreter.release):
        raise ServerError(f"the newest that uv has is {interpreter.release}.")
    return interpreter


def read(folder: Path, machine: str) -> Interpreter:
    """The interpreter in a *folder* that uv has made, called ``cpython-3.12.4-linux-x86_64-gnu``. Does not run it: it may
    be for another machine.
    """
    release = folder.name.split("-")[1]
    name = f"python{series_of(release)}"
    return Interpreter(
        executable=(folder / "bin" / name).resolve(),
        release=release,
        build=f"{folder.name} {(folder / 'BUILD').read_text().strip() if (folder / 'BUILD').is_file() else ''}",
        machine=machine,
        glibc=GLIBC,
        prefix=folder,
        stdlib=folder / "lib" / name,
        includes=(folder / "include" / name,),
        library=next(map(str, sorted((folder / "lib").glob(f"lib{name}.so.*"))), ""),
    )


def find_uv() -> str:
    """The path of this machine's uv; empty where it has none."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else "")


def _find(folder: Path) -> str:
    """The path of uv; installs one in *folder* where this machine has none."""
    if found := find_uv():
        return found
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    _run([*pip, "--disable-pip-version-check", "--target", str(folder / "uv"), "uv"], folder, os.environ)
    return str(folder / "uv" / "bin" / "uv")


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
    ended = programs.run(command, DEADLINE_S, environ, folder)
    if ended.code != 0:
        raise ServerError(ended.last_lines(EVIDENCE_LINES))
