"""The tests of apps that Django's discovery leaves out: in ``models``, by ``suite()``, and in docstrings.

Django up to 1.5 found the tests of an app in its modules ``models`` and ``tests``. Owns the rules for both, and the labels
that named such tests.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import unittest
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.apps import apps

from ..private_apis import FailedTest, doctest_of, iter_test_cases, test_method_name, tested_function
from .doctests import doctests_of

_MODULES = ("models", "tests")
MODULE_DOCSTRING = "__doc__"
"""The last part of the name of a module's own docstring, which would be the module's name without it."""


def covers(targets: Iterable[str], module: str) -> bool:
    """Whether one of *targets*, dotted names, is *module* or a package around it. The empty name is around all."""
    return any(target in ("", module) or module.startswith(f"{target}.") for target in targets)


def targets_of(name: str, app_names: Mapping[str, str], is_folder: bool) -> tuple[str, ...]:
    """The dotted names of the packages or modules that a label may mean. *app_names* has the module of each app's label."""
    if is_folder:
        parts = [part for part in Path(name).parts if part != "."]
        return (".".join(parts[1:] if parts[:1] == ["src"] else parts),)
    first, dot, rest = name.partition(".")
    return tuple(dict.fromkeys([name, f"{app_names[first]}{dot}{rest}"])) if first in app_names else (name,)


def names_of(example: str, module: str) -> tuple[str, ...]:
    """The names below *module* that mean the doctest called *example*: ``__test__.NAME`` is also ``NAME``."""
    if example == module:
        return (MODULE_DOCSTRING,)
    name = example.removeprefix(f"{module}.")
    return (name, name.removeprefix("__test__.")) if name.startswith("__test__.") else (name,)


