"""Runs a script such as ``runtests.py`` with its arguments, and prints each result of Django's runner as JSON at the end.

Not imported: it is copied beside the script, and runs with the project's Python, on Django alone. The record has the form of
``plain_runner.py`` of the random suites.
"""

from __future__ import annotations

import json
import runpy
import sys
import unittest
from collections.abc import Sequence
from typing import Any
from unittest.suite import _ErrorHolder  # type: ignore[attr-defined]  # not in typeshed

MARK = "recorded: "
PART = 8000


class RecordingResult(unittest.TextTestResult):
    """Keeps each call that gives a test its outcome. ``names`` has the ids of the planned tests by their address."""

    names: dict[int, str]
    record: dict[str, Any]

    def _note(self, test: Any, kind: str, error: Any = None, reason: object = "", subtest: str = "") -> None:
        cls, text = type_name(error[0]) if error else "", str(error[1] if error else reason)
        if isinstance(test, _ErrorHolder):
            self.record["fixtures"].append([str(test), kind, cls, text])
        else:
            self.record["tests"][self.names[id(test)]].append([kind, subtest, cls, text])

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self._note(test, "success")

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self._note(test, "failure", err)

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self._note(test, "error", err)

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        case = getattr(test, "test_case", None)
        self._note(case or test, "subtest skip" if case else "skip", reason=reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self._note(test, "expected failure", err)

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self._note(test, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            self._note(test, kind, err, subtest=subtest._subDescription())


def type_name(cls: type) -> str:
    """The dotted name of a class, without the module of built-in ones."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def planned(tests: Sequence[Any]) -> dict[int, str]:
    """The id of each test by its address, the second of one id with a number appended, as the harness does."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for test in tests:
        name, number = test.id(), 2
        while name in taken:
            name, number = f"{test.id()}#{number}", number + 1
        taken.add(name)
        names[id(test)] = name
    return names


def print_record(text: str) -> None:
    """Print *text* on lines that Docker's log keeps whole: it cuts at 16 KB, where standard error may come between the parts."""
    parts = [text[start : start + PART] for start in range(0, len(text), PART)]
    sys.stdout.write("\n" + "".join(f"{MARK}{part}\n" for part in parts))
    sys.stdout.flush()


def install() -> None:
    """Record the first ``run_tests()`` of this process: that of the script. Tests of Django's runner find it as it is."""
    from django.test.runner import DiscoverRunner
    from django.test.utils import iter_test_cases  # type: ignore[attr-defined]  # not in the stubs

    original = DiscoverRunner.run_tests

    def run_tests(runner: Any, *args: Any, **kwargs: Any) -> Any:
        DiscoverRunner.run_tests = original  # type: ignore[method-assign]  # what was there
        run_suite, kept = runner.run_suite, []

        def recorded_suite(suite: Any, **options: Any) -> Any:
            kept.extend(iter_test_cases(suite))  # kept, so that no other object gets the same address
            names = planned(kept)
            tests: dict[str, list[Any]] = {name: [] for name in names.values()}
            record = {"planned": list(tests), "tests": tests, "fixtures": [], "output": {}}
            members = {"names": names, "record": record}
            runner.get_resultclass = lambda: type("RecordingResult", (RecordingResult,), members)
            result = run_suite(suite, **options)
            print_record(json.dumps(record))
            return result

        runner.run_suite = recorded_suite
        return original(runner, *args, **kwargs)

    DiscoverRunner.run_tests = run_tests  # type: ignore[method-assign, assignment]  # for the script's runner


if __name__ == "__main__":
    del sys.argv[0]
    install()
    runpy.run_path(sys.argv[0], run_name="__main__")
