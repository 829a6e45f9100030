"""The error for a project whose dependencies are named where the default does not look: in other files, above it, in a
Pipfile.

Looks at names of files, and runs nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project import dependencies
from harness.host.project.entry import find_entry, find_settings_module
from harness.protocol.events import AttemptFinished, Event, RunAborted

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


def left_out(root: Path, configured: Sequence[str] | None) -> Iterator[str]:
    """One line on the requirements files of *root* that its installation does not read; none if there are no such files."""
    with contextlib.suppress(ProjectError):
        installation = dependencies.plan(root, configured)
        files = other_files(root, installation.files or ())
        if files and installation.files is not None:
            yield f"Not installed: {', '.join(files[:_LISTED])}. [tool.harness] install names the commands."


def lacks_a_module(event: Event) -> bool:
    """Whether *event* reports a missing module: for the whole run, or for one module of tests."""
    match event:
        case RunAborted(evidence=evidence):
            return _NO_MODULE in evidence
        case AttemptFinished(test=test, failures=failures) if test.startswith(_FAILED_IMPORT):
            return any(_NO_MODULE in each.message or _NO_MODULE in each.traceback for each in failures)
        case _:
            return False


def _next_steps(root: Path) -> Iterator[str]:
    if (root / "Pipfile").is_file():
        verb = "sync" if (root / "Pipfile.lock").is_file() else "install --skip-lock"
        yield (
            "pip reads no Pipfile: say in [tool.harness] of pyproject.toml"
            f' install = ["pip install pipenv", "pipenv {verb} --system --dev"].'
        )
        return
    if files := other_files(root, ()):
        yield f'Name those that are needed: [tool.harness] install = ["pip install -r {files[0]}"]. {_listing(files)}'
        return
    above = _above(root)
    if above is not None:
        yield from _run_above(above, root)
        return
    yield (
        "Write a requirements.txt with Django and the driver of its database, or name the commands in [tool.harness] of"
        ' pyproject.toml: install = ["pip install Django psycopg[binary]"].'
    )


def _listing(files: list[str]) -> str:
    more = f" and {len(files) - _LISTED} more" if len(files) > _LISTED else ""
    return f"There are {', '.join(files[:_LISTED])}{more}."


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


def _above(root: Path) -> Path | None:
    """The nearest folder above *root*, inside its repository, that names dependencies."""
    folder = root
    while not (folder / ".git").exists() and folder.parent != folder:
        folder = folder.parent
        if dependencies.names_dependencies(folder):
            return folder
        if (folder / ".git").exists():
            break
    return None


def _run_above(above: Path, root: Path) -> Iterator[str]:
    inner = root.relative_to(above).as_posix()
    try:
        module = find_settings_module(root, find_entry(root), {}) or "MODULE"
    except ProjectError:
        module = "MODULE"
    yield (
        f"{above} above it names some. Run there: cd {above} && harness ci {inner} --settings {module}, with [tool.harness]"
        f' env = {{ PYTHONPATH = "{inner}" }} in its pyproject.toml.'
    )
