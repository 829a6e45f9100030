"""Runs items in a worker by pytest's own protocol, and gives each attempt the outcome that pytest's reports make."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import astuple, replace
from typing import Any

import pytest
from django.test import SimpleTestCase, TransactionTestCase

from ...protocol.events import AttemptPhase, Notice
from ...protocol.results import Failure, Outcome, PlannedTest, may_be_hit
from .. import unpatched
from ..descriptors import FILE_CHARACTERS, Note
from ..failures import MESSAGE_CHARACTERS, TRACEBACK_CHARACTERS, FailureDescriber, message_of
from ..replication import mirrors
from ..schedule.commands import Assignment
from ..text import class_name, cut
from ..workers.attempts import Attempts, Result
from ..workers.event_checks import STOPPED
from ..workers.worker import CutOff, Worker
from . import pytest_internals
from .collected import teardown_of, teardown_of_all
from .databases.bodies import Bodies
from .databases.mirror_mark import marked_mode
from .outcomes import Folded, Phase, fold, is_silent
from .policies.rerun_marks import Rule
from .policies.taken_over import Rules
from .reports.worker_plugins import WorkerPlugins, properties_of

_PLACES = {"": "its set-up", "setup": "its call", "call": "its tear-down"}
"""The part of a test that comes after each report."""


class Reports:
    """A plugin of a worker that keeps the reports of the item that runs."""

    def __init__(self, describer: FailureDescriber, note: Note, begin_body: Callable[[], None]) -> None:
        self.phases: list[Phase] = []
        self.shared_s = 0.0
        self.rule: Rule | None = None
        self.may_retry = True
        self.send_phase: Callable[[bool], None] | None = None
        self._item: Any = None
        self._note = note
        self._begin_body = begin_body
        self._place = ""
        self._describer = describer
        self._exception: pytest.ExceptionInfo[BaseException] | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        report = yield
        self._exception, self._item = call.excinfo, item  # the next report is of this call
        return report

    def enter(self, place: str) -> None:
        """Note the *place* where the item is, for the case that its worker dies there."""
        self._place = place
        self._note.write(place)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        if fixturedef.scope == "function":
            return (yield)
        before, start, known_s = self._place, unpatched.time.perf_counter(), self.shared_s
        self.enter(unpatched.json.dumps(astuple(pytest_internals.SharedFixture.of(fixturedef, request))))
        try:
            return (yield)
        finally:
            self.enter(before)
            self.shared_s = known_s + unpatched.time.perf_counter() - start  # with those that it has set up itself

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        exception, self._exception = self._exception, None
        self.phases.append(self._phase(report, exception))
        if self.send_phase is not None and report.when != "teardown":
            self.send_phase(report.when == "setup" and report.passed)
        self.enter(_PLACES.get(report.when, ""))
        if report.when == "setup":
            self._begin_body()  # that of a unittest test begins again, after its setUp

    def _phase(self, report: Any, exception: Any) -> Phase:
        failure, reason, text = None, "", ""
        if self.rule is not None and report.outcome == "failed":
            error = None if exception is None else exception.value
            self.may_retry = self.may_retry and self.rule.allows(error, _names_of(self._item))
        if report.outcome == "failed" or (report.outcome == "skipped" and hasattr(report, "wasxfail")):
            text = report.longreprtext
            failure = self._failure(text, exception)
        elif report.outcome == "skipped":
            longrepr = report.longrepr
            reason = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr or "")
        xfail = getattr(report, "wasxfail", None)
        return Phase(
            report.when,
            report.outcome,
            reason,
            None if xfail is None else str(xfail),
            failure,
            tuple((title, cut(text, FILE_CHARACTERS)) for title, text in report.sections) if report.sections else (),
            _subtest_of(report),
        )

    def _failure(self, text: str, exception: Any) -> Failure:
        if exception is None:
            message = cut(text.strip().rpartition("\n")[2], MESSAGE_CHARACTERS)
            return Failure("failure", "Failed", message, cut(text, TRACEBACK_CHARACTERS))
        described = self._describer.describe((exception.type, exception.value, exception.tb), "error")
        return replace(described, traceback=cut(text, TRACEBACK_CHARACTERS) or described.traceback)


def _names_of(item: Any) -> dict[str, Any]:
    """The names that an expression in a mark of *item* knows."""
    return {"config": item.config, **getattr(getattr(item, "obj", None), "__globals__", {})}


def _subtest_of(report: Any) -> str | None:
    """The description of the subtest that *report* is of; ``None`` if it is of a test."""
    if not hasattr(report, "context"):
        return None
    for name in ("_sub_test_description", "sub_test_description"):  # of pytest, and of pytest-subtests
        if (describe := getattr(report, name, None)) is not None:
            return str(describe())
    return str(report.context)


class _NextItem(pytest.Item):
    """Stands for the item after a unit's last one: the fixtures above *parent* stay up."""

    def runtest(self) -> None:
        raise NotImplementedError


