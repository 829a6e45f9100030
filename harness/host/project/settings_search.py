"""Finds settings modules, and scripts that run Django's tests, in a project's files, as suggestions. Runs none of its code."""

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
CONFTESTS = ("conftest.py", "tests/conftest.py")
NOT_TESTED = ("example", "sandbox", "demo", "docs", "node_modules", ".")
"""Beginnings of the names of folders whose tests and ``manage.py`` are not the project's."""
_NO_SCRIPTS = ("manage.py", "setup.py", "noxfile.py", "conftest.py", "__init__.py")


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


def script_kind(tree: ast.Module) -> str:
    """The part of a script: ``django`` runs Django's tests, ``pytest`` runs pytest, ``manage`` passes its arguments to Django.

    Empty for any other module.
    """
    calls = [(last_name(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for name, call in calls:
        values = [each for argument in call.args[:1] for each in _assigned(argument, tree)]
        is_test = any("test" in _words(value) for value in values)
        if name == "run_tests" or (is_test and name in ("call_command", "execute_from_command_line")):
            return "django"
    if any(name == "execute_from_command_line" for name, _ in calls):
        return "manage"
    imported = {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    started = {word for _, call in calls for value in call.args[:1] for word in _words(value)}
    return "pytest" if {"pytest", "py.test"} & {*imported, *started} else ""


def scripts(root: Path) -> list[str]:
    """The scripts at most one folder down that run Django's tests by themselves, the likeliest first."""
    found = []
    for path in [*root.glob("*.py"), *root.glob("*/*.py")]:
        folder = path.parent.name if path.parent != root else ""
        if path.name in _NO_SCRIPTS or folder.startswith(NOT_TESTED):
            continue
        tree = _parsed(path)
        if tree is not None and _is_executed(tree) and script_kind(tree) == "django":
            found.append(path.relative_to(root).as_posix())
    return sorted(found, key=lambda name: (name.count("/"), "test" not in name, name))


def kind_of_file(path: Path) -> str:
    """The ``script_kind`` of a file; empty for one that cannot be parsed."""
    tree = _parsed(path)
    return script_kind(tree) if tree is not None else ""


def pytest_files(root: Path) -> list[str]:
    """The files that configure Django for pytest alone: a ``conftest.py`` that calls ``settings.configure()``."""
    trees = [(name, tree) for name in CONFTESTS if (tree := _parsed(root / name)) is not None]
    return [name for name, tree in trees if any(_is_configure(node) for node in ast.walk(tree))]


def _is_configure(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("settings.configure")


def _is_executed(tree: ast.Module) -> bool:
    """Whether a module does something when it is executed: it has a ``__main__`` block, or a call outside of functions."""
    for node in tree.body:
        if isinstance(node, ast.If) and "__main__" in _words(node.test):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return True
    return False


def _words(value: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(value) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def last_name(node: ast.AST) -> str:
    """The last part of a plain or dotted name; empty for another expression."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


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
