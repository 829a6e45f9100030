"""Finds the settings module of the project under test, without running any of its code.

Owns the reading of ``manage.py``, and the error where it names none; ``settings_search`` finds suggestions.
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


def find_settings_module(project: Path, environ: Mapping[str, str]) -> str:
    """The dotted settings module: *environ*'s ``DJANGO_SETTINGS_MODULE``, else the one that ``manage.py`` sets.

    Raises ``ProjectError`` when neither names it.
    """
    return environ.get(VARIABLE) or _from_manage_py(project)


def _from_manage_py(project: Path) -> str:
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
    modules = list(dict.fromkeys(modules_in(tree)))
    if len(modules) == 1:
        return modules[0]
    if modules:
        raise ProjectError(
            f"{path} chooses between several settings modules: {', '.join(modules)}.",
            hint=f"Name one of them with --settings, {VARIABLE}, or settings in [tool.harness] of pyproject.toml.",
        )
    raise ProjectError(
        f"{path} does not say which settings module is used.",
        hint=" ".join(
            [
                f"Name it with --settings, {VARIABLE}, or settings in [tool.harness] of pyproject.toml.",
                *suggestions(project),
            ]
        ),
    )


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
        with contextlib.suppress(ProjectError):  # manage.py names no single module, so none is suggested
            module = _from_manage_py(folder)
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
