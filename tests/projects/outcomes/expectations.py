#!/usr/bin/env python
"""The outcome that each test of this project must have: ``expected.json``, made of what the tests carry.

    ./expectations.py             print them
    ./expectations.py --write     write expected.json
    ./expectations.py --check     exit with 1 if expected.json is out of date

A test carries its outcome by ``@expect``. Where a class or a module fails as a whole, that is a case of its own, called
``MODULE.CLASS.setUpClass``, ``MODULE.setUpModule`` and so on: a class names its own in ``expected_cases``, a module in
``EXPECTED_CASES``. A module that does not import is the case that unittest makes of it.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from unittest import SkipTest, TestLoader, TestSuite

ROOT = Path(__file__).resolve().parent
FILE = ROOT / "expected.json"

OUTCOMES = {"PASSED", "FAILED", "ERRORED", "SKIPPED", "XFAILED", "XPASSED", "TIMED_OUT", "CRASHED", "NOT_RUN"}


def expect(outcome):
    """Marks a test with the outcome that it must have."""
    if outcome not in OUTCOMES:
        raise ValueError(f"no outcome: {outcome}")

    def mark(test):
        test.expected_outcome = outcome
        return test

    return mark


def expectations():
    """``{test id: outcome}`` of the whole project, with Django set up. Raises ``LookupError`` for an unmarked test."""
    expected = {}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        name = f"tests.{path.stem}"
        try:
            module = importlib.import_module(name)
        except SkipTest:
            expected[f"unittest.loader.ModuleSkipped.{name}"] = "SKIPPED"
            continue
        except Exception:
            expected[f"unittest.loader._FailedTest.{name}"] = "ERRORED"
            continue
        for case, outcome in getattr(module, "EXPECTED_CASES", {}).items():
            expected[f"{name}.{case}"] = outcome
        for test in _tests(TestLoader().loadTestsFromModule(module)):
            expected |= _of(test)
    return dict(sorted(expected.items()))


def _of(test):
    test_class = type(test)
    marked = getattr(getattr(test, test._testMethodName), "expected_outcome", None)
    if marked is None:
        raise LookupError(f"{test.id()} carries no outcome")
    class_id = test.id().removesuffix(f".{test._testMethodName}")
    cases = {f"{class_id}.{case}": outcome for case, outcome in getattr(test_class, "expected_cases", {}).items()}
    return {test.id(): marked, **cases}


def _tests(suite):
    for item in suite:
        if isinstance(item, TestSuite):
            yield from _tests(item)
        else:
            yield item


def main(arguments):
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    text = json.dumps(expectations(), indent=2) + "\n"
    if arguments == ["--write"]:
        FILE.write_text(text)
    elif arguments == ["--check"]:
        if not FILE.exists() or FILE.read_text() != text:
            return "expected.json is out of date: run ./expectations.py --write"
    elif arguments:
        return __doc__
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    # the tests import this file by its name: let them find this one
    sys.modules["expectations"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:]))
