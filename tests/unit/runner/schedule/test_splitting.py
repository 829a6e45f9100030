"""Which classes may run in parts."""

from __future__ import annotations

import sys
import types
import unittest

import pytest
from django.test import LiveServerTestCase, SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.test.testcases import SerializeMixin

from harness.runner.schedule.splitting import may_split, rank
from harness.testing import whole


class Plain(SimpleTestCase):
    pass


@override_settings(DEBUG=True)
class WithData(TestCase):
    fixtures = ("a.json",)

    @classmethod
    def setUpTestData(cls) -> None:
        pass


class Restored(TransactionTestCase):
    serialized_rollback = True


class Flushed(TransactionTestCase):
    pass


class OwnSetUp(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()


class Inherited(OwnSetUp):
    pass


class OwnTearDown(SimpleTestCase):
    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()


class Served(LiveServerTestCase):
    pass


class Serialized(SerializeMixin, TestCase):
    lockfile = __file__


@whole
class Whole(TestCase):
    pass


class Unittests(unittest.TestCase):
    pass


@pytest.mark.parametrize("cls", [Plain, WithData, Restored])
def test_a_class_with_django_fixtures_alone_is_split(cls: type) -> None:
    assert may_split(cls)


@pytest.mark.parametrize("cls", [Flushed, OwnSetUp, Inherited, OwnTearDown, Served, Serialized, Whole, Unittests])
def test_another_class_stays_whole(cls: type) -> None:
    assert not may_split(cls)


@pytest.mark.parametrize("name", ["setUpModule", "tearDownModule"])
def test_a_class_of_a_module_with_fixtures_stays_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("module_with_fixtures")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    cls = type("Tests", (TestCase,), {"__module__": module.__name__})
    assert may_split(cls)
    setattr(module, name, lambda: None)
    assert not may_split(cls)


def test_ranks_are_the_groups_of_django() -> None:
    assert [rank(cls) for cls in (WithData, Plain, Flushed, Unittests)] == [0, 1, 1, 2]
