"""Which test classes may run in parts, and the order of Django's groups of classes. Reads classes alone, and runs nothing."""

from __future__ import annotations

import sys
import unittest

from django.test import LiveServerTestCase, SimpleTestCase, TestCase, TransactionTestCase
from django.test.testcases import SerializeMixin

from ...testing import WHOLE
from ..private_apis import FailedTest

_CLASS_FIXTURES = ("setUpClass", "tearDownClass")
_MODULE_FIXTURES = ("setUpModule", "tearDownModule")


def rank(cls: type) -> int:
    """The number of the group of *cls* in the order of ``DiscoverRunner.build_suite``; 0 comes first."""
    if issubclass(cls, TestCase | FailedTest):
        return 0
    return 1 if issubclass(cls, SimpleTestCase) else 2


def may_split(cls: type) -> bool:
    """Whether parts of *cls* have the outcomes of the whole: the fixtures of several tests are Django's own and in databases.

    The first test of a ``TransactionTestCase`` may find the rows of migrations, which the flush after it removes for the
    others, unless ``serialized_rollback`` restores them. So another first test could end differently.
    """
    if not issubclass(cls, SimpleTestCase) or issubclass(cls, LiveServerTestCase | SerializeMixin):
        return False
    if getattr(cls, WHOLE, False) or any(_is_own(cls, name) for name in _CLASS_FIXTURES):
        return False
    if any(hasattr(sys.modules.get(cls.__module__), name) for name in _MODULE_FIXTURES):
        return False
    is_flushed = issubclass(cls, TransactionTestCase) and not issubclass(cls, TestCase)
    return not is_flushed or bool(getattr(cls, "serialized_rollback", False))


def _is_own(cls: type, name: str) -> bool:
    """Whether a class other than Django's and unittest's defines the method *name* of *cls*."""
    owners = (base for base in cls.__mro__ if name in vars(base))
    return any(base is not unittest.TestCase and base.__module__ != SimpleTestCase.__module__ for base in owners)
