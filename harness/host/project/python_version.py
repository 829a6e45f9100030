"""Reads the Python version that the project declares, and chooses one of the versions that a run can have.

Reads ``pyproject.toml``, ``setup.cfg``, ``setup.py``, ``.python-version``, ``runtime.txt``, ``Pipfile`` and the lock; decides
only.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.errors import HarnessError, ProjectError, UsageError
from harness.host.project.packaging_files import PackagingFiles, folders_above, table_in

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_LATEST_PATCH = 60
"""A bound above the number of patch releases of any Python series."""

_VERSION = re.compile(r"(?:c?python-?@?)?(\d+\.\d+(?:\.\d+)?)((?:[-+a-z].*)?)", re.IGNORECASE)
_VARIANT = re.compile(r"t\b|\+?.*free-?threaded|\+?d(ebug)?\b", re.IGNORECASE)
_OTHER = re.compile(
    r"(pypy|graalpy|micropython|jython|ironpython|pyston|stackless|cinder|miniconda|anaconda)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The version or range in one file. ``place`` names the key and the file. ``binds``: no other version may be chosen,
    as with a range of versions; the version that developers use on their machines does not bind.

    ``is_other_build``: it asks for another Python than the usual build of CPython, and allows no version.
    """

    place: str
    text: str
    binds: bool
    allowed: tuple[SpecifierSet, ...]
    is_other_build: bool = False

    def allows(self, version: str) -> bool:
        """Whether *version* is in the range: a release such as ``3.13.2``, or some release of a series such as ``3.13``."""
        return any(self.accepts(release) for release in _releases(version))

    def accepts(self, release: str) -> bool:
        return any(each.contains(release) for each in self.allowed)  # several ranges are a union, as Poetry writes it


@dataclass(frozen=True, slots=True)
class Wanted:
    """The Python of a run: a series such as ``3.12``, or one release such as ``3.12.4``. ``ranges`` are the project's."""

    version: str
    ranges: tuple[Declaration, ...] = ()

    @property
    def series(self) -> str:
        return series_of(self.version)

    @property
    def takes_every_release(self) -> bool:
        """Whether every release of the series will do."""
        return all(map(self.accepts, _releases(self.series)))

    def has_more_than(self, other: Wanted) -> bool:
        """Whether it accepts a release that *other* does not."""
        return any(self.accepts(release) and not other.accepts(release) for release in _releases(self.series))

    def accepts(self, release: str) -> bool:
        """Whether *release*, such as ``3.12.4``, will do."""
        fits = release == self.version or release.startswith(f"{self.version}.")
        return fits and all(each.accepts(release) for each in self.ranges)

    def __str__(self) -> str:
        ranges = [] if self.takes_every_release or self.version != self.series else [each.text for each in self.ranges]
        return f"{self.version} ({', '.join(dict.fromkeys(ranges))})" if ranges else self.version


def series_of(version: str) -> str:
    """The series of *version*, such as ``3.12``."""
    return ".".join(version.split(".")[:2])


def wanted(root: Path, version: str) -> Wanted:
    """The Python *version* for the project in *root*, whose ranges bind."""
    return Wanted(version, tuple(each for each in declarations(root) if each.binds))


def declarations(root: Path) -> tuple[Declaration, ...]:
    """All declarations of the project's Python version, the most exact first. Those that cannot be parsed are left out.

    They are in *root*, or in the nearest folder above it in its repository that has any.
    """
    for folder in (root, *folders_above(root, root)):
        above = "" if folder == root else f"{os.path.relpath(folder, root)}/"
        found: list[Declaration] = []
        for place, text, binds in _written(PackagingFiles(folder), above):
            if text and all((each.text, each.binds) != (text, binds) for each in found):
                with contextlib.suppress(InvalidSpecifier):
                    found.append(_declaration(place, text, binds))
        if found:
            return tuple(found)
    return ()


def choose(declared: Sequence[Declaration], default: str) -> tuple[str, str]:
    """The version for a project without a configured one, and its source, empty for *default*.

    *default* where the project allows it, else the newest that it allows; the release where it allows one alone. Raises
    ``ProjectError`` if there is none.
    """
    fitting = {version: found for version in PYTHONS if (found := _allowed(declared, version))}
    if not fitting:
        raise _no_python(declared)
    version = default if default in fitting else list(fitting)[-1]
    releases = fitting[version]
    if version == default and len(releases) > 1:
        return default, ""
    whole = [each for each in declared if not each.allows(default)]
    part = [each for each in declared if not all(map(each.accepts, _releases(version)))]
    return releases[0] if len(releases) == 1 else version, (whole or part)[0].place


