"""The error for a project without named dependencies, and the places with packages that its installation leaves out.

Reads files, and runs nothing.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project import dependencies
from harness.protocol.events import NO_FRAMEWORK, AttemptFinished, Event, Notice, RunAborted
from harness.report.model.text import listed

_REQUIREMENTS = re.compile(r"(?i)(^|.*/)([^/]*requirements?[^/]*/[^/]+|[^/]*requirements?[^/]*)\.txt")
_NO_MODULE = "ModuleNotFoundError"
_FAILED_IMPORT = "unittest.loader._FailedTest."
"""The prefix of a test's id that stands for a module of tests that could not be imported."""
_DEEPEST = 3
_LISTED = 5


def error(root: Path) -> ProjectError:
    """The error for a project in *root* that names no dependencies where the default looks for them."""
    return ProjectError(
        f"Nothing in {root} says what the project's dependencies are, so not even Django would be installed.",
        hint=" ".join(_next_steps(root)),
    )


def left_out(project: Path, configured: Sequence[str] | None, root: Path | None = None) -> Iterator[str]:
    """One line on each place in *project* that names further packages, which its installation does not read.

    *root* is the folder that is copied, the project or one above it.
    """
    with contextlib.suppress(ProjectError):
        root = root or project
        installation = dependencies.plan(project, configured, root=root)
        installed = [os.path.relpath(root / name, project) for name in installation.files or ()]
        files = other_files(project, installed)
        if files and installation.files is not None:
            yield f"Not installed: {', '.join(files[:_LISTED])}. [tool.harness] install names the commands."
        if configured is None:
            yield from _test_environments(project)


def lacks_a_module(event: Event) -> bool:
    """Whether *event* reports a missing module: for the whole run, for one module of tests, or for a framework that is set up."""
    match event:
        case RunAborted(evidence=evidence):
            return _NO_MODULE in evidence
        case Notice(code=code) if code == NO_FRAMEWORK:
            return True
        case AttemptFinished(test=test, failures=failures) if test.startswith(_FAILED_IMPORT):
            return any(_NO_MODULE in each.message or _NO_MODULE in each.traceback for each in failures)
        case _:
            return False


def _next_steps(root: Path) -> Iterator[str]:
    if files := other_files(root, ()):
        yield f'Name those that are needed: [tool.harness] install = ["pip install -r {files[0]}"]. {_listing(files)}'
    elif environments := list(_test_environments(root)):
        yield from environments
    else:
        yield (
            "Write a requirements.txt with Django and the driver of its database, or name the commands in [tool.harness] of"
            ' pyproject.toml: install = ["pip install Django psycopg[binary]"].'
        )


def _test_environments(root: Path) -> Iterator[str]:
    """A line with the packages that tox or nox installs for tests, as a key to copy; for each that has any."""
    for file, packages in (("tox.ini", _from_tox(root / "tox.ini")), ("noxfile.py", _from_nox(root / "noxfile.py"))):
        if packages:
            yield f"{file} names packages for tests: [tool.harness] extra_install = {json.dumps(packages)}."


def _from_tox(path: Path) -> list[str]:
    """The requirements of ``[testenv]`` that hold in each environment, without those of requirements files."""
    parser = configparser.RawConfigParser(strict=False)
    with contextlib.suppress(OSError, configparser.Error):
        parser.read_string(path.read_text("utf-8", "replace"))
    lines = (line.strip() for line in parser.get("testenv", "deps", fallback="").splitlines())
    return [line for line in lines if line and not re.match(r"[-#{]|[\w!,{}.-]+:\s", line)]


def _from_nox(path: Path) -> list[str]:
    """The literal requirements in calls of ``session.install``."""
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    calls = re.findall(r"\.install\(([^()]*)\)", text)
    words = re.findall(r"""["']([^"']+)["']""", "\n".join(re.sub(r"\s+", "", call) for call in calls))
    return [word for word in dict.fromkeys(words) if word[0].isalpha()]


def _listing(files: list[str]) -> str:
    return f"There are {listed(files, _LISTED)}."


def other_files(root: Path, installed: Iterable[str]) -> list[str]:
    """The requirements files near *root* that are not among *installed*, the highest first."""
    known = set(installed)
    found = (
        path.relative_to(root).as_posix()
        for depth in range(1, _DEEPEST + 1)
        for path in sorted(root.glob("*/" * (depth - 1) + "*.txt"))
        if path.is_file() and not any(part.startswith((".", "node_modules")) for part in path.relative_to(root).parts)
    )
    return [name for name in found if _REQUIREMENTS.fullmatch(name) and name not in known]
