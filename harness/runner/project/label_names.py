"""Converts labels to Django's form, and rejects those that certainly name nothing before anything is imported or started.

Imports no module of the project. Uncertain labels are left to ``labels``, which searches the tests themselves.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path, PurePosixPath

from ...errors import ProjectError
from ...protocol.naming import is_dotted
from ..pytest_detection.config import Collection, files
from ..text import source_of

NEAR = 3
EXAMPLES = ("example", "demo", "sandbox", "sample")
"""Beginnings of the names of a library's packages that show its use."""
_FIXTURES = ("setUpClass", "tearDownClass", "setUpModule", "tearDownModule")
_WORDS = re.compile(r"[^\W\d]\w*")
_SHORTEST_BEGINNING = 3
"""Least characters of a word that may begin a generated name: shorter words begin almost every name."""
_MAKES_NAMES = re.compile(r"import \*|\b(globals|locals|vars|setattr|exec|__getattr__|__import__|type)\b")
_MAKES_IDS = re.compile(r"def id\(")
_TEST_CASES = ("unittest.", "django.test.", "rest_framework.test.")
_APP_LABEL = re.compile(r"""\blabel\s*=\s*["'](\w+)["']""")
_NAMED = re.compile(r"^(?:class|def) (\w+)|^[ \t]+(?:async )?def (test\w+)", re.MULTILINE)


def as_django_label(label: str) -> str:
    """*label* in Django's form: ``shop/tests/test_cart.py::CartTests::test_x`` with dots. Others stay as they are.

    A fixture, which reports name like a test, becomes its class or module.
    """
    path, *inner = label.split("::")
    if path.endswith(".py"):
        parts = PurePosixPath(os.path.normpath(path)).with_suffix("").parts
        name = ".".join([*parts, *inner])
    else:
        name = ".".join([path, *inner])
    owner, _, last = name.rpartition(".")
    return owner if owner and last in _FIXTURES else name


def from_here(label: str, root: str) -> str:
    """*label*, if it is a path that is seen from *root*, as reports have it, seen from the working directory below that."""
    path, *inner = label.split("::")
    place = Path(root, path)
    if "/" in path and not Path(path).exists() and place.exists() and place.is_relative_to(Path.cwd()):
        return "::".join([str(place.relative_to(Path.cwd())), *inner])
    return label


def check(labels: Iterable[str], installed_apps: Sequence[str]) -> None:
    """Raise ``ProjectError`` if one of *labels* certainly names nothing."""
    missing = [label for label in labels if is_missing(label, installed_apps)]
    if missing and not any(_MAKES_IDS.search(source_of(file)) for file in _sources()):
        raise nothing_matches(missing, [*_names_of_files(), *_app_labels(installed_apps)])


def without_examples(installed_apps: Sequence[str], pattern: str) -> tuple[list[str], list[str]]:
    """The labels of the packages and files here that have tests, without packages of examples; and these packages.

    *pattern* is that of test files. Both are empty where no such package is beside other tests. A package with an installed app
    is no example: the tests use it.
    """
    installed = {app.partition(".")[0] for app in installed_apps}
    labels: list[str] = []
    left_out: list[str] = []
    for path in sorted(Path().iterdir()):
        if (path / "__init__.py").is_file():
            if any(fnmatchcase(Path(file).name, pattern) for file in files(path, Collection())):
                is_example = path.name.startswith(EXAMPLES) and path.name not in installed
                (left_out if is_example else labels).append(path.name)
        elif path.is_file() and fnmatchcase(path.name, pattern):
            labels.append(path.stem)
    return (labels, left_out) if labels and left_out else ([], [])


def nothing_matches(labels: Sequence[str], names: Iterable[str]) -> ProjectError:
    """The error for *labels* that match none of *names*."""
    all_names = list(dict.fromkeys(names))
    found = [each for label in labels for each in near(as_django_label(label), all_names)]
    if found:
        hint = f"Near names: {', '.join(dict.fromkeys(found))}."
    else:
        hint = "A label is a dotted name, a path, an app's label, or the id of a test as a report has it."
    word = "label" if len(labels) == 1 else "labels"
    return ProjectError(f"No test matches the {word} {', '.join(map(repr, labels))}.", hint=hint)


def near(name: str, names: Sequence[str]) -> list[str]:
    """The most similar *names* to *name*, in whole or in their last part, best first."""
    found = difflib.get_close_matches(name, names, NEAR, 0.7)
    last = name.rpartition(".")[2].lower()
    by_last: dict[str, list[str]] = {}
    for each in names:
        by_last.setdefault(each.rpartition(".")[2].lower(), []).append(each)
    for like in difflib.get_close_matches(last, list(by_last), NEAR, 0.8):
        found += by_last[like]
    return list(dict.fromkeys(found))[:NEAR]


def is_missing(label: str, installed_apps: Sequence[str]) -> bool:
    """Whether *label* certainly names nothing: its first part is no module, file or app, or the file has no such name."""
    path = label.split("::")[0]
    if Path(path).exists():
        if not path.endswith(".py"):
            return False
    elif path.endswith(".py") or (path.endswith("/") and "::" not in label):
        return True
    name = as_django_label(label)
    if not is_dotted(name):
        return False
    first, *rest = name.split(".")
    place = place_of(name)
    if place is not None and not place.rest:
        return False
    is_module = place is not None and place.rest != tuple(rest)
    if not is_module and first in (folders := _app_labels(installed_apps)):
        return bool(rest) and not _app_may_have(folders[first], rest)  # shop.CartTests: in any module of the app
    return place is None or not _may_have(place)


