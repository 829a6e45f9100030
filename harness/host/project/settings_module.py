"""Finds the settings module of the project under test, without running any of its code.

Owns the reading of ``manage.py``, which the runner executes, and the error where there is none; ``settings_search`` finds
suggestions.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project import dependencies
from harness.host.project.settings_search import VARIABLE, modules_in, suggestions

MANAGE_PY = "manage.py"


def find_settings_module(project: Path, environ: Mapping[str, str]) -> str | None:
    """The dotted settings module: *environ*'s ``DJANGO_SETTINGS_MODULE``, else the one that ``manage.py`` sets.

    ``None`` where the script has to be executed to know it, as with a module for ``test`` and one for all else. Raises
    ``ProjectError`` when there is no script that can be read.
    """
    return environ.get(VARIABLE) or _from_manage_py(project)


def script_of(project: Path) -> str:
    """The script that sets the project up, as a path from its folder; empty where there is none."""
    return MANAGE_PY if (project / MANAGE_PY).is_file() else ""


def _from_manage_py(project: Path) -> str | None:
    path = project / MANAGE_PY
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise _no_project(project) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ProjectError(
            f"{path} cannot be read, so the settings module is not known.",
            hint="Correct the file, or name the module with --settings.",
            evidence=str(error),
        ) from error
    modules = set(modules_in(tree))
    return modules.pop() if len(modules) == 1 else None


def _no_project(project: Path) -> ProjectError:
    return ProjectError(
        f"{project} is not a Django project: it has no {MANAGE_PY}, and no settings module is named.",
        hint=f"Run harness in the folder of {MANAGE_PY}, or name it with --project, or the module with --settings."
        + "".join(f" {text}" for text in _below(project)),
    )


def _below(project: Path) -> Iterator[str]:
    """Next steps that name a project one folder further down, or a settings module near by."""
    found = suggestions(project)
    for path in sorted(project.glob(f"*/{MANAGE_PY}"))[:1]:
        folder = path.parent
        found = [line for line in found if f"({folder.name}/" not in line]  # manage.py suggests better
        steps = [f"There is one below: --project {folder}."]
        with contextlib.suppress(ProjectError):  # manage.py cannot be read, so no module is suggested
            module = _from_manage_py(folder) or "MODULE"
            stay = (
                f"stay here: harness ci {folder.name} --settings {module}, with [tool.harness]"
                f' env = {{ PYTHONPATH = "{folder.name}" }}.'
            )
            if dependencies.names_dependencies(project) and not dependencies.names_dependencies(folder):
                steps = [f"There is one in {folder.name}/, and its dependencies are named here: {stay}"]
            else:
                steps.append(f"Where its tests need what lies beside {folder.name}/, {stay}")
        yield from steps
    yield from found