@dataclass(slots=True)
class AppTests:
    """The tests of the project's apps. *root* is the project's folder, *patterns* are those of ``-k``.

    *is_legacy*: the tests of ``models`` and of ``suite()`` belong to their app. *has_doctests*: so do docstrings.
    """

    root: str
    loader: unittest.TestLoader
    is_legacy: bool = False
    has_doctests: bool = False
    file_pattern: str = "test*.py"
    patterns: Sequence[str] = ()
    _doctests: dict[str, Sequence[unittest.TestCase]] = field(default_factory=dict)

    def completed(self, tests: Any, name: str) -> Any:
        """*tests*, which discovery found for the label *name*, with those of the apps that the label covers."""
        if not (self.is_legacy or self.has_doctests):
            return tests
        targets = targets_of(name, {each.label: each.name for each in self._apps()}, Path(name).is_dir())
        found = list(iter_test_cases(tests))
        if self.is_legacy:
            for module in self._app_modules():
                if covers(targets, module):
                    found = self._with_legacy(found, module)
        if self.has_doctests:
            known = {example.name for test in found if (example := doctest_of(test)) is not None}
            for module in self._modules_with_doctests(found):
                if covers(targets, module):
                    found += [each for each in self._doctests_of(module) if each.id() not in known]
        return unittest.TestSuite(found)

    def named(self, name: str) -> list[unittest.TestCase]:
        """The tests that *name* means in the modules of an app: a class, a method, or a doctest. They need no option."""
        first, _, rest = name.partition(".")
        places = [
            (f"{each.name}.{module}", rest) for each in self._apps() if each.label == first for module in _MODULES
        ]
        parts = name.split(".")
        places += [(".".join(parts[:number]), ".".join(parts[number:])) for number in range(len(parts) - 1, 0, -1)]
        finders: tuple[Callable[[str, str], list[unittest.TestCase]], ...] = (self._of_class, self._of_docstrings)
        for find in finders:
            for module, inner in places:
                if inner and module in sys.modules and (found := find(module, inner)):
                    return found
        return []

    def names(self) -> Iterator[str]:
        """The test classes and the doctests of the apps' modules, by their app's label."""
        for app in self._apps():
            for module in _MODULES:
                owner = f"{app.name}.{module}"
                for name, value in vars(sys.modules.get(owner, types.ModuleType(owner))).items():
                    if getattr(value, "__module__", "") == owner and _may_be_a_test(value):
                        yield f"{app.label}.{name}"

    def _apps(self) -> list[Any]:
        """The apps whose files are the project's own."""
        return [each for each in apps.get_app_configs() if self._is_own(Path(each.path))]

    def _is_own(self, path: Path) -> bool:
        return path.is_relative_to(self.root) and not {"site-packages", "dist-packages"} & set(path.parts)

    def _app_modules(self) -> list[str]:
        names = [f"{app.name}.{module}" for app in self._apps() for module in _MODULES]
        return [each for each in names if each in sys.modules or importlib.util.find_spec(each) is not None]

    def _with_legacy(self, found: list[unittest.TestCase], name: str) -> list[unittest.TestCase]:
        """*found* with the tests of the module *name*: those of its ``suite()`` in place of all others, if it has one."""
        if any(isinstance(each, FailedTest) and test_method_name(each) == name for each in found):
            return found  # it cannot be imported, and that is reported
        module = importlib.import_module(name)
        if (suite := _suite_of(module)) is not None:
            return [each for each in found if not covers([name], _module_of(each))] + list(iter_test_cases(suite))
        if any(_module_of(each) == name for each in found):
            return found
        return [*found, *iter_test_cases(self.loader.loadTestsFromModule(module))]

    def _modules_with_doctests(self, found: Iterable[unittest.TestCase]) -> list[str]:
        """The modules that are read for doctests: the apps' ``models`` and ``tests``, and all modules of test files."""
        owners = self._app_modules()
        tested = {_module_of(each) for each in found}
        names = []
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or not self._is_own(Path(file)):
                continue
            if name in tested or covers(owners, name) or fnmatchcase(Path(file).name, self.file_pattern):
                names.append(name)
        return sorted(names)

    def _doctests_of(self, name: str) -> Sequence[unittest.TestCase]:
        """The doctests of a module that ``-k`` selects, made once: a suite drops a test that it has already."""
        if name not in self._doctests:
            globs = [each if "*" in each else f"*{each}*" for each in self.patterns]
            self._doctests[name] = [
                each
                for each in doctests_of(sys.modules[name])
                if not globs or any(fnmatchcase(each.id(), glob) for glob in globs)
            ]
        return self._doctests[name]

    def _of_class(self, module: str, inner: str) -> list[unittest.TestCase]:
        cls, _, method = inner.partition(".")
        found = getattr(sys.modules[module], cls, None)
        if not (isinstance(found, type) and issubclass(found, unittest.TestCase)):
            return []
        tests = iter_test_cases(self.loader.loadTestsFromTestCase(found))
        return [each for each in tests if method in ("", test_method_name(each))]

    def _of_docstrings(self, module: str, inner: str) -> list[unittest.TestCase]:
        """The doctest called *inner*, or else all below that name."""
        file = getattr(sys.modules[module], "__file__", None)
        if not isinstance(file, str) or not self._is_own(Path(file)):
            return []
        tests = [(each, names_of(each.id(), module)) for each in self._doctests_of(module)]
        exact = [each for each, names in tests if inner in names]
        return exact or [each for each, names in tests if any(name.startswith(f"{inner}.") for name in names)]


def _may_be_a_test(value: object) -> bool:
    if isinstance(value, type) and issubclass(value, unittest.TestCase):
        return True
    return isinstance(value, type | types.FunctionType) and ">>>" in (value.__doc__ or "")


def _suite_of(module: types.ModuleType) -> unittest.TestSuite | None:
    """The suite that the module's function ``suite`` returns; ``None`` if it has none."""
    function = getattr(module, "suite", None)
    made = function() if isinstance(function, types.FunctionType) else None
    return made if isinstance(made, unittest.TestSuite) else None


def _module_of(test: unittest.TestCase) -> str:
    if (example := doctest_of(test)) is not None:
        return str(example.globs.get("__name__", ""))
    function = tested_function(test)
    return str(getattr(function, "__module__", "")) if function is not None else type(test).__module__