@dataclass(frozen=True, slots=True)
class Place:
    """The longest module that a dotted name begins with: its file, its folders, and the parts of the name that follow."""

    module: str
    file: str | None
    folders: tuple[str, ...]
    rest: tuple[str, ...]


def place_of(name: str) -> Place | None:
    """The place of the module that a dotted *name* begins with; ``None`` if there is none. Imports no module."""
    parts = name.split(".")
    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    for number in range(1, len(parts) + 1):
        module, rest = ".".join(parts[:number]), parts[number:]
        folders = tuple(spec.submodule_search_locations or ())
        found = _below(module, rest[0], folders) if rest and folders else None
        if found is None:
            return Place(module, spec.origin if spec.has_location else None, folders, tuple(rest))
        spec = found
    raise AssertionError("the last part has no successor")


def _below(package: str, name: str, folders: Sequence[str]) -> ModuleSpec | None:
    """The module or package *name* in a *package* of these *folders*."""
    try:
        return PathFinder.find_spec(f"{package}.{name}", folders)
    except (
        KeyError
    ):  # a folder without __init__.py in another one: the import system asks for the outer package, not loaded
        spec = ModuleSpec(f"{package}.{name}", None, is_package=True)
        spec.submodule_search_locations = [str(Path(folder, name)) for folder in folders if Path(folder, name).is_dir()]
        return spec if spec.submodule_search_locations else None


def _may_have(place: Place) -> bool:
    """Whether the module may have the rest of the name: its text has that word, or one that it begins with, as generated names
    do.
    """
    name = place.rest[0]
    if name == "__doc__":
        return True  # the doctest of a module's own docstring
    if any(file.name.replace(".", "_") == name for folder in place.folders for file in Path(folder).glob("*")):
        return True  # doctests of a text file
    if place.file is None:  # a folder without __init__.py defines no names
        return not place.folders
    if not place.file.endswith(".py"):
        return True
    return _text_may_have(source_of(Path(place.file)), place.rest)


def _app_may_have(folders: Sequence[str], path: Sequence[str]) -> bool:
    """Whether an app may have a module, or in one of its modules a class with a method or a function, called *path*."""
    name = path[0]
    found = [(Path(folder), Path(file)) for folder in folders for file in files(Path(folder), Collection())]
    if not folders or any(name in (file.stem, *file.parent.parts) for _, file in found):
        return True
    return any(_text_may_have(source_of(folder / file), path, makes_names=_has_tests(file)) for folder, file in found)


def _has_tests(file: Path) -> bool:
    return file.stem == "models" or any("test" in part for part in file.parts)


def _text_may_have(text: str, path: Sequence[str], *, makes_names: bool = True) -> bool:
    name, *inner = path
    if makes_names and _MAKES_NAMES.search(text):
        return True
    words = set(_WORDS.findall(text))
    if name not in words:
        return any(name.startswith(word) for word in words if len(word) >= _SHORTEST_BEGINNING)
    return len(inner) != 1 or not _lacks_method(text, name, inner[0])


def _lacks_method(text: str, name: str, method: str) -> bool:
    """Whether the class *name* of a module certainly has no *method*, nor one with such a name as a decorator makes: the classes
    that it inherits from are in the module too, or are known test cases.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = dict(_imported(tree.body))
    pending = [name]
    while pending:
        node = classes.get(pending.pop())
        if node is None or node.decorator_list or node.keywords or not all(_is_not(item, method) for item in node.body):
            return False
        for base in node.bases:
            first, *rest = ast.unparse(base).split(".")
            if first in classes and not rest:
                pending.append(first)
            elif not ".".join([imported.get(first, ""), *rest]).startswith(_TEST_CASES):
                return False
    return True


def _imported(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Each name that a module imports, with its full name."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _is_not(item: ast.stmt, method: str) -> bool:
    """Whether *item*, of a class's body, certainly makes no *method*."""
    if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
        return item.name != method and not (item.decorator_list and method.startswith(item.name))
    if isinstance(item, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id != method for target in item.targets)
    return isinstance(item, ast.Expr | ast.Pass | ast.AnnAssign)


def _app_labels(installed_apps: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The labels that the apps may have: the last part of their module, and ``label`` in their configuration.

    Each has the folders of its app; none where they are not known.
    """
    labels: dict[str, tuple[str, ...]] = {}
    for app in installed_apps:
        found = {app.rpartition(".")[2]}
        place = place_of(app)
        folders = () if place is None else place.folders
        if place is not None and place.rest and place.file is not None and "." in app:  # shop.apps.ShopConfig
            found.add(app.split(".")[-3] if app.count(".") > 1 else app.split(".")[0])
            found.update(_APP_LABEL.findall(source_of(Path(place.file))))
            folders = folders or (str(Path(place.file).parent),)
        for folder in folders:
            found.update(_APP_LABEL.findall(source_of(Path(folder) / "apps.py")))
        labels.update((label, (*labels.get(label, ()), *folders)) for label in found)
    return labels


def _names_of_files() -> Iterator[str]:
    """The modules of the project, and the classes, their tests, and the functions of models and tests."""
    for file in _sources():
        parts = file.with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if module:
            yield module
            if "test" in module or module.endswith(".models"):
                owner = module
                for name, method in _NAMED.findall(source_of(file)):
                    owner = f"{module}.{name}" if name else owner
                    yield owner if name else f"{owner}.{method}"


def _sources() -> Iterator[Path]:
    """The Python files below the working directory, relative to it."""
    return map(Path, files(Path(), Collection()))
