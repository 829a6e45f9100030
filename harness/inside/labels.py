"""Labels as people type them to Django's: paths, ``path.py::Class::test``, and ``app_label.TestCase.test_method``."""

from __future__ import annotations

import os
import unittest
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from django.apps import apps

from .private import FailedTest, iter_test_cases, test_method_name


def as_django_label(label: str) -> str:
    """*label* as Django takes it: ``shop/tests/test_cart.py::CartTests::test_x`` to dots. Others stay as they are."""
    path, *inner = label.split("::")
    if path.endswith(".py"):
        parts = PurePosixPath(os.path.normpath(path)).with_suffix("").parts
        return ".".join([*parts, *inner])
    return ".".join([path, *inner])


def load(label: str, django_load: Callable[[str], Any]) -> Any:
    """What *label* names. One that Django cannot import, and that begins with an app's label, is looked for in that app's
    tests by class and method, as Django itself did until 1.6.
    """
    label = as_django_label(label)
    tests = django_load(label)
    app_label, *path = label.split(".")
    if not _has_failed(tests) or app_label not in apps.app_configs:
        return tests
    found = [test for test in iter_test_cases(django_load(apps.get_app_config(app_label).name)) if _is_at(test, path)]
    return unittest.TestSuite(found) if found else tests


def _has_failed(tests: Any) -> bool:
    return any(isinstance(test, FailedTest) for test in iter_test_cases([tests]))


def _is_at(test: unittest.TestCase, path: list[str]) -> bool:
    """Whether *test* is named by the last parts of its dotted name: ``[Class]`` or ``[Class, method]``, or an app's all."""
    own = [*type(test).__qualname__.split("."), test_method_name(test)]
    return not path or own == path or own[: len(path)] == path