class ItemRunner:
    """pytest's session in a worker."""

    def __init__(self, worker: Worker, session: pytest.Session, plugins: WorkerPlugins, rules: Rules) -> None:
        self._worker = worker
        self._session = session
        self._plugins = plugins
        self._rules = rules
        self._item: Any = None
        self._attempts: Attempts = worker.attempts
        self._reports = Reports(worker.describer, worker.capture.note, lambda: worker.mirrors.begin_body())
        self._declaring: type | None = None
        session.config.pluginmanager.register(self._reports, "harness-reports")
        self._bodies = Bodies(lambda: worker.mirrors)
        if worker.context.lag.mode != "sync" and worker.context.replicas:
            session.config.pluginmanager.register(self._bodies, "harness-bodies")
        self._is_captured = pytest_internals.is_output_captured(session.config)
        self._hooks = pytest_internals.hooks_of_the_protocol(session.config)
        _before_each_class(self._choose_mirrors)

    def run(self, assignment: Assignment) -> None:
        """Run the items of *assignment*. Raises ``CutOff``."""
        plan = self._worker.context.plan
        items = [plan.instances[index] for index in assignment.tests]
        following = [*items[1:], _next_after(items[-1])]
        self._leave_shared_fixtures(items[0])
        for index, item, next_item in zip(assignment.tests, items, following, strict=True):
            if self._worker.is_stopped:
                self._leave_shared_fixtures(_next_after(items[-1]))
                break
            if self._run_item(plan.tests[index], item, next_item, assignment.n):
                self._leave_shared_fixtures(_next_after(items[-1]))
                break

    def between_tests(self) -> AbstractContextManager[None]:
        return pytest_internals.connections_allowed()

    def end(self) -> None:
        """Tear down the fixtures of the session that this worker has set up, and save its coverage."""
        end = _NextItem.from_parent(self._session, name="end")
        self._leave_shared_fixtures(end)  # first those of packages, which have ids of their own
        self._leave_shared_fixtures(None)
        self._plugins.end()
        pytest_internals.save_coverage(self._session.config)

    def _run_item(self, test: PlannedTest, item: Any, next_item: Any, n: int) -> bool:
        """Run *item*. Returns whether no other may begin because of its outcome."""
        known = len(item.user_properties)
        self._prepare(test.id, n)
        self._item = item
        if self._declaring is not None and self._declaring is not _class_of(item):
            self._declare(None, "")
        self._attempts.begin(test.id, n)
        self._reports.enter(_PLACES[""])
        start = unpatched.time.perf_counter()
        stop: BaseException | None = None
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)
        except BaseException as error:  # noqa: BLE001 - pytest.exit, KeyboardInterrupt, or an error of a plugin
            stop = error
            self._reports.phases.append(self._phase_of(error))
        self._reports.enter("")
        pytest_internals.mend_capture(self._session.config, self._worker.capture)
        folded = self._with_recorded(fold(self._reports.phases, is_captured=self._is_captured), item, known)
        self._plugins.send_reports(test.id, n)
        duration = round(unpatched.time.perf_counter() - start, 6)
        may_retry = self._reports.may_retry
        is_retried = bool(folded.teardown) and may_retry and n <= self._worker.context.retries.of(test.id)
        result = _with_teardown(folded) if is_retried else folded.result
        result = result if may_retry else replace(result, may_retry=False)
        if shared_s := round(self._reports.shared_s, 6):
            result = replace(result, shared_s=shared_s)
        outcome = self._attempts.end(lambda: result)
        last_n = n if may_retry else sys.maxsize
        is_last = self._worker.ends_run(test.id, outcome, last_n)
        if may_be_hit(outcome, [failure.type for failure in result.failures]):
            self._worker.await_server_checks()
        if folded.teardown and not is_retried:
            self._attempts.report_extra(
                teardown_of(test), folded.teardown, duration, *self._attempts.output, folded.result.log
            )
            is_last = is_last or self._worker.ends_run(test.id, Outcome.ERRORED, last_n)
        with self.between_tests():
            self._worker.mirrors.end_transactions()
        self._end_if_stopped(stop)
        if is_silent(folded) or not self._may_go_on(next_item, has_failed=bool(folded.teardown)):
            raise CutOff
        return is_last

    def _with_recorded(self, folded: Folded, item: Any, known: int) -> Folded:
        """*folded* with what the test has recorded about itself, after the *known* properties that the item had before."""
        attributes = self._plugins.take_attributes()
        if len(item.user_properties) == known and not (known or attributes):
            return folded
        properties = properties_of(item.user_properties)
        del item.user_properties[known:]  # another attempt records its own
        return replace(folded, result=replace(folded.result, properties=properties, attributes=attributes))

    def _prepare(self, test: str, n: int) -> None:
        """Get ready for the *n*-th attempt of *test*."""
        self._bodies.has_databases = False
        rule, reports = self._rules.reruns.of(test), self._reports
        reports.phases.clear()
        reports.shared_s = 0.0
        reports.may_retry, reports.rule = True, None if rule.is_plain or n > rule.count else rule
        reports.send_phase = None
        if test in self._rules.limits.calls:
            reports.send_phase = lambda is_call: self._worker.send(AttemptPhase(test, is_call))
        if n > 1 and (delay := rule.delay(n)):
            unpatched.time.sleep(delay)

    def _phase_of(self, error: BaseException) -> Phase:
        failure = self._worker.describer.describe((type(error), error, error.__traceback__), "error")
        return Phase("setup", "failed", failure=failure)

    def _end_if_stopped(self, error: BaseException | None) -> None:
        """End this process where a test or a plugin has asked for the end of the session, or raised outside of its protocol."""
        why = self._session.shouldstop or self._session.shouldfail
        if isinstance(error, pytest.exit.Exception):
            why = f"pytest.exit: {message_of(error)}"
        if why:
            self._worker.send(Notice(STOPPED, str(why)))
        if error is not None or why:
            raise CutOff from None

    def _may_go_on(self, next_item: Any, *, has_failed: bool) -> bool:
        """Whether another item can run in this process: the last one may have cut its tear-down off, or pytest itself."""
        if pytest_internals.hooks_of_the_protocol(self._session.config) != self._hooks:
            return False
        return not has_failed or pytest_internals.is_torn_down(self._session, next_item)

    def _leave_shared_fixtures(self, next_item: Any) -> None:
        """Tear down the fixtures that *next_item* does not need: those of other packages, or all for ``None``."""
        owner = pytest_internals.first_left(self._session, next_item)
        if owner is None:
            pytest_internals.tear_down(self._session, next_item)
            return
        test = teardown_of_all(owner.nodeid)
        self._attempts.begin_fixture(test.id)
        failed: list[tuple[PlannedTest, list[Failure]]] = []
        try:
            pytest_internals.tear_down(self._session, next_item)
        except BaseException as error:  # noqa: BLE001 - a fixture of the project's may raise anything
            described = self._worker.describer.describe((type(error), error, error.__traceback__), "error")
            failed.append((test, [described]))
        self._attempts.end_fixture(failed)

    def _choose_mirrors(self, cls: type) -> None:
        if issubclass(cls, TransactionTestCase):
            mode = mirrors.mode_of(cls, self._worker.context.mirror_mode, marked_mode(self._item))
            self._worker.mirrors.use(mode)
            self._bodies.has_databases = True
            is_made = cls is not _class_of(self._item)  # by pytest-django, for a function
            self._declare(cls, self._item.nodeid.partition("[")[0] if is_made else class_name(cls))

    def _declare(self, cls: type | None, owner: str) -> None:
        self._declaring = cls
        self._worker.mirrors.declare(cls, owner)


def _class_of(item: Any) -> type | None:
    """The class of *item*; ``None`` for a function, and for an item of a file that is not Python."""
    cls: type | None = getattr(item, "cls", None)
    return cls


def _next_after(item: Any) -> pytest.Item:
    """The stand-in for the item after the last one of a unit: the fixtures of the folder stay up, not those of the module."""
    module = item.getparent(pytest.Module)
    parent = module.parent if module is not None else item.parent
    return _NextItem.from_parent(parent, name="next unit")


def _with_teardown(folded: Any) -> Result:
    """The result of an attempt that is tried again because its tear-down has failed."""
    result: Result = folded.result
    return replace(result, outcome=Outcome.ERRORED, failures=(*result.failures, *folded.teardown))


def _before_each_class(before: Any) -> None:
    """Call *before* with each test class as it is set up, also those of which pytest-django makes one for a function."""
    original: Any = vars(SimpleTestCase)["setUpClass"].__func__

    def set_up_class(cls: type) -> None:
        before(cls)
        original(cls)

    SimpleTestCase.setUpClass = classmethod(set_up_class)  # type: ignore[method-assign, assignment]  # for every class at once
