"""The doctests of a module as tests: each docstring with examples is one, in transactions that are rolled back."""

from __future__ import annotations

import doctest
import types
from collections.abc import Sequence

from django.db import connections
from django.test import TestCase

from ...errors import ProjectError
from ..failures import type_name

FLAGS = doctest.ELLIPSIS
"""The options of each example: those that Django's own doctests had."""


class DocstringCase(doctest.DocTestCase, TestCase):
    """The examples of one docstring. Rows that they write are rolled back, as after each test of a ``TestCase``."""

    def __eq__(self, other: object) -> bool:
        return self is other  # a DocTestCase compares the globals of modules, whose values may refuse that

    def __hash__(self) -> int:
        return id(self)


def doctests_of(module: types.ModuleType) -> Sequence[DocstringCase]:
    """The doctests in the docstrings of *module* and in its ``__test__``, as a class of its own. They may use every alias.

    Raises ``ProjectError`` for a docstring that the standard library cannot parse.
    """
    try:
        found = [each for each in doctest.DocTestFinder().find(module) if each.examples]
    except Exception as error:
        raise ProjectError(
            f"The doctests of {module.__name__} cannot be read: {type_name(type(error))}: {error}",
            hint=f"Does `python -m doctest` read {module.__file__}?",
        ) from error
    for each in found:
        each.filename = each.filename or module.__file__
    aliases = frozenset(each.alias for each in connections.all() if each.vendor != "unknown")  # that of no database
    cls = type("Doctests", (DocstringCase,), {"__module__": module.__name__, "databases": aliases})
    return [cls(each, optionflags=FLAGS) for each in sorted(found, key=lambda each: each.lineno or 0)]
