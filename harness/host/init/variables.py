"""The environment variables and database engines that a settings module names, and their values in the project's files.

Parses the files; runs nothing.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import dotenv

from harness.host.config.databases import SQLITE
from harness.host.engines import KNOWN
from harness.host.init.ci_files.steps import Step
from harness.host.init.ci_files.workflows import read_yaml
from harness.host.project.settings_search import last_name

SAMPLES = (".env.example", ".env.sample", ".env.dist", ".env.test", "env.example", ".env.template")
ENGINES = {"sqlite3": "sqlite", "postgresql": "postgres", "postgresql_psycopg2": "postgres", "postgis": "postgres"}
_CASTS = {"bool": "false", "int": "1", "float": "1", "json": "{}", "dict": "key=value", "loads": "{}"}
_READERS = ("env", "config")
_NO_READERS = (
    "get",
    "read_env",
    "read_envfile",
    "prefixed",
    "seal",
    "get_value",
    "setdefault",
    "pop",
    "copy",
    "update",
)
_BY_NAME = (
    (r"FERNET|ENCRYPTION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    (r"EMAIL_URL$", "consolemail://"),
    (r"(DATABASE|DB|POSTGRES|SQL)\w*(URL|URI|DSN)$", "postgres://user:password@localhost:5432/database"),
    (r"(REDIS|CACHE|BROKER|CELERY|QUEUE)\w*(URL|URI)$", "redis://localhost:6379/0"),
    (r"(URL|URI|DSN|ORIGIN)$", "http://localhost/"),
    (r"PORT$", "5432"),
    (r"HOSTS?$|DOMAIN$", "localhost"),
    (r"EMAIL$", "tests@example.com"),
    (r"(DIR|ROOT|PATH)$", "."),
    (r"DEBUG$", "false"),
)
OF_A_DATABASE = re.compile(r"(DB|DATABASE|POSTGRES|PG|MYSQL|MARIADB|SQL).*(USER|PASS|HOST|PORT|NAME|URL)|PGPASSWORD")
"""The names of variables that say where a database is."""


@dataclass(frozen=True, slots=True)
class Required:
    """A variable that ``file`` reads without a default. ``sample`` is a value that the settings can take."""

    name: str
    file: str
    sample: str


def is_named(name: str, text: str) -> bool:
    """Whether the Python *text* has the string *name*."""
    return re.search(rf"['\"]{re.escape(name)}['\"]", text) is not None


def settings_files(root: Path, workdir: str, module: str) -> list[Path]:
    """The file of the settings *module*, and those of the project that it imports names from, each once."""
    bases = [root / workdir, root, root / "src"]
    found: list[Path] = []
    queue = [path for path in [module_file(bases, module)] if path]
    while queue:
        path = queue.pop(0)
        if path in found or (tree := parsed(path)) is None:
            continue
        found.append(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                above = path.parents[node.level - 1] if node.level else None
                places = [above] if above else bases
                names = [node.module] if node.module else [each.name for each in node.names]
                queue += [each for name in names if (each := module_file(places, name or "")) and each not in found]
    return found


def module_file(places: list[Path], module: str) -> Path | None:
    """The file of a dotted *module* below one of *places*."""
    for place in places:
        path = place.joinpath(*module.split("."))
        for each in (path.with_suffix(".py"), path / "__init__.py"):
            if module and each.is_file():
                return each
    return None


def begins_with_module(folder: Path, label: str) -> bool:
    """Whether a leading part of the dotted *label* is a module in *folder*: the rest names a class or a test in it."""
    parts = label.split(".")
    return any(module_file([folder], ".".join(parts[:count])) for count in range(1, len(parts)))


def parsed(path: Path) -> ast.Module | None:
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        return ast.parse(path.read_bytes())
    return None


def required_variables(tree: ast.Module, file: str) -> list[Required]:
    """The variables that a module reads and that have no default in it."""
    helpers = {name for name, is_strict in _helpers(tree) if is_strict}
    local = {name for name, _ in _helpers(tree)}
    spared = {*_guarded(tree), *_scheme(tree)}
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: dict[str, Required] = {}
    for node in ast.walk(tree):
        name, cast = "", ""
        match node:
            case ast.Subscript(value=source, slice=ast.Constant(value=str(key)), ctx=ast.Load()) if _is_environ(source):
                name = key
            case ast.Call(func=ast.Name(id=reader), args=[ast.Constant(value=str(key)), *more], keywords=words):
                is_reader = reader in helpers or (reader in _READERS and reader not in local)
                given, casts = _arguments(more, words)
                if is_reader and not given:
                    name, cast = key, casts
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env"), attr=attr), args=arguments, keywords=words):
                name, cast = _by_method(attr, arguments, words)
        if name and name not in spared and not _is_caught(node, parents):
            outer = parents.get(id(node))
            if isinstance(outer, ast.Call):
                cast = cast or last_name(outer.func)
            found.setdefault(name, Required(name, file, sample(name, cast)))
    return list(found.values())


def _by_method(attr: str, arguments: list[ast.expr], words: list[ast.keyword]) -> tuple[str, str]:
    """The variable and the cast of ``env.attr(...)``; empty where it has a default or reads nothing."""
    if attr in _NO_READERS or any(w.arg == "default" for w in words):
        return "", ""
    match arguments:
        case [ast.Constant(value=str(key))]:
            return key, attr
        case [] if attr in ("db", "db_url"):
            return "DATABASE_URL", ""
    return "", ""


def _arguments(more: list[ast.expr], words: list[ast.keyword]) -> tuple[bool, str]:
    """Whether a call has a default, and the name of its cast."""
    casts = [last_name(word.value) for word in words if word.arg == "cast"]
    types = [last_name(each) for each in more if last_name(each) in (*_CASTS, "str", "list")]
    is_given = any(word.arg == "default" for word in words) or len(types) < len(more)
    return is_given, next(iter([*casts, *types]), "")


def _helpers(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Each function of the module, and whether it reads the variable that its only argument names, without a default."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [each.arg for each in node.args.args]
            parents = {id(child): outer for outer in ast.walk(node) for child in ast.iter_child_nodes(outer)}
            inner = [each for each in ast.walk(node) if isinstance(each, ast.Subscript) and _is_environ(each.value)]
            is_strict = any([last_name(each.slice)] == names and not _is_tried(each, parents) for each in inner)
            yield node.name, is_strict


def _guarded(tree: ast.Module) -> Iterator[str]:
    """The variables that the module looks for, or sets, itself."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.In() | ast.NotIn()], comparators=[source]):
                if _is_environ(source):
                    yield key
            case ast.Call(func=ast.Attribute(value=source, attr="setdefault"), args=[ast.Constant(value=str(key)), _]):
                if _is_environ(source):
                    yield key
            case ast.Subscript(value=source, slice=ast.Constant(value=str(key)), ctx=ast.Store()):
                if _is_environ(source):
                    yield key


