"""Finds the place where a project's tests begin: its ``manage.py``, the folder of the tests, the settings module.

Reads files and runs none of the project's code: the runner executes the script. ``settings_search`` finds suggestions for the
error where there is none.
"""

from __future__ import annotations

import ast
import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ProjectError, UsageError
from harness.host.project import dependencies
from harness.host.project.packaging_files import PackagingFiles, console_scripts
from harness.host.project.settings_search import (
    NOT_TESTED,
    VARIABLE,
    kind_of_file,
    modules_in,
    pytest_files,
    scripts,
    suggestions,
)

MANAGE_PY = "manage.py"
ENTRY_POINT = "execute_from_command_line"
_PYTHONS = ("python", "python3")

_CONFIGURES_PYTEST = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
_MAY_CONFIGURE_PYTEST = {"pyproject.toml": "[tool.pytest", "setup.cfg": "[tool:pytest]", "tox.ini": "[pytest]"}
"""Files that may have a section of pytest, and the beginning of its heading."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The place where the tests begin. ``workdir`` is their folder relative to the project, empty for the project itself.

    ``script`` is the ``manage.py`` relative to ``workdir``, empty where there is none.
    """

    workdir: str = ""
    script: str = ""


def find_entry(project: Path, workdir: str | None = None) -> Entry:
    """The entry of the project in *project*; *workdir* is the configured folder, ``None`` for the one of ``manage.py``.

    Looks in the project's folder, then one level down, where exactly one folder has a ``manage.py``.
    """
    if workdir is not None:
        folder = project / workdir
        places = [folder / MANAGE_PY, project / MANAGE_PY]
        script = next((os.path.relpath(place, folder) for place in places if place.is_file()), "")
        return Entry("" if folder == project else workdir, script)
    if here := _script_in(project):
        return Entry("", here)
    below = _folders_below(project)
    return Entry(below[0], MANAGE_PY) if len(below) == 1 else Entry()


def is_set_up_for_pytest(project: Path) -> bool:
    """Whether *project* has a configuration of pytest, or a ``conftest.py`` at most two folders down."""
    if any((project / name).is_file() for name in _CONFIGURES_PYTEST):
        return True
    files = [(project / name, head) for name, head in _MAY_CONFIGURE_PYTEST.items()]
    if any(head in file.read_text("utf-8", "replace") for file, head in files if file.is_file()):
        return True
    folders = ["", "*/", "*/*/"]
    return any(any(project.glob(f"{each}conftest.py")) for each in folders)


def project_above(folder: Path) -> Path | None:
    """The nearest folder above *folder* with a ``manage.py``, inside its repository; ``None`` if *folder* has an entry."""
    if find_entry(folder).script:
        return None
    above: Path | None = None
    for each in (folder, *folder.parents):
        if above is None and each != folder and (each / MANAGE_PY).is_file():
            above = each
        if (each / ".git").exists():
            return above
    return None


def find_settings_module(project: Path, entry: Entry, environ: Mapping[str, str]) -> str | None:
    """The dotted settings module: *environ*'s ``DJANGO_SETTINGS_MODULE``, else the one that the script of *entry* sets.

    ``None`` where the script has to be executed to know it, as with a module for ``test`` and one for all else. Raises
    ``ProjectError`` when there is no script that can be read.
    """
    if module := environ.get(VARIABLE):
        return module
    if not entry.script:
        raise _no_project(project)
    modules = set(modules_in(_parsed(project / entry.workdir / entry.script)))
    return modules.pop() if len(modules) == 1 else None


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError) as error:
        raise ProjectError(
            f"{path} cannot be read, so the settings module is not known.",
            hint="Correct the file, or name the module with --settings.",
            evidence=str(error),
        ) from error


def _script_in(project: Path) -> str:
    """``manage.py``, or the one script of another name in *project* that passes its arguments to Django; else empty."""
    if (project / MANAGE_PY).is_file():
        return MANAGE_PY
    named = [path for path in sorted(project.glob("*.py")) if ENTRY_POINT in path.read_text("utf-8", "replace")]
    found = [path.name for path in named if kind_of_file(path) == "manage"]
    return found[0] if len(found) == 1 else ""


