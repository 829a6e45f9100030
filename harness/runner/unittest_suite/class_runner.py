"""Runs the tests of a class in a worker, in the order of ``unittest.TestSuite.run``."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.test import TestCase

from ...protocol.messages import MirrorMode
from ...protocol.results import Outcome
from .. import private_apis
from ..replication import mirrors
from ..schedule.commands import Assignment
from ..text import class_name
from ..workers.worker import CutOff, Worker
from .result import AttemptResult


class ClassRunner:
    """The state of unittest's fixtures in a worker. A unit has the tests of one class."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._result = AttemptResult(worker.attempts, worker.describer)
        self._steps = private_apis.SuiteSteps()
        self._mode: MirrorMode = "auto"

    def run(self, assignment: Assignment) -> None:
        """Set up the module and the class, run the tests, tear both down. Raises ``CutOff``."""
        context, result = self._worker.context, self._result
        instances = [(index, context.plan.instances[index]) for index in assignment.tests]
        cls = type(instances[0][1])
        self._mode = mirrors.mode_of(cls, context.mirror_mode)
        self._worker.mirrors.use(self._mode)
        self._worker.mirrors.declare(cls, class_name(cls))
        self._steps.forget(result)
        result.fixture_failure = result.fixture_skip = None
        self._fixture(cls, "setUpModule", self._steps.set_up_module, instances[0][1])
        if result.fixture_failure is None and result.fixture_skip is None:
            self._fixture(cls, "setUpClass", self._steps.set_up_class, instances[0][1])
            self._steps.note_class(cls, result)
        self._run_tests(cls, instances, assignment.n)
        self._fixture(cls, "tearDownClass", self._steps.tear_down_class)
        self._fixture(cls, "tearDownModule", self._steps.tear_down_module)
        self._steps.forget(result)

    def between_tests(self) -> AbstractContextManager[None]:
        """The context in which the harness uses the connections of the tests."""
        return nullcontext()

    def end(self) -> None:
        """Do nothing: every fixture has ended with its unit."""

    def _run_tests(self, cls: type, instances: list[tuple[int, unittest.TestCase]], n: int) -> None:
        worker, result, tests = self._worker, self._result, self._worker.context.plan.tests
        is_up = result.fixture_failure is None and result.fixture_skip is None
        for index, instance in instances:
            if worker.is_stopped:
                break
            if not is_up:
                result.leave_out(tests[index].id, n)
                continue
            outcome = self._run_test(cls, instance, tests[index].id, n)
            if outcome is Outcome.ERRORED:
                worker.await_server_checks()
            if worker.ends_run(tests[index].id, outcome, n):
                break

    def _run_test(self, cls: type, instance: unittest.TestCase, test: str, n: int) -> Outcome:
        """Run one test; its mark may connect the mirrors in another way than for its class. Raises ``CutOff``."""
        worker, result = self._worker, self._result
        of_test = mirrors.marked(mirrors.of_method(instance), test)
        mode = mirrors.mode_of(cls, worker.context.mirror_mode, of_test)
        attempt = private_apis.fresh_copy(instance)
        if worker.mirrors.has_bodies:
            private_apis.around_test_method(attempt, worker.mirrors.body)
        result.begin(test, n)
        with worker.mirrors.used(mode) if mode != self._mode else nullcontext():
            try:
                attempt(result)
            except BaseException:  # noqa: BLE001 - KeyboardInterrupt, which unittest lets through
                result.addError(attempt, sys.exc_info())
                result.end()
                raise CutOff from None
            outcome = result.end()
            # the transaction of a TestCase class is open still
            if not issubclass(cls, TestCase) or (mode == "replica" and self._mode != "replica"):
                worker.mirrors.end_transactions()
        return outcome

    def _fixture(self, cls: type, name: str, step: Callable[..., Any], *args: Any) -> None:
        """Run one of unittest's steps; its exceptions go to the result."""
        owner = cls.__module__ if name.endswith("Module") else class_name(cls)
        if name.endswith("Class") or hasattr(sys.modules.get(owner), name):
            self._result.begin_fixture(f"{owner}.{name}")
        step(*args, self._result)
        self._result.end_fixture()
