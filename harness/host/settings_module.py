"""Which settings module the project under test has, without running any of its code.

Owns the parsing of ``manage.py``. Reads that one file.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import ProjectError

VARIABLE = "DJANGO_SETTINGS_MODULE"
MANAGE_PY = "manage.py"


def find_settings_module(project: Path, configured: str | None, environ: Mapping[str, str]) -> str:
    """The dotted settings module: *configured*, else *environ*'s ``DJANGO_SETTINGS_MODULE``, else what ``manage.py`` sets.

    Raises ``ProjectError`` when none of them tells it.
    """
    return configured or environ.get(VARIABLE) or _of_manage_py(project)


def _of_manage_py(project: Path) -> str:
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
    modules = list(dict.fromkeys(_modules(tree)))
    if len(modules) == 1:
        return modules[0]
    if modules:
        raise ProjectError(
            f"{path} chooses between several settings modules: {', '.join(modules)}.",
            hint=f"Name one of them with --settings, {VARIABLE}, or settings in [tool.harness] of pyproject.toml.",
        )
    raise ProjectError(
        f"{path} does not say which settings module is used.",
        hint=f"Name it with --settings, {VARIABLE}, or settings in [tool.harness] of pyproject.toml.",
    )


def _no_project(project: Path) -> ProjectError:
    return ProjectError(
        f"{project} is not a Django project: it has no {MANAGE_PY}, and no settings module is named.",
        hint=f"Run harness in the folder of {MANAGE_PY}, or name it with --project, or the module with --settings."
        + "".join(f" {text}" for text in _below(project)),
    )


def _below(project: Path) -> Iterator[str]:
    """What one folder further down looks like what is missed, and how it is named."""
    for path in sorted(project.glob(f"*/{MANAGE_PY}"))[:1]:
        folder = path.parent
        yield f"There is one below: --project {folder}."
        with contextlib.suppress(ProjectError):  # it does not say one module, so neither do we
            module = _of_manage_py(folder)
            yield (
                f"Where its tests need what lies beside {folder.name}/, stay here, with --settings {module} and"
                f' [tool.harness] env = {{ PYTHONPATH = "{folder.name}" }}.'
            )
    for name in ("tests", "test"):
        for path in sorted((project / name).glob("*settings.py"))[:1]:
            yield f"{name}/{path.name} may be the module: --settings {name}.{path.stem}."


def _modules(tree: ast.Module) -> Iterator[str]:
    """What the variable may become: in ``environ.setdefault(VARIABLE, ...)`` or ``environ[VARIABLE] = ...``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="setdefault"), args=[ast.Constant(value=name), value]):
                pass
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=name))], value=value):
                pass
            case _:
                continue
        if name == VARIABLE:
            for source in _assigned(value, tree):
                yield from _strings(source)


def _assigned(value: ast.expr, tree: ast.Module) -> list[ast.expr]:
    """*value* itself, or, if it is a plain name, all that is assigned to that name."""
    if not isinstance(value, ast.Name):
        return [value]
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == value.id for target in node.targets)
    ]


def _strings(value: ast.expr) -> Iterator[str]:
    """The literal strings that an expression may be: one, or those of ``a if b else c``."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _strings(body)
            yield from _strings(orelse)