def _scheme(tree: ast.Module) -> Iterator[str]:
    """The variables to which ``environ.Env(NAME=(cast, default))`` gives a default."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in ("Env", "FileAwareEnv"):
            for word in node.keywords:
                if word.arg and isinstance(word.value, ast.Tuple) and len(word.value.elts) == 2:
                    yield word.arg


def _is_caught(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    """Whether *node* is in the body of a ``try`` with a handler, or of a function, which may never be called."""
    return _is_tried(node, parents) or any(isinstance(outer, ast.FunctionDef) for outer in _outer(node, parents))


def _is_tried(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    """Whether *node* is in the body of a ``try`` with a handler."""
    around = [node, *_outer(node, parents)]
    return any(
        isinstance(outer, ast.Try) and bool(outer.handlers) and inner in outer.body for inner, outer in pairwise(around)
    )


def _outer(node: ast.AST, parents: dict[int, ast.AST]) -> Iterator[ast.AST]:
    """The nodes around *node*, the innermost first."""
    while (outer := parents.get(id(node))) is not None:
        yield outer
        node = outer


def _is_environ(node: ast.expr) -> bool:
    return last_name(node) == "environ"


def sample(name: str, cast: str = "") -> str:
    """A harmless value for the variable *name*."""
    if cast in _CASTS:
        return "5432" if cast == "int" and "PORT" in name else _CASTS[cast]
    return next((value for pattern, value in _BY_NAME if re.search(pattern, name)), "for-tests")


def engines_in(text: str) -> list[str]:
    """The backends that settings name, in their order: ``django.db.backends.NAME`` and those of GIS."""
    names = re.findall(r"django\.(?:db|contrib\.gis\.db)\.backends\.(\w+)", text)
    names += ["sqlite" for _ in re.findall(r"sqlite3?://", text)]
    known = (ENGINES.get(name, name) for name in names)
    return [name for name in dict.fromkeys(known) if name in ("sqlite", "postgres", "mysql")]


def aliases_differ(trees: list[ast.Module]) -> bool:
    """Whether one ``DATABASES`` of *trees* has aliases on several engines, so that no backend is right for all."""
    for node in _nodes(trees):
        if isinstance(node, ast.Assign) and any(last_name(target) == "DATABASES" for target in node.targets):
            inner = node.value.values if isinstance(node.value, ast.Dict) else []
            if len({engine for each in inner for engine in engines_in(ast.unparse(each))}) > 1:
                return True
    return False


def _nodes(trees: list[ast.Module]) -> Iterator[ast.AST]:
    for tree in trees:
        yield from ast.walk(tree)


def backend_of_image(image: str) -> str:
    """The backend of a service's image, with the version where the harness has it; empty for other services."""
    name, _, tag = image.rpartition("/")[2].partition(":")
    engine = {"postgis": "postgres", "pgvector": "postgres"}.get(name, name)
    if engine not in KNOWN:
        return ""
    version = tag.partition("-")[0]
    names = (version, ".".join(version.split(".")[:2]), version.split(".")[0])
    known = next((each for each in names if each in KNOWN[engine]), "")
    return f"{engine}:{known}" if known else engine


