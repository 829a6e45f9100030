"""The bodies of pytest's tests, in which replicas may be late."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

import pytest
from django.test import TransactionTestCase

from ... import private_apis
from ...replication.mirrors import Mirrors


class Bodies:
    """A plugin of a worker. ``has_databases``: the running item may use the databases of its class or fixtures."""

    def __init__(self, mirrors: Callable[[], Mirrors]) -> None:
        self.has_databases = False
        self._mirrors = mirrors

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: Any) -> Any:
        instance = getattr(item, "instance", None)
        if isinstance(instance, unittest.TestCase):  # its set-up is a part of the call
            if isinstance(instance, TransactionTestCase):
                private_apis.around_test_method(instance, self._mirrors().body)
            return (yield)
        if not self.has_databases:
            return (yield)
        with self._mirrors().body():
            return (yield)
