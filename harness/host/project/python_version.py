"""Reads the Python version that the project declares, and chooses one of the versions that there are images for.

Reads ``pyproject.toml``, ``setup.cfg``, ``setup.py``, ``.python-version``, ``runtime.txt`` and ``Pipfile``; decides only.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.errors import HarnessError, ProjectError, UsageError
from harness.host.project.packaging_files import PackagingFiles, table_in

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_LATEST_PATCH = 60
"""A bound above the number of patch releases of any Python series."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The version or range in one file. ``place`` names the key and the file. ``binds``: no other version may be chosen,
    as with a range of versions; the version that developers use on their machines does not bind.
    """

    place: str
    text: str
    binds: bool
    allowed: tuple[SpecifierSet, ...]

    def allows(self, version: str) -> bool:
        """Whether some release of the series *version*, such as ``3.13``, is in the range."""
        return any(
            each.contains(f"{version}.{patch}") for each in self.allowed for patch in range(_LATEST_PATCH)
        )  # several ranges are a union, as Poetry writes it


def declarations(root: Path) -> tuple[Declaration, ...]:
    """All declarations of the project's Python version, the most exact first. Those that cannot be parsed are left out."""
    found = []
    for place, text, binds in _written(root):
        if text:
            with contextlib.suppress(InvalidSpecifier):
                found.append(Declaration(place, text, binds, tuple(_ranges(text))))
    return tuple(found)


def choose(declared: Sequence[Declaration], default: str) -> tuple[str, str]:
    """The version for a project without a configured one, and its source, empty for *default*.

    *default* where the project allows it, else the newest that it allows. Raises ``ProjectError`` if there is
    none.
    """
    fitting = [version for version in PYTHONS if all(each.allows(version) for each in declared)]
    if not fitting:
        places = ", ".join(f"{each.place} says {each.text!r}" for each in declared)
        allowed = [version for version in PYTHONS if all(each.allows(version) for each in declared if each.binds)]
        raise ProjectError(
            f"The harness has no Python that the project declares: {places}; there are {', '.join(PYTHONS)}.",
            hint=f"Name another: --python {allowed[-1]}." if allowed else "Correct the range.",
        )
    if default in fitting:
        return default, ""
    return fitting[-1], next(each.place for each in declared if not each.allows(default))


def check_chosen(declared: Sequence[Declaration], versions: Sequence[str], place: str) -> None:
    """Raise ``UsageError`` for one of *versions*, named by *place*, that the project's range excludes."""
    for version in versions:
        for each in declared:
            if each.binds and not each.allows(version):
                raise UsageError(
                    f"{place} names Python {version}, and {each.place} says {each.text!r}.",
                    hint="Name a version that the project allows, or widen the range.",
                )


def check_host(declared: Sequence[Declaration], named: Sequence[str], running: str) -> HarnessError | None:
    """The error if tests cannot run on this interpreter's series *running*, or ``None``; *named* are the configured
    versions, if any.
    """
    if named:
        if running in named:
            return None
        versions = ", ".join(named)
        return UsageError(
            f"Python {versions} was named, and --runner host runs the tests on this interpreter, which is {running}.",
            hint=f"Run harness with Python {named[0]}, or leave out --runner host.",
        )
    for each in declared:
        if not each.allows(running):
            return ProjectError(
                f"{each.place} says {each.text!r}, and --runner host runs the tests on this interpreter, which is {running}.",
                hint="Run harness with such a Python, or leave out --runner host."
                + ("" if each.binds else f" --python {running} takes this one."),
            )
    return None


def _written(root: Path) -> Iterator[tuple[str, str, bool]]:
    """The place and the text of each possible declaration, and whether it binds."""
    files = PackagingFiles(root)
    yield ".python-version", _python_version_file(files.text(".python-version")), False
    yield "runtime.txt", _python_version_file(files.text("runtime.txt")), False
    yield "requires-python of pyproject.toml", _string(files.table("project").get("requires-python")), True
    poetry = files.table("tool", "poetry", "dependencies").get("python")
    yield "[tool.poetry.dependencies] python of pyproject.toml", _string(poetry), True
    with contextlib.suppress(ProjectError):  # the installation reads this file too, and raises the error
        text = files.setup_cfg.get("options", "python_requires", fallback="")
        yield "python_requires of setup.cfg", text, True
    yield "python_requires of setup.py", _from_setup_py(files.text("setup.py")), True
    pipfile = table_in(files.pipfile, "requires")
    yield "Pipfile", _string(pipfile.get("python_full_version") or pipfile.get("python_version")), False


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _python_version_file(text: str) -> str:
    """The first version of CPython in *text*; names of ``pyenv``'s environments are skipped."""
    for line in text.splitlines():
        match = re.match(r"\s*(?:c?python-?@?)?(\d+\.\d+)(?:\.\d+)?(?:[-a-z].*)?\s*$", line)
        if match:
            return match[1]
    return ""


def _from_setup_py(text: str) -> str:
    """The literal ``python_requires`` of ``setup.py``, read without running it."""
    with contextlib.suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.keyword(arg="python_requires", value=ast.Constant(value=str(literal))):
                    return literal
    return ""


def _ranges(text: str) -> Iterator[SpecifierSet]:
    """The ranges in *text*, in the notation of PEP 440 or of Poetry. Raises ``InvalidSpecifier``."""
    for union in text.split("||"):
        parts = [part for part in re.split(r"\s*,\s*|(?<=[\d*])\s+(?=[<>=!~^])", union.strip()) if part]
        yield SpecifierSet(",".join(filter(None, map(_pep_440, parts))))


def _pep_440(part: str) -> str:
    """A clause in Poetry's notation as one or two of PEP 440; other clauses unchanged."""
    match = re.fullmatch(r"(\^|~(?!=)|)\s*(\d+)(?:\.(\d+))?((?:\.\d+)*)(\.\*)?", part)
    if part == "*" or match is None:
        return "" if part == "*" else part
    operator, major, minor, patch, _ = match.groups()
    if operator == "^" or (operator == "~" and minor is None):
        return f">={major}.{minor or 0}{patch},<{int(major) + 1}"
    if operator == "~":
        return f">={major}.{minor}{patch},<{major}.{int(minor) + 1}"
    return f"=={major}.{minor}.*" if minor is not None else f"=={major}.*"
