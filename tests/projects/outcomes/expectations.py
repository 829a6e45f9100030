#!/usr/bin/env python
"""The outcome that each test of this project must have: ``expected.json``, made of what the tests carry.

    ./expectations.py             print them
    ./expectations.py --write     write expected.json, and expected_on.json
    ./expectations.py --check     exit with 1 if one of these is out of date

``expected.json`` is what is so on PostgreSQL, ``expected_on.json`` what differs on another engine, by its name.

A test carries its outcome by ``@expect``, and by ``@expect("PASSED", sqlite="SKIPPED")`` that of another engine. Where a class or a module fails as a whole, that is a case of its own, called
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
FILE_ON = ROOT / "expected_on.json"
ENGINES = ("mysql", "mariadb", "sqlite")

OUTCOMES = {"PASSED", "FAILED", "ERRORED", "SKIPPED", "XFAILED", "XPASSED", "TIMED_OUT", "CRASHED", "NOT_RUN"}


def expect(outcome, **on):
    """Marks a test with the outcome that it must have, and with that on other engines where it is another."""
    for word in (outcome, *on.values()):
        if word not in OUTCOMES:
            raise ValueError(f"no outcome: {word}")
    if unknown := set(on) - set(ENGINES):
        raise ValueError(f"no engine: {', '.join(unknown)}")

    def mark(test):
        test.expected_outcome = outcome
        test.expected_on = on
        return test

    return mark


def expectations(engine=None):
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
            expected |= _of(test, engine)
    return dict(sorted(expected.items()))


def differing():
    """``{engine: {test id: outcome}}`` of what is not as on PostgreSQL."""
    usual = expectations()
    return {
        engine: {test: outcome for test, outcome in expectations(engine).items() if usual[test] != outcome}
        for engine in ENGINES
    }


def _of(test, engine):
    test_class = type(test)
    method = getattr(test, test._testMethodName)
    marked = getattr(method, "expected_outcome", None)
    if marked is None:
        raise LookupError(f"{test.id()} carries no outcome")
    marked = method.expected_on.get(engine, marked)
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
    files = {FILE: expectations(), FILE_ON: differing()}
    texts = {path: json.dumps(content, indent=2) + "\n" for path, content in files.items()}
    if arguments == ["--write"]:
        for path, text in texts.items():
            path.write_text(text)
    elif arguments == ["--check"]:
        for path, text in texts.items():
            if not path.exists() or path.read_text() != text:
                return f"{path.name} is out of date: run ./expectations.py --write"
    elif arguments:
        return __doc__
    else:
        print("".join(texts.values()), end="")
    return 0


if __name__ == "__main__":
    # the tests import this file by its name: let them find this one
    sys.modules["expectations"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:]))
