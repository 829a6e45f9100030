"""Finds settings modules that a project's files name or that look like one, as suggestions. Runs none of its code."""

from __future__ import annotations

import ast
import configparser
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import ProjectError
from harness.host.project.packaging_files import PackagingFiles

VARIABLE = "DJANGO_SETTINGS_MODULE"
SUGGESTED = 3
_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_FLAG = re.compile(rf"(?:--ds|--settings)[= ]\s*['\"]?({_NAME})")
_ASSIGNED = re.compile(rf"{VARIABLE}\s*[=:]\s*['\"]?({_NAME})")
_SETTINGS = frozenset({"INSTALLED_APPS", "DATABASES", "SECRET_KEY", "ROOT_URLCONF"})
_CONFIGURATIONS = (
    ("pytest.ini", ("pytest",)),
    ("tox.ini", ("pytest", "testenv*")),
    ("setup.cfg", ("tool:pytest",)),
)
_SCRIPTS = ("runtests.py", "tests/runtests.py", "conftest.py", "tests/conftest.py")


def candidates(root: Path) -> dict[str, str]:
    """The possible settings modules, the likeliest first, each with its reason: ``tox.ini names it``."""
    named = [(module, f"{file} names it") for file, module in _named(root)]
    found: dict[str, str] = {}
    for module, reason in named or [(module, f"{file} looks like it") for file, module in _files(root)]:
        found.setdefault(module, reason)
    return found


def suggestions(root: Path) -> list[str]:
    """The next step for each of the likeliest ``candidates``, at most ``SUGGESTED``."""
    lines = [f"--settings {module} ({reason})." for module, reason in candidates(root).items()]
    return lines[:SUGGESTED]


def modules_in(tree: ast.Module) -> Iterator[str]:
    """The values that the variable may get: in ``environ.setdefault(VARIABLE, ...)`` or ``environ[VARIABLE] = ...``."""
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
    """*value* itself, or, if it is a plain name, every value that is assigned to that name."""
    if not isinstance(value, ast.Name):
        return [value]
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == value.id for target in node.targets)
    ]


def _strings(value: ast.expr) -> Iterator[str]:
    """The literal strings that an expression may evaluate to: one, or those of ``a if b else c``."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _strings(body)
            yield from _strings(orelse)


def _named(root: Path) -> Iterator[tuple[str, str]]:
    """Each file that names a module, with that module: the configuration of other runners, and scripts."""
    for file, sections in _CONFIGURATIONS:
        for section, text in _sections(root / file):
            if any(re.fullmatch(pattern.replace("*", ".*"), section) for pattern in sections):
                yield from ((file, module) for module in _named_in(text))
    yield from (("pyproject.toml", module) for module in _from_pyproject(PackagingFiles(root)))
    for file in _SCRIPTS:
        if (tree := _parsed(root / file)) is not None:
            yield from ((file, module) for module in modules_in(tree))


def _named_in(text: str) -> Iterator[str]:
    yield from (match[1] for pattern in (_ASSIGNED, _FLAG) for match in pattern.finditer(text))


def _sections(path: Path) -> Iterator[tuple[str, str]]:
    """Each section of the file with its lines."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # a variable's name keeps its case
    with contextlib.suppress(OSError, configparser.Error):
        parser.read_string(path.read_text("utf-8", "replace"))
    for section in parser.sections():
        yield section, "\n".join(f"{key} = {value}" for key, value in parser.items(section))


def _from_pyproject(files: PackagingFiles) -> Iterator[str]:
    """The modules that ``[tool.pytest]`` and ``[tool.pytest.ini_options]`` name."""
    with contextlib.suppress(OSError, ProjectError):
        for keys in (("tool", "pytest", "ini_options"), ("tool", "pytest")):
            table = files.table(*keys)
            yield from _named_in("\n".join(f"{key} = {value}" for key, value in table.items() if key != "ini_options"))


def _files(root: Path) -> Iterator[tuple[str, str]]:
    """The files at most two folders down that hold settings, each with its dotted name."""
    patterns = (f"{'*/' * depth}{name}" for depth in range(3) for name in ("*settings*.py", "settings/*.py"))
    for path in dict.fromkeys(path for pattern in patterns for path in sorted(root.glob(pattern))):
        relative = path.relative_to(root)
        parts = relative.with_suffix("").parts
        if not all(part.isidentifier() for part in parts):
            continue
        tree = _parsed(path)
        if tree is not None and _holds_settings(tree):
            module = parts[1:] if parts[0] == "src" else parts  # a folder src is on the path
            yield relative.as_posix(), ".".join(module[:-1] if module[-1] == "__init__" else module)


def _parsed(path: Path) -> ast.Module | None:
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        return ast.parse(path.read_bytes(), str(path))
    return None


def _holds_settings(tree: ast.Module) -> bool:
    """Whether a module assigns settings, or imports all of another settings module, and has no tests in it."""
    is_one = False
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if name.lower().startswith("test"):
                return False
            case ast.ClassDef(name=name) if name.endswith(("Test", "Tests", "TestCase")):
                return False
            case ast.ImportFrom(module=module, names=[ast.alias(name="*")]):
                is_one = is_one or re.search(r"(^|\.)(settings|base|common|default)", f"{module or ''}") is not None
            case ast.Assign(targets=targets):
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                is_one = is_one or not names.isdisjoint(_SETTINGS)
            case ast.AnnAssign(target=ast.Name(id=name)):
                is_one = is_one or name in _SETTINGS
    return is_one