def backend_of_word(word: str) -> str:
    """The backend that a variable's value such as ``postgresql`` or ``mysql-innodb`` stands for; empty for others."""
    for start, backend in (("sqlite", SQLITE), ("postg", "postgres"), ("mysql", "mysql"), ("mariadb", "mariadb")):
        if word.lower().startswith(start) and "://" not in word:
            return backend
    return ""


def given_value(root: Path, steps: Iterable[Step], name: str) -> tuple[str, str] | None:
    """A value of the variable *name* and its file: the first of *steps*, of compose files, of samples of ``.env`` in *root*."""
    for step in steps:
        if values := step.env.get(name):
            return values[0], step.where
    for path in sorted(root.glob("*compose*.y*ml")):
        for service in dict(read_yaml(path).get("services") or {}).values():
            given = _environment(service).get(name)
            if given is not None and "$" not in given:
                return given, path.name
    for file in SAMPLES:
        if (root / file).is_file():
            sampled = dotenv.dotenv_values(root / file, interpolate=False).get(name)
            if sampled:
                return sampled, file
    return None


def _environment(service: Any) -> Mapping[str, str]:
    """The ``environment`` of a service in a compose file: a mapping, or a list of ``NAME=value``."""
    given = service.get("environment") if isinstance(service, dict) else None
    if isinstance(given, dict):
        return {str(name): str(value) for name, value in given.items() if value is not None}
    pairs = (str(each).partition("=") for each in given or ())
    return {name: value for name, equals, value in pairs if equals}
