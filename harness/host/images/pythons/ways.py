"""The ways to an interpreter where no image and no Debian has it: one of this machine, then ``uv python install``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError, ProjectError, ServerError
from harness.host.images.pythons import by_uv
from harness.host.images.pythons.interpreters import Interpreter, find
from harness.host.project.python_version import PYTHONS, Wanted


def interpreters(
    python: Wanted,
    machine: str,
    folder: Path,
    project: Path,
    reasons: list[str],
    on_progress: Callable[[str], None],
) -> Iterator[tuple[str, Interpreter]]:
    """The interpreters that fit *python* and *machine*, each with its way in words, the best first; each when asked for.

    Those of this machine need no network and are what the user runs. uv installs in *folder*, with the settings of *project*.
    The reason of a way that fails goes to *reasons*.
    """
    found, refused = find(python, machine)
    reasons += [f"{path}: {reason}" for path, reason in refused.items()]
    if not found and not refused:
        places = "on PATH, nor in the folders of uv, pyenv, setup-python, mise and asdf"
        reasons.append(f"this machine: no python{python.series} {places}")
    for each in found:
        yield f"{each.executable} of this machine", each
    on_progress(f"uv python install {python.version}")
    try:
        yield "uv python install", by_uv.install(python, machine, folder, project)
    except ServerError as error:
        reasons.append(f"uv python install: {error.message}")


def unobtainable(python: Wanted, source: str, reasons: Sequence[str]) -> HarnessError:
    """The error for a Python that none of the ways has; *source* asks for it, empty if it is the default."""
    kind = ProjectError if source else ServerError
    asked = f", which {source} asks for," if source else ""
    hint = (
        f"Install it on this machine, as with 'uv python install {python.version}' or 'pyenv install {python.version}',"
        f" or load the image python:{python.version}-slim into the engine."
    )
    possible = [version for version in PYTHONS if Wanted(version, python.ranges).has_more_than(python)]
    if possible:
        nearest = python.series if python.series in possible else possible[-1]
        hint += f' [tool.harness] python = "{nearest}" names another that the project allows.'
    return kind(f"Python {python}{asked} cannot be had here.", hint=hint, evidence="\n".join(dict.fromkeys(reasons)))
