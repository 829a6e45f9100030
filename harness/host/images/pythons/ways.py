"""The ways to an interpreter where no image and no Debian has it: one of this machine, then ``uv python install``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError, ProjectError, ServerError
from harness.host.images.debian import PYTHON_SUITES
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


def known(series: str, references: Collection[str], found: Sequence[Interpreter], *, registry: bool) -> list[str]:
    """The ways to a Python of *series* that this machine knows without a download, in words, the best first.

    *references* are the images that the engine has, *found* the interpreters of this machine; *registry*: one may answer.
    """
    official, source = f"python:{series}-slim", PYTHON_SUITES.get(series)
    if official in references:
        return [f"the image {official}"]
    words = [f"the image {official} of a registry"] if registry else []
    if source:
        words.append(f"Debian {source.suite}" + (f" ({source.release})" if source.release else ""))
    words += [f"{each.executable} ({each.release})" for each in found[:1]]
    return [*words, "uv python install"]


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
