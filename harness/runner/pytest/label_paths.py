"""Turns labels into node ids of pytest: paths, node ids, lines of files, dotted names, labels of apps.

Looks at files alone, and imports no module of the project. A test that a file does not have is left to pytest's collection.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...errors import ProjectError
from ...protocol.messages import RunSpec
from ...protocol.naming import is_dotted
from ..failures import project_root
from ..project.label_names import near, place_of
from ..pytest_detection.config import Collection, files, read
from ..text import source_of

_LINE = re.compile(r"(.+\.py):(\d+)")
_OF_AN_APP = ("apps.py", "models.py", "models", "migrations", "tests.py", "tests")
_APP_LABEL = re.compile(r"""^\s+label\s*=\s*["'](\w+)["']""", re.MULTILINE)
_OF_REPORTS = re.compile(r"(::teardown|#\d+)+$")
"""The ends that reports give to ids: for a failed tear-down, and for an item that was collected twice."""


def node_ids(labels: Sequence[str], spec: RunSpec) -> tuple[str, ...]:
    """The node ids that *labels* stand for, seen from the working directory. Raises ``ProjectError`` for one that names nothing.

    Paths are seen from the working directory, else from ``workdir``, the project's folder or the root of all files.
    """
    root = Path(project_root())
    places = list(dict.fromkeys([Path.cwd(), root / spec.workdir, root / spec.project, root]))
    found = {label: list(_of_label(label, places)) for label in labels}
    if missing := [label for label, ids in found.items() if not ids]:
        raise _nothing_matches(missing)
    return tuple(dict.fromkeys(each for ids in found.values() for each in ids))


def _of_label(label: str, places: Sequence[Path]) -> Iterator[str]:
    path, _, inner = label.partition("::")
    if (match := _LINE.fullmatch(path)) and not inner and (file := _existing(match[1], places)):
        yield _node_id(file, _at_line(source_of(file), int(match[2])))
        return
    inner = _OF_REPORTS.sub("", inner)
    if existing := _existing(path, places):
        yield _node_id(existing, [inner] if inner else [])
    elif not path.endswith(".py") and "/" not in path:
        yield from _of_dotted(path if not inner else f"{path}.{inner}", places)


def _existing(path: str, places: Sequence[Path]) -> Path | None:
    return next((place / path for place in places if path and (place / path).exists()), None)


def _of_dotted(label: str, places: Sequence[Path]) -> Iterator[str]:
    """The node ids of a dotted name: of a module, a package, or the label of an app, with a class and a test in it."""
    name, bracket, parameters = label.replace("::", ".").partition("[")
    if not is_dotted(name):
        return
    parts = name.split(".")
    sources = [*places, *(place / "src" for place in places)]
    found = [each for each in (_module(source, parts) for source in sources) if each] or list(_imported(name))
    if not found:
        found = list(_in_app(parts, places[0]))
    for file, rest in found:
        *owners, last = rest or [""]
        yield _node_id(file, [*owners, f"{last}{bracket}{parameters}"] if last else [])


def _module(folder: Path, parts: Sequence[str]) -> tuple[Path, list[str]] | None:
    """The file of the module with which the dotted name of *parts* begins below *folder*, and the parts that follow it."""
    for number in range(len(parts), 0, -1):
        path = folder.joinpath(*parts[:number])
        if (file := path.with_suffix(".py")).is_file():
            return file, list(parts[number:])
        if number == len(parts) and path.is_dir():
            return path, []
    return None


def _imported(name: str) -> Iterator[tuple[Path, list[str]]]:
    """The same for a module or a package that can be imported from elsewhere."""
    place = place_of(name)
    if place is None:
        return
    if place.folders and not place.rest:
        yield Path(place.folders[0]), []
    elif place.file and not place.folders and place.file.endswith(".py"):
        yield Path(place.file), list(place.rest)


def _in_app(parts: Sequence[str], here: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folder of the app whose label is the first of *parts*, or its files that have a class or function of the second."""
    label, *rest = parts
    for folder in _app_folders(label, here):
        if not rest:
            yield folder, []
        elif inner := _module(folder, rest):
            yield inner
        else:
            word = re.compile(rf"^(?:class|(?:async )?def) {re.escape(rest[0])}\b", re.MULTILINE)
            named = (folder / file for file in files(folder, Collection()))
            yield from ((file, list(rest)) for file in named if word.search(source_of(file)))


def _app_folders(label: str, here: Path) -> list[Path]:
    found: dict[Path, None] = {}
    for file in files(here, Collection()):
        path = here / file
        if path.name == "apps.py" and label in _APP_LABEL.findall(source_of(path)):
            found[path.parent] = None
        if path.parent.name == label and any((path.parent / name).exists() for name in _OF_AN_APP):
            found[path.parent] = None
    return list(found)


def _at_line(source: str, line: int) -> list[str]:
    """The names of the class and the function that have *line*, outermost first, without functions in a function."""
    try:
        body: Sequence[ast.stmt] = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    while node := next((each for each in body if _has_line(each, line)), None):
        assert isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        names.append(node.name)
        body = node.body if isinstance(node, ast.ClassDef) else []
    return names


def _has_line(node: ast.stmt, line: int) -> bool:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return first <= line <= (node.end_lineno or first)


def _node_id(path: Path, names: Iterable[str]) -> str:
    return "::".join([os.path.relpath(path), *names])


def _nothing_matches(labels: Sequence[str]) -> ProjectError:
    """The error for *labels*, with names that are near them."""
    known = {_dotted(each): each for each in known_ids()}
    names = {known[each]: None for label in labels for each in near(_dotted(label), list(known))}
    hint = (
        f"Near names: {', '.join(names)}."
        if names
        else (
            "A label is a path, a node id such as tests/test_x.py::TestA::test_b, a dotted name, or the label of an app."
        )
    )
    word = "label" if len(labels) == 1 else "labels"
    return ProjectError(f"No test matches the {word} {', '.join(map(repr, labels))}.", hint)


def _dotted(label: str) -> str:
    path, _, inner = label.partition("::")
    name = path.removesuffix(".py").strip("/").replace("/", ".")
    return f"{name}.{inner.replace('::', '.')}" if inner else name


def known_ids() -> Iterator[str]:
    """The node ids of the files here that pytest would collect, of their classes and their functions, as far as source shows."""
    collection = read(Path.cwd())
    for file in files(Path.cwd(), collection):
        if collection.takes_file(file):
            yield file
            yield from ("::".join([file, *names]) for names in _names(source_of(Path(file))))


def _names(source: str) -> Iterator[tuple[str, ...]]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return
    pending: list[tuple[tuple[str, ...], ast.stmt]] = [((), node) for node in body]
    for above, node in pending:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield (*above, node.name)
        elif isinstance(node, ast.ClassDef):
            yield (*above, node.name)
            pending += [((*above, node.name), each) for each in node.body]