def _no_python(declared: Sequence[Declaration]) -> ProjectError:
    allowed = [version for version in PYTHONS if _allowed([each for each in declared if each.binds], version)]
    hint = f"Name another: --python {allowed[-1]}." if allowed else "Correct the range."
    for each in declared:
        if each.is_other_build:
            return ProjectError(
                f"{each.place} says {each.text!r}, and the harness runs tests on the usual build of CPython alone:"
                f" {', '.join(PYTHONS)}; not on PyPy, nor without the GIL.",
                hint=hint,
            )
    places = ", ".join(f"{each.place} says {each.text!r}" for each in declared)
    return ProjectError(
        f"The harness has no Python that the project declares: {places}; there are {', '.join(PYTHONS)}.", hint=hint
    )


def _releases(version: str) -> list[str]:
    """The releases that a series can have; a release itself."""
    return [version] if version.count(".") > 1 else [f"{version}.{patch}" for patch in range(_LATEST_PATCH)]


def _allowed(declared: Sequence[Declaration], series: str) -> list[str]:
    """The releases of *series* that each of *declared* allows."""
    return [release for release in _releases(series) if all(each.accepts(release) for each in declared)]


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
    """The error if tests cannot run on this interpreter, whose version is *running*, or ``None``; *named* are the
    configured versions, if any.
    """
    if named:
        if any(Wanted(version).accepts(running) for version in named):
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


def _written(files: PackagingFiles, above: str) -> Iterator[tuple[str, str, bool]]:
    """The place and the text of each possible declaration, and whether it binds; *above* is the path of their folder."""
    for name in (".python-version", "runtime.txt"):
        yield f"{above}{name}", _python_version_file(files.text(name)), False
    yield f"requires-python of {above}pyproject.toml", _string(files.table("project").get("requires-python")), True
    poetry = files.table("tool", "poetry", "dependencies").get("python")
    yield f"[tool.poetry.dependencies] python of {above}pyproject.toml", _string(poetry), True
    with contextlib.suppress(ProjectError):  # the installation reads this file too, and raises the error
        text = files.setup_cfg.get("options", "python_requires", fallback="")
        yield f"python_requires of {above}setup.cfg", text, True
    yield f"python_requires of {above}setup.py", _from_setup_py(files.text("setup.py")), True
    lock, text, binds = _locked(files)
    if lock in ("Pipfile.lock", "pylock.toml"):
        pipfile = table_in(files.pipfile, "requires")
        version = pipfile.get("python_full_version") or pipfile.get("python_version")
        yield f"{above}Pipfile", _string(version), False
    yield f"{above}{lock}", text, binds


def _locked(files: PackagingFiles) -> tuple[str, str, bool]:
    """The lock that counts, the version or range that it was made for, and whether that binds."""
    for name, section, key in (
        ("uv.lock", "", "requires-python"),
        ("poetry.lock", "metadata", "python-versions"),
        ("pdm.lock", "metadata", "requires_python"),
    ):
        if files.has(name):
            return name, _locked_value(files.text(name), section, key), True
    if files.has("Pipfile.lock"):
        requires: object = {}
        with contextlib.suppress(ValueError, AttributeError):
            requires = json.loads(files.text("Pipfile.lock")).get("_meta", {}).get("requires", {})
        found = table_in({"requires": requires}, "requires")
        return "Pipfile.lock", _string(found.get("python_full_version") or found.get("python_version")), False
    return "pylock.toml", _locked_value(files.text("pylock.toml"), "", "requires-python"), True


def _locked_value(text: str, section: str, key: str) -> str:
    """The string *key* in a *section* of a lock's *text*; a lock is too long to be parsed for one value."""
    start = text.find(f"\n[{section}]\n") + 1 if section else 0
    end = text.find("\n[", start + 1)
    match = re.search(rf'(?m)^{key} = "([^"\n]*)"', text[start : end if end > 0 else None])
    return match[1] if match else ""


def _declaration(place: str, text: str, binds: bool) -> Declaration:
    """Raises ``InvalidSpecifier`` for a *text* that is no version or range."""
    if _OTHER.match(text) or ((match := _VERSION.fullmatch(text)) and _VARIANT.match(match[2])):
        return Declaration(place, text, binds, (), is_other_build=True)
    return Declaration(place, text, binds, tuple(_ranges(text)))


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _python_version_file(text: str) -> str:
    """The first version or range in *text*; names of ``pyenv``'s environments are skipped."""
    for line in map(str.strip, text.splitlines()):
        match = _VERSION.fullmatch(line)
        if match:
            return line if _VARIANT.match(match[2]) else match[1]
        if _OTHER.match(line) or re.match(r"[<>=!~]=?\s*\d", line):
            return line
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
    if patch:
        return f"=={major}.{minor}{patch}"
    return f"=={major}.{minor}.*" if minor is not None else f"=={major}.*"
