"""A suite from a seed: modules of tests, and the options to run them with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.random_suites.pieces import (
    ASYNC,
    CASE,
    DECORATORS,
    ERRORS,
    FAILURES,
    PLAIN,
    SIMPLE,
    SKIPS,
    STEPS,
    TRANSACTION,
    WITH_DATABASE,
    Picker,
    Place,
)

HEAD = """\
import asyncio
import doctest
import logging
import sys
import unittest
import warnings
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.test import (
    SimpleTestCase, TestCase, TransactionTestCase, override_settings, skipIfDBFeature, skipUnlessDBFeature, tag,
)

from library.models import Author, Book, Tag


class Unpicklable(Exception):
    def __init__(self, name, action):
        super().__init__(name)
        self.action = action
"""
BASES = {
    SIMPLE: "SimpleTestCase",
    CASE: "TestCase",
    TRANSACTION: "TransactionTestCase",
    PLAIN: "unittest.TestCase",
    ASYNC: "unittest.IsolatedAsyncioTestCase",
}
DATABASES = (
    ("default",),
    ("default",),
    ("default", "replica"),
    ("default", "replica"),
    ("default", "other"),
    ("default", "other", "replica"),
    ("other",),
)


@dataclass(frozen=True)
class Suite:
    """The files of ``cases/``, the options that plain Django and the harness share, and those of the harness alone."""

    seed: int
    engine: str
    files: dict[str, str]
    labels: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


@dataclass
class Module:
    """A module under construction."""

    name: str
    lines: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)


def generate(seed: int, engine: str) -> Suite:
    """The suite of *seed* on ``sqlite`` or ``postgres``: always the same one."""
    return _Generator(seed, engine).suite()


class _Generator:
    def __init__(self, seed: int, engine: str) -> None:
        self._rng = Random(f"{engine} {seed}")
        self._pick = Picker(self._rng)
        self._seed = seed
        self._engine = engine
        self._mirrors = self._rng.choice(("auto", "auto", "auto", "primary", "replica"))
        self._use_mirrors = self._pick.chance(0.7)
        self._is_shuffled = self._pick.chance(0.15)

    def suite(self) -> Suite:
        modules: list[Module] = []
        for number in range(self._rng.randint(1, 4)):
            modules.append(self._module(f"test_{number}", modules))
        files = {f"{module.name}.py": "\n".join(module.lines) + "\n" for module in modules}
        if self._pick.chance(0.08):
            files["test_broken.py"] = self._rng.choice(
                (
                    "raise ValueError('at import')\n",
                    "import not_there\n",
                    "def load_tests(*args):\n    raise ValueError\n",
                )
            )
        return Suite(self._seed, self._engine, files, self._labels(modules), self._shared(modules), self._own())

    # options

    def _labels(self, modules: list[Module]) -> tuple[str, ...]:
        if not self._pick.chance(0.15):
            return ()
        of_modules = [f"cases.{module.name}" for module in modules]
        of_classes = [f"cases.{module.name}.{name}" for module in modules for name in module.classes]
        of_tests = [f"cases.{module.name}.{name}" for module in modules for name in module.tests]
        found = [*of_modules, *of_classes, *of_tests]
        return tuple(self._rng.sample(found, k=min(len(found), self._rng.randint(1, 3))))

    def _shared(self, modules: list[Module]) -> tuple[str, ...]:
        names = [name.rpartition(".")[2] for module in modules for name in module.tests] or ["test"]
        choices = (
            (0.1, ("-k", self._rng.choice(names)[:6])),
            (0.05, ("-k", "*a*", "-k", "_1")),
            (0.1, ("--exclude-tag", "slow")),
            (0.05, ("--tag", "slow", "--tag", "fast")),
            (0.2, ("--reverse",)),
            (self._is_shuffled, (f"--shuffle={self._rng.randint(1, 999)}",)),
        )
        return tuple(word for probability, words in choices if self._pick.chance(probability) for word in words)

    def _own(self) -> tuple[str, ...]:
        words = ["--parallel", str(self._rng.randint(1, 3)), "--mirrors", self._mirrors]
        if self._pick.chance(0.1):
            words += ["--retries", "1"]
        elif self._pick.chance(0.1):
            words += ["--repeat", "2"]
        if self._pick.chance(0.1):
            words += ["--check-isolation"]
        return tuple(words)

    # modules

    def _module(self, name: str, others: list[Module]) -> Module:
        module = Module(name, [HEAD])
        for of in ("setUpModule", "tearDownModule"):
            if self._pick.chance(0.2):
                module.lines += ["", f"def {of}():", *_indented(self._fixture_body(of))]
        mixins = [self._mixin(module) for _ in range(self._rng.randint(0, 1))]
        for number in range(self._rng.randint(1, 4)):
            self._class(module, f"{'ABCDE'[number]}{self._rng.choice(('Tests', 'Case'))}", mixins)
        if self._pick.chance(0.15) and not self._is_shuffled:  # Django refuses to shuffle two classes of one name
            self._made_classes(module)
        if others and self._pick.chance(0.2):
            other = self._rng.choice(others)
            module.lines += ["", f"from cases.{other.name} import {other.classes[0]} as Imported"]
        if self._pick.chance(0.15):
            self._load_tests(module)
        return module

    def _fixture_body(self, of: str) -> list[str]:
        lines = [f"print({of!r})"]
        if self._pick.chance(0.2):
            lines += [f"unittest.addModuleCleanup(print, {of!r})"]
        if self._pick.chance(0.2) and of == "setUpModule":
            lines += self._pick.text("unittest.addModuleCleanup([].index, 'NAME')")
        if self._pick.chance(0.35):
            lines += self._trouble(Place(PLAIN, (), self._engine), can_skip=of == "setUpModule")
        return lines

    def _trouble(self, place: Place, can_skip: bool = True) -> list[str]:
        """Lines that make a fixture fail or skip. They do not use ``self``."""
        texts = ["raise ValueError('NAME')", "raise AssertionError('NAME')", "[].index('NAME')"]
        if can_skip:
            texts += ["raise unittest.SkipTest('NAME')"]
        if "default" in place.databases:
            texts += [
                "Author.objects.get(name='NAME')",
                "Author.objects.bulk_create([Author(name='NAME'), Author(name='NAME')])",
            ]
        return self._pick.text(self._rng.choice(texts))

    def _mixin(self, module: Module) -> str:
        name = self._pick.word("Mixin")
        module.lines += [
            "",
            f"class {name}:",
            "    def test_of_mixin(self):",
            *_indented(self._body(Place(PLAIN, (), "")), 2),
        ]
        return name

    def _made_classes(self, module: Module) -> None:
        """Add two classes of one name."""
        module.lines += ["", "def make(value):", "    class Made(SimpleTestCase):", "        def test_made(self):"]
        module.lines += ["            self.assertEqual(value, 1)", "    return Made", "", "One, Two = make(1), make(2)"]

    def _load_tests(self, module: Module) -> None:
        chosen = self._rng.choice(module.classes)
        module.lines += ["", "def function_test():", *_indented(self._pick.text("assert len('NAME') < 4, 'NAME'"))]
        word, quotes = self._pick.word("example_"), '"' * 3
        shown = self._rng.choice((word, word, "other"))
        module.lines += ["", f"def {word}():", f"    {quotes}", f"    >>> '{word}'", f"    '{shown}'"]
        module.lines += [self._rng.choice(("", "", f"    >>> [].index('{word}')")), f"    {quotes}"]
        module.lines += ["", "def load_tests(loader, standard, pattern):"]
        ways = (
            ["return standard"],
            [f"return loader.loadTestsFromTestCase({chosen})"],
            [f"standard.addTests(loader.loadTestsFromTestCase({chosen}))", "return standard"],
            ["standard.addTest(unittest.FunctionTestCase(function_test))", "return standard"],
            ["standard.addTests(doctest.DocTestSuite(sys.modules[__name__]))", "return standard"],
            ["return unittest.TestSuite()"],
        )
        module.lines += _indented(self._rng.choice(ways))

    # classes

    def _class(self, module: Module, name: str, mixins: list[str]) -> None:
        rng, pick = self._rng, self._pick
        kind = rng.choice((CASE, CASE, CASE, TRANSACTION, TRANSACTION, SIMPLE, PLAIN, ASYNC))
        aliases = self._databases() if kind in WITH_DATABASE else ()
        # on SQLite, plain Django looks at foreign keys through the mirror too, and finds locked what a TestCase has written
        is_read_only = self._engine == "sqlite" and kind == CASE and "replica" in aliases
        databases = ("replica",) if is_read_only else aliases
        place = Place(
            kind,
            databases,
            self._engine,
            is_serialized=kind == TRANSACTION and pick.chance(0.2),
            resets_sequences=kind == TRANSACTION and pick.chance(0.2),
            has_data=kind == CASE and "default" in databases and pick.chance(0.4),
            mirrors=self._mirrors,
        )
        bases = ([rng.choice(mixins)] if mixins and pick.chance(0.4) else []) + [self._base(module, kind)]
        module.lines += ["", *self._class_decorators(kind), f"class {name}({', '.join(bases)}):"]
        module.lines += _indented(self._attributes(place, aliases))
        for lines in self._fixtures(place):
            module.lines += ["", *_indented(lines)]
        for number in range(1, rng.randint(1, 4) + 1):
            test = f"test_{number}_{pick.word('abc'[number % 3])}"
            module.lines += ["", *_indented(self._test(test, place))]
            module.tests.append(f"{name}.{test}")
        module.classes.append(name)

    def _databases(self) -> tuple[str, ...]:
        found = self._rng.choice(DATABASES)
        return found if self._use_mirrors else tuple(alias for alias in found if alias != "replica")

    def _base(self, module: Module, kind: str) -> str:
        """The base class, or a new class derived from it that has a test of its own."""
        if not self._pick.chance(0.15):
            return BASES[kind]
        name = self._pick.word("Base")
        module.lines += ["", f"class {name}({BASES[kind]}):", "    def test_of_base(self):"]
        module.lines += _indented(self._body(Place(PLAIN, (), "")), 2)
        return name

    def _class_decorators(self, kind: str) -> list[str]:
        texts = ["@unittest.skip('NAME')", "@tag('slow')", "@tag('fast')"]
        if kind not in (PLAIN, ASYNC):
            texts += ["@override_settings(GREETING='of the class')", "@override_settings(GREETING='of the class')"]
        return self._pick.text(self._rng.choice(texts)) if self._pick.chance(0.2) else []

    def _attributes(self, place: Place, aliases: tuple[str, ...]) -> list[str]:
        lines = ["maxDiff = 300"] if self._pick.chance(0.2) else ["'''Tests.'''"]
        if place.kind in WITH_DATABASE and (aliases != ("default",) or self._pick.chance(0.3)):
            lines += [f"databases = {{{', '.join(map(repr, aliases))}}}"]
        if place.is_serialized:
            lines += ["serialized_rollback = True"]
        if place.resets_sequences:
            lines += ["reset_sequences = True"]
        if place.kind == TRANSACTION and self._pick.chance(0.1):
            lines += ["available_apps = ['library']"]
        if "default" in place.databases and self._pick.chance(0.15):
            lines += [f"fixtures = [{self._rng.choice(('authors.json', 'authors', 'not_there.json'))!r}]"]
        if "replica" in aliases and self._mirrors != "auto" and self._pick.chance(0.2):
            lines += [f"harness_mirrors = {self._mirrors!r}"]
        return lines

    def _fixtures(self, place: Place) -> list[list[str]]:
        found = []
        if self._pick.chance(0.25):
            found.append(self._set_up_class(place))
        if self._pick.chance(0.2):
            found.append(self._tear_down_class())
        if place.has_data:
            lines = [
                "@classmethod",
                "def setUpTestData(cls):",
                "    cls.author = Author.objects.create(name='of the class')",
            ]
            found.append(lines + (_indented(self._trouble(place, can_skip=False)) if self._pick.chance(0.12) else []))
        place = replace(place, is_async=place.kind == ASYNC)
        for name in ("setUp", "tearDown"):
            if self._pick.chance(0.2):
                head = (
                    f"async def async{name[0].upper()}{name[1:]}(self):"
                    if place.kind == ASYNC
                    else f"def {name}(self):"
                )
                inner = self._pick.lines(STEPS, place)
                if self._pick.chance(0.2):
                    inner += self._pick.lines(self._rng.choice((FAILURES, ERRORS, SKIPS)), place)
                found.append([head, *_indented(inner)])
        return found

    def _set_up_class(self, place: Place) -> list[str]:
        lines = ["@classmethod", "def setUpClass(cls):"]
        if self._pick.chance(0.3):
            lines += ["    cls.addClassCleanup(print, 'class clean-up')"]
        if self._pick.chance(0.2):
            lines += _indented(self._pick.text("cls.addClassCleanup([].index, 'NAME')"))
        before: list[str] = []
        after: list[str] = []
        if self._pick.chance(0.4):
            # behind Django's own it would leave a transaction open, which is the next class's trouble in plain Django
            is_behind = place.kind != CASE and self._pick.chance(0.5)
            (after if is_behind else before).extend(self._trouble(Place(place.kind, (), self._engine)))
        return [*lines, *_indented(before), "    super().setUpClass()", *_indented(after)]

    def _tear_down_class(self) -> list[str]:
        lines = ["@classmethod", "def tearDownClass(cls):", "    super().tearDownClass()", "    print('tearDownClass')"]
        if self._pick.chance(0.4):
            lines += _indented(self._trouble(Place(PLAIN, (), self._engine)))
        return lines

    # tests

    def _test(self, name: str, place: Place) -> list[str]:
        is_async = place.kind == ASYNC or (place.kind != PLAIN and self._pick.chance(0.1))
        place = replace(place, is_async=is_async)
        decorators = []
        for _ in range(2):
            if self._pick.chance(0.12):
                decorators += self._pick.lines(DECORATORS, place)
        head = f"{'async ' if is_async else ''}def {name}(self):"
        doc = ["    'What it does.'"] if self._pick.chance(0.1) else []
        return [*decorators, head, *doc, *_indented(self._body(place))]

    def _body(self, place: Place) -> list[str]:
        lines = []
        for _ in range(self._rng.randint(1, 3)):
            lines += self._pick.lines(STEPS, place)
        if self._pick.chance(0.2):
            lines += self._subtests(place, depth=0)
        if self._pick.chance(0.06):
            lines += self._pick.text(
                self._rng.choice(("self.addCleanup([].index, 'NAME')", "self.addCleanup(self.fail, 'NAME')"))
            )
        if self._pick.chance(0.35):
            lines += self._end(place)
        return lines

    def _end(self, place: Place) -> list[str]:
        return self._pick.lines(self._rng.choice((FAILURES, FAILURES, ERRORS, ERRORS, SKIPS)), place)

    def _subtests(self, place: Place, depth: int) -> list[str]:
        bare = Place(PLAIN, (), "", place.is_async)
        lines = []
        for number in range(self._rng.randint(1, 3)):
            given = self._rng.choice(("'NAME'", f"i={number}", f"'NAME', i={number}", "text='NAME, (x)'", ""))
            inner = self._pick.lines(STEPS, bare)
            if depth < 2 and self._pick.chance(0.25):
                inner += self._subtests(place, depth + 1)
            if self._pick.chance(0.4):
                inner += self._end(bare)
            lines += [*self._pick.text(f"with self.subTest({given}):"), *_indented(inner)]
        return lines


def _indented(lines: list[str], levels: int = 1) -> list[str]:
    return [f"{'    ' * levels}{line}" if line else "" for line in lines]
