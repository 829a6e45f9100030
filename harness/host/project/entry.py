"""Finds the place where a project's tests begin: its ``manage.py``, the folder of the tests, the settings module.

Reads files and runs none of the project's code: the runner executes the script. ``settings_search`` finds suggestions for the
error where there is none.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project import dependencies
from harness.host.project.settings_search import VARIABLE, modules_in, suggestions

MANAGE_PY = "manage.py"
ENTRY_POINT = "execute_from_command_line"
_NOT_TESTED = ("example", "sandbox", "demo", "docs", "node_modules", ".")
"""Beginnings of the names of folders whose ``manage.py`` is not that of a project's tests."""


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
    """``manage.py``, or the one script of another name in *project* that calls Django's entry point; else empty."""
    if (project / MANAGE_PY).is_file():
        return MANAGE_PY
    scripts = [path.name for path in sorted(project.glob("*.py")) if ENTRY_POINT in path.read_text("utf-8", "replace")]
    return scripts[0] if len(scripts) == 1 else ""


def _folders_below(project: Path) -> list[str]:
    folders = (path.parent.name for path in sorted(project.glob(f"*/{MANAGE_PY}")))
    return [name for name in folders if not name.startswith(_NOT_TESTED)]


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
    """Folders of several projects one level down, and settings modules near by."""
    below = [path.parent for path in sorted(project.glob(f"*/{MANAGE_PY}"))]
    if len(_folders_below(project)) > 1:
        names, first = ", ".join(path.name for path in below), below[0]
        yield f"Several folders have one: {names}. Choose with --project {first},"
        yield f'or [tool.harness] workdir = "{first.name}".'
    yield from suggestions(project)


def is_project_itself(project: Path, entry: Entry) -> bool:
    """Whether the folder of the tests names dependencies and *project* around it names none."""
    folder = project / entry.workdir
    return (
        folder != project and dependencies.names_dependencies(folder) and not dependencies.names_dependencies(project)
    )