def _folders_below(project: Path) -> list[str]:
    folders = (path.parent.name for path in sorted(project.glob(f"*/{MANAGE_PY}")))
    return [name for name in folders if not name.startswith(NOT_TESTED)]


def _no_project(project: Path) -> ProjectError:
    return ProjectError(
        f"{project} is not a Django project: it has no {MANAGE_PY}, and no settings module is named.",
        hint=" ".join(
            [
                f"Run harness in the folder of {MANAGE_PY}, or name it with --project, or the module with --settings.",
                *_next_steps(project),
            ]
        ),
    )


def _next_steps(project: Path) -> Iterator[str]:
    """Folders of several projects one level down, scripts that run the tests, and settings modules near by."""
    below = [path.parent for path in sorted(project.glob(f"*/{MANAGE_PY}"))]
    if len(_folders_below(project)) > 1:
        names, first = ", ".join(path.name for path in below), below[0]
        yield f"Several folders have one: {names}. Choose with --project {first},"
        yield f'or [tool.harness] workdir = "{first.name}".'
    for name in scripts(project):
        yield f'{name} runs Django\'s tests: [tool.harness] bootstrap = "{name}".'
    for name in management_commands(project):
        yield f'{name} is a command of the project: [tool.harness] bootstrap = "{name} test".'
    yield from suggestions(project)
    for name in pytest_files(project):
        yield f'{name} configures Django for pytest: framework = "pytest" in [tool.harness] runs the tests by it.'


def management_commands(project: Path) -> Iterator[str]:
    """The console scripts of the project whose module passes its arguments to Django."""
    commands: dict[str, str] = {}
    with contextlib.suppress(ProjectError):  # packaging files that cannot be parsed name none
        commands = console_scripts(PackagingFiles(project))
    for name, target in commands.items():
        path = Path(*target.partition(":")[0].split("."))
        files = [root / path.with_suffix(".py") for root in (project, project / "src")]
        if any(ENTRY_POINT in file.read_text("utf-8", "replace") for file in files if file.is_file()):
            yield name


def bootstrap_words(project: Path, workdir: str, text: str) -> tuple[str, ...]:
    """The words of *text*, the key ``bootstrap``: a file of the project is relative to *workdir*, and a command that the
    project itself installs is its function, since the project is not installed where the tests run.

    Raises ``UsageError`` for a file that is not there, and ``ProjectError`` for a script that runs pytest.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"bootstrap cannot be read: {text!r}.", hint="Close its quotes.", evidence=str(error)
        ) from error
    target, *arguments = words[1:] if words[0] in _PYTHONS and words[1:] else words
    commands = console_scripts(PackagingFiles(project))
    if target in commands:
        return (commands[target], *arguments)
    if not target.endswith(".py") and "/" not in target:
        return (target, *arguments)
    folder = project / workdir
    path = next((place / target for place in (folder, project) if (place / target).is_file()), None)
    if path is None:
        others = " or ".join(f'bootstrap = "{name}"' for name in scripts(project))
        raise UsageError(
            f"bootstrap names {target}, and there is no such file in {folder}.",
            hint=f"Of the project's scripts, this one runs its tests: {others}." if others else "Correct its path.",
        )
    if kind_of_file(path) == "pytest":
        raise ProjectError(
            f"{target} runs pytest, and bootstrap needs a script that runs Django's tests.",
            hint='Leave bootstrap out: framework = "pytest" in [tool.harness] runs the tests by pytest, without a script.',
        )
    return (os.path.relpath(path, folder), *arguments)


def is_project_itself(project: Path, entry: Entry) -> bool:
    """Whether the folder of the tests names dependencies and *project* around it names none."""
    folder = project / entry.workdir
    return (
        folder != project and dependencies.names_dependencies(folder) and not dependencies.names_dependencies(project)
    )
