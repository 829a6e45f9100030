"""Finds, without pytest, the tests that pytest would run and Django's runner does not, so that none is left out in silence.

Modules that discovery has imported are inspected, other files are read as source.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import re
import sys
import types
import unittest
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ...protocol.results import PlannedTest
from ..private_apis import FailedTest, test_method_name
from ..schedule.units import Plan, chosen
from ..text import source_of
from .config import Collection, files, read
from .fixtures import CONFIGURED, HARMLESS, autouse_fixtures, is_above

STYLE = "a test in pytest's style, which Django's runner does not run"
UNSEEN = "pytest collects this file, and Django's discovery does not"
_IMPORTS_PYTEST = re.compile(r"^\s*(import|from) pytest\b", re.MULTILINE)
_TEST = re.compile(r"^\s*(?:async )?def (test\w*)", re.MULTILINE)
_HAS_TESTS = re.compile(r"^\s*(async )?def test|^class \w", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A test that does not run, and why."""

    test: PlannedTest
    reason: str

    @property
    def dotted(self) -> str:
        return f"{self.test.classname}.{self.test.name}"


class PytestTests:
    """Finds the tests of the project in *root*."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def _collection(self) -> Collection:
        return read(self._root)

    @cached_property
    def _files(self) -> list[str]:
        return list(files(self._root, self._collection))

    @cached_property
    def _is_of_pytest(self) -> bool:
        """Whether the project is set up for pytest."""
        return self._collection.is_configured or any(Path(file).name == "conftest.py" for file in self._files)

    def find(self, tested: Iterable[unittest.TestCase] = (), broken: Iterable[str] = ()) -> list[LeftOut]:
        """All tests of pytest's style, with those of files that Django does not see. *tested* are Django's tests, *broken* the
        modules that could not be imported, which are reported as such.
        """
        modules = _imported(self._root)
        used = {cls for kind in {type(test) for test in tested} for cls in kind.__mro__}
        broken_modules = set(broken)
        found: list[LeftOut] = []
        for file in self._files:
            name = module_name(file)
            if not self._collection.takes_file(file) or name in broken_modules or not self._is_in_paths(file):
                continue
            if (module := modules.get(file)) is not None:
                if self._is_of_pytest or _has_pytest() or "pytest" in vars(module):
                    found += [
                        _item(file, parts, line, STYLE) for parts, line in _of_module(module, self._collection, used)
                    ]
            else:
                found += self._of_file(file)
        return found

    def fixtures_not_run(self, tested: Iterable[unittest.TestCase]) -> tuple[dict[str, Sequence[str]], int]:
        """The fixtures that pytest would give tests of *tested* without a request, by their files; and how many tests miss
        some.
        """
        fixtures: dict[str, Sequence[str]] = {
            file: names
            for file in self._files
            if Path(file).name == "conftest.py" and (names := autouse_fixtures(source_of(self._root / file)))
        }
        if given := [name for name in self._collection.fixtures if name not in HARMLESS]:
            fixtures[CONFIGURED] = given
        if not fixtures:
            return {}, 0
        files_of = {module.__name__: file for file, module in _imported(self._root).items()}
        collected = {
            file for file in files_of.values() if self._collection.takes_file(file) and self._is_in_paths(file)
        }
        used: set[str] = set()
        number = 0
        for test in tested:
            file = files_of.get(type(test).__module__, "")
            above = [each for each in fixtures if file in collected and is_above(each.rpartition("/")[0], file)]
            number += bool(above)
            used.update(above)
        return {file: names for file, names in fixtures.items() if file in used}, number

    def _of_file(self, file: str) -> list[LeftOut]:
        text = source_of(self._root / file)
        if not _HAS_TESTS.search(text):
            return []
        if not (self._is_of_pytest or _has_pytest() or _IMPORTS_PYTEST.search(text)):
            return []
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            return []
        reader = _Source(self._collection, with_test_cases=self._is_of_pytest)
        return [
            _item(file, parts, line, UNSEEN if is_test_case else STYLE)
            for parts, line, is_test_case in reader.tests(tree.body)
        ]

    def _is_in_paths(self, file: str) -> bool:
        return self._collection.is_in_paths(self._root, file)


def without_fixtures(plan: Plan) -> tuple[Plan, list[LeftOut]]:
    """*plan* without the tests that use fixtures of pytest, and those tests."""
    if "_pytest" not in sys.modules:
        return plan, []  # nothing in this process can be a mark or a fixture of pytest
    found = Fixtures()
    fixtures = [found.of(instance) for instance in plan.instances]
    if not any(fixtures):
        return plan, []
    left_out = [
        LeftOut(test, f"gets {fixture} from pytest, and not from Django's runner")
        for test, fixture in zip(plan.tests, fixtures, strict=True)
        if fixture
    ]
    return chosen(plan, [number for number, fixture in enumerate(fixtures) if not fixture]), left_out


def failed_modules(plan: Plan) -> list[str]:
    """The modules of a plan that could not be imported."""
    return [test.name for test, case in zip(plan.tests, plan.instances, strict=True) if isinstance(case, FailedTest)]


def left_out_notice(left_out: Sequence[LeftOut], is_asked_for: bool) -> str:
    """The notice about all tests that do not run."""
    number = len(left_out)
    count = f"{number} test{'' if number == 1 else 's'} of pytest, which Django's runner cannot run"
    if is_asked_for:
        return f'{count}: left out, since framework = "django".'
    names = ", ".join(each.test.id for each in left_out[:3]) + (", ..." if number > 3 else "")
    return (
        f'{count}, not run, and red: {names}. framework = "django" in [tool.harness] leaves them out, '
        'framework = "pytest" runs all tests by pytest.'
    )


def selected(
    found: Sequence[LeftOut], labels: Sequence[str], apps: dict[str, str], patterns: Sequence[str]
) -> list[LeftOut]:
    """Those of *found* that *labels* (Django's) and ``-k`` *patterns* select. *apps* has the module of each app's label."""
    chosen = [each for each in found if not labels or any(_is_below(each, label, apps) for label in labels)]
    globs = [pattern if "*" in pattern else f"*{pattern}*" for pattern in patterns]
    return [each for each in chosen if not globs or any(fnmatchcase(each.dotted, glob) for glob in globs)]


def _is_below(each: LeftOut, label: str, apps: dict[str, str]) -> bool:
    if Path(label).is_dir():
        folder = os.path.normpath(label)
        return folder == "." or each.test.file.startswith(f"{folder}/")
    name = label.partition("[")[0]  # the parameters of a test
    first, _, rest = name.partition(".")
    names = {name, apps.get(first, first) + (f".{rest}" if rest else "")}
    return any(each.dotted == one or each.dotted.startswith(f"{one}.") for one in names)


class OfOwner(NamedTuple):
    """The fixture that a module, class or method asks for by a mark, and its own autouse fixture; empty for none."""

    mark: str
    autouse: str


class Fixtures:
    """Finds the fixtures of pytest that tests get; keeps what it found for a module or a class, which many tests share."""

    def __init__(self) -> None:
        self._owners: dict[int, OfOwner] = {}
        self._classes: dict[type, OfOwner] = {}

    def of(self, test: unittest.TestCase) -> str:
        """The fixture that *test* asks for by a mark, or gets from its class or module; empty if it needs none."""
        cls = type(test)
        if (found := self._classes.get(cls)) is None:
            owners = [self._of_owner(owner) for owner in (sys.modules.get(cls.__module__), *cls.__mro__)]
            marks, autouse = ([*filter(None, each)] for each in zip(*owners, strict=True))
            found = self._classes[cls] = OfOwner("".join(marks[:1]), "".join(autouse[:1]))
        return found.mark or _mark_of(getattr(cls, test_method_name(test), None)) or found.autouse

    def _of_owner(self, owner: Any) -> OfOwner:
        if id(owner) not in self._owners:
            self._owners[id(owner)] = OfOwner(_mark_of(owner), _autouse_of(owner))
        return self._owners[id(owner)]


def _mark_of(owner: Any) -> str:
    for mark in _marks(owner):
        names = [str(name) for name in getattr(mark, "args", ()) if name not in HARMLESS]
        if getattr(mark, "name", "") == "usefixtures" and names:
            return f"usefixtures({', '.join(map(repr, names))})"
    return ""


def _autouse_of(owner: Any) -> str:
    attributes = list(vars(owner).items()) if owner is not None else []
    return next((f"the autouse fixture {name}" for name, value in attributes if _is_autouse(value)), "")


def _marks(owner: Any) -> list[Any]:
    marks = getattr(owner, "__dict__", {}).get("pytestmark", ())
    return list(marks) if isinstance(marks, list | tuple) else [marks]


def _is_autouse(value: Any) -> bool:
    """Whether *value* is an autouse fixture: a function with a mark, or an object of pytest's from 8.4 on."""
    if isinstance(value, types.FunctionType):
        marker = vars(value).get("_pytestfixturefunction")
    elif type(value).__module__.startswith("_pytest."):
        marker = getattr(value, "_fixture_function_marker", None)
    else:
        return False
    return bool(getattr(marker, "autouse", False))


def module_name(file: str) -> str:
    """The dotted name of a *file* of the project, below ``src`` too."""
    return file.removesuffix(".py").removeprefix("src/").replace("/", ".")


def _item(file: str, parts: tuple[str, ...], line: int, reason: str) -> LeftOut:
    *classes, name = parts
    owner = ".".join([module_name(file), *classes])
    return LeftOut(PlannedTest("::".join([file, *parts]), owner, name, file, line), reason)


def _has_pytest() -> bool:
    return importlib.util.find_spec("pytest") is not None


def _imported(root: Path) -> dict[str, types.ModuleType]:
    """The imported modules below *root*, by their files relative to it."""
    found = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(f"{root}/"):
            found[file.removeprefix(f"{root}/")] = module
    return found


def _of_module(
    owner: Any, collection: Collection, used: set[type], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], int]]:
    """The tests of an imported module or of a class in it. Classes in *used* are skipped: Django's runner runs their tests."""
    module = owner.__name__ if isinstance(owner, types.ModuleType) else owner.__module__
    names = vars(owner) if isinstance(owner, types.ModuleType) else dict.fromkeys(dir(owner))
    for name in list(names):
        value = inspect.getattr_static(owner, name, None)
        value = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if isinstance(value, types.FunctionType):
            is_own = bool(above) or value.__module__ == module  # a class inherits tests, a module imports helpers
            if is_own and collection.takes_function(name) and "_pytestfixturefunction" not in vars(value):
                yield (*above, name), inspect.unwrap(value).__code__.co_firstlineno
        elif isinstance(value, type) and collection.takes_class(name) and _is_collected(value, module, used):
            is_defined_here = value.__qualname__ == ".".join((*above, name))  # and is not an alias of another class
            if is_defined_here:
                yield from _of_module(value, collection, used, (*above, name))


def _is_collected(cls: type, module: str, used: set[type]) -> bool:
    """Whether pytest collects a class of *module* whose name fits, and Django's runner runs none of its tests."""
    if cls.__module__ != module or cls in used:
        return False
    if issubclass(cls, unittest.TestCase) or inspect.getattr_static(cls, "__test__", True) is False:
        return False
    return not any(name in vars(each) for each in cls.__mro__[:-1] for name in ("__init__", "__new__"))


class _Source:
    """Reads tests from a syntax tree: names with their lines, and whether they are of a ``TestCase``."""

    def __init__(self, collection: Collection, with_test_cases: bool) -> None:
        self._collection = collection
        self._with_test_cases = with_test_cases

    def tests(
        self, body: Sequence[ast.stmt], above: tuple[str, ...] = (), is_test_case: bool = False
    ) -> Iterator[tuple[tuple[str, ...], int, bool]]:
        for node in body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    is_test = (
                        node.name.startswith("test") if is_test_case else self._collection.takes_function(node.name)
                    )
                    if is_test and not any(_is_fixture(each) for each in node.decorator_list):
                        yield (*above, node.name), node.lineno, is_test_case
                case ast.ClassDef():
                    yield from self._of_class(node, above)
                case ast.If() | ast.Try() | ast.With():
                    yield from self.tests(node.body, above, is_test_case)
                    yield from self.tests(getattr(node, "orelse", []), above, is_test_case)

    def _of_class(self, node: ast.ClassDef, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int, bool]]:
        is_test_case = any(ast.unparse(base).endswith("TestCase") for base in node.bases)
        has_init = any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)
        if is_test_case and not self._with_test_cases:
            return
        if is_test_case or (self._collection.takes_class(node.name) and not has_init):
            yield from self.tests(node.body, (*above, node.name), is_test_case)


def _is_fixture(decorator: ast.expr) -> bool:
    return "fixture" in ast.unparse(decorator).partition("(")[0]


def unseen_folders(root: Path, pattern: str, known: Iterable[LeftOut]) -> list[str]:
    """A sentence for each folder without ``__init__.py`` below *root* that has test files, which Django's discovery does not
    enter. The tests of *known* are reported elsewhere.
    """
    known_files = {each.test.file for each in known}
    found: dict[str, list[str]] = {}
    for path in map(PurePosixPath, files(root, Collection())):
        if str(path) in known_files or not fnmatchcase(path.name, pattern):
            continue
        _, *folders = reversed(path.parents)
        folder = next((str(each) for each in folders if not (root / each / "__init__.py").exists()), None)
        if folder and _TEST.search(source_of(root / path)):
            found.setdefault(folder, []).append(str(path))
    sentences = []
    for folder, tests in found.items():
        names = _TEST.findall(source_of(root / tests[0]))
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        sentences.append(
            f"{folder}/ has no __init__.py, so Django's discovery does not look into it:"
            f" {len(tests)} file{'s' if len(tests) > 1 else ''} of tests, {tests[0]} ({shown}) first."
        )
    return sentences
