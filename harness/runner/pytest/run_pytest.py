"""Runs the tests of a pytest project: pytest starts and collects, the harness makes the databases, workers run the items."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import django
import pytest
from django.conf import settings

from ...errors import HarnessError, ProjectError
from ...protocol.events import AttemptFinished, FilesWritten, PluginsSummarised, RunFinished
from ...protocol.messages import RunSpec
from ...protocol.results import Failure, Outcome, PlannedTest
from .. import unset_variables
from ..failures import project_root
from ..processes import warning_counts
from ..project.run_plan import run_plan
from ..schedule.order import arranged
from ..schedule.slots import FailureLimit
from ..schedule.units import Plan
from ..text import cut
from . import after_fork, pytest_internals
from .advice import explanation
from .advice.observer import Observer
from .advice.settings import missing_pytest_django, no_settings, users_of_pytest_django
from .arguments import maxfail, pytest_arguments
from .collected import collector_test, identified, make_plan, replayed, session_teardown, with_own_data
from .databases.own_fixtures import own_set_up
from .databases.templates import Databases
from .item_runner import ItemRunner
from .plugin import Coordinator
from .policies.taken_over import Rules, TakenOver
from .reports import session_end
from .reports.listeners import listeners
from .reports.replay import Replay
from .reports.worker_plugins import WorkerPlugins

if TYPE_CHECKING:
    from ..project.session import Session
    from ..workers.worker import Worker


SUMMARY_CHARACTERS = 200_000


class Handshake(Protocol):
    """The exchange of messages with the host, up to the session."""

    spec: RunSpec
    unset: dict[str, None]
    has_labels_of_django: bool

    def settle(self) -> Session:
        """Send the topology and receive the routes."""

    def explain_settings(self, error: BaseException) -> HarnessError:
        """*error*, which ended the loading of the settings, with advice."""


def run(handshake: Handshake) -> None:
    """Run pytest with the arguments of the specification. Raises ``HarnessError``."""
    PytestRun(handshake).run()


class PytestRun:
    """One session of pytest. ``session`` is there as soon as the project's settings are loaded."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake
        self._spec = handshake.spec
        self.session: Session | None = None
        self._databases = Databases()
        self._plugin = Coordinator(self._run_tests, self._want_seed)
        self._arguments: list[str] = []
        self._observer = Observer()
        self._taken_over = TakenOver(self._spec)
        self._setup = django.setup

    def run(self) -> None:
        """Start pytest and run what it collects."""
        has_pytest_django = importlib.util.find_spec("pytest_django") is not None
        arguments = self._arguments = list(pytest_arguments(self._spec, has_pytest_django=has_pytest_django))
        sys.argv = ["pytest", *arguments]
        os.environ.setdefault("PYTEST_VERSION", pytest.__version__)
        self._databases.install()
        pytest_internals.quicken_fixtures()
        with self._django_set_up_watched(), self._errors_explained():
            with unset_variables.unset_variables(project_root(), self._handshake.unset):
                config = pytest_internals.prepare_config(arguments, [self._plugin, self._observer, self._taken_over])
            try:
                status = int(config.hook.pytest_cmdline_main(config=config) or 0)
            except HarnessError:
                raise
            except (Exception, SystemExit) as error:
                if not self._plugin.has_run:
                    raise
                self._report_end(error)
                status = 0
            finally:
                pytest_internals.unconfigure(config)
        self._finish(status)

    def _report_end(self, error: BaseException) -> None:
        """Report the failure of a fixture that the templates needed, or of a plugin, at the end of pytest's session."""
        session = self._begin()
        session.messages.check()
        test = session_teardown()
        failure = session.describer.describe((type(error), error, error.__traceback__), "error")
        session.journal.write(AttemptFinished(test.id, 1, Outcome.ERRORED, 0.0, (failure,), extra=test, final=True))
        session.red += 1

    @contextlib.contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if (explained := self._explained(error)) is error:
                raise
            raise explained from error

    @contextlib.contextmanager
    def _django_set_up_watched(self) -> Iterator[None]:
        """Route the databases where pytest-django or a ``conftest.py`` sets Django up."""

        def set_up(*args: Any, **kwargs: Any) -> None:
            django.setup = self._setup
            try:
                session = self._begin()
                self._setup(*args, **kwargs)
            finally:
                django.setup = set_up
            session.overlay.apply_again()

        django.setup = set_up
        try:
            yield
        finally:
            django.setup = self._setup

    def _begin(self) -> Session:
        if self.session is None:
            self._handshake.has_labels_of_django = False
            self.session = self._handshake.settle()
            self.session.statement_log.install()
        return self.session

    def _want_seed(self, pytest_session: pytest.Session) -> None:
        """Send the key of the templates, if Django is set up."""
        if self.session is not None:
            is_cached = self._spec.cache_setup
            self.session.seeding.want(own_set_up(pytest_session.config, is_cached=is_cached))

    def _run_tests(self, pytest_session: pytest.Session) -> None:
        if self.session is None and not (settings.configured or os.environ.get("DJANGO_SETTINGS_MODULE")):
            raise no_settings(
                has_pytest_django=pytest_session.config.pluginmanager.hasplugin("django"),
                settings_advice=self._spec.settings_advice,
            )
        if importlib.util.find_spec("pytest_django") is None and (
            users := users_of_pytest_django(pytest_session.items)
        ):
            raise missing_pytest_django(f"{len(users)} of the tests need pytest-django", users)
        session = self._begin()
        session.messages.check()
        plan, others = self._planned(session, pytest_session)
        rules = self._taken_over.rules(plan)
        self._announce(session, plan, [test for test, _ in others])
        for test, report in others:
            self._report_collector(session, test, report)
        limit = FailureLimit(maxfail(self._spec) or self._taken_over.maxfail, session.red)
        if limit.is_reached:
            session.leave_out([test.id for test in plan.tests], limit.reason(others[-1][0].id, Outcome.ERRORED))
        else:
            self._databases.make_templates(session, pytest_session)
            session.messages.check()
            if plan.tests:
                self._run_plan(session, pytest_session, plan, rules, limit)
        pytest_session.testsfailed = session.red
        self._databases.remove_files(session.workers_for(plan))

    def _announce(self, session: Session, plan: Plan, others: Sequence[PlannedTest]) -> None:
        """Report the plan, the *others* too, and the options that the harness carries out in place of pytest and its plugins."""
        tests = (*plan.tests, *others)
        session.planned.update((test.id, False) for test in tests)
        session.journal.finish_phase("setup")
        if self._plugin.distribution:
            text = (
                f"{self._plugin.distribution} is switched off: the harness distributes the tests itself (--parallel)."
            )
            session.journal.notice("xdist", text)
        session.announce(tests, plan, self._taken_over.seed)
        for code, text in self._taken_over.notices:
            session.journal.notice(code, text)

    def _run_plan(
        self, session: Session, pytest_session: pytest.Session, plan: Plan, rules: Rules, limit: FailureLimit
    ) -> None:
        workers = session.workers_for(plan)
        pytest_internals.make_temporary_folder(pytest_session.config)

        def make_unit_runner(worker: Worker) -> ItemRunner:
            after_fork.become_worker(pytest_session, worker.slot, workers, worker.capture, self._plugin)
            self._databases.enter_worker(worker)
            plugins = WorkerPlugins(pytest_session, worker.send, has_listeners=has_listeners)
            return ItemRunner(worker, pytest_session, plugins, rules)

        has_listeners = bool(listeners(pytest_session.config))
        replay = Replay(pytest_session, plan.tests, plan.instances, session.journal.notice, has_listeners=has_listeners)
        run_plan(
            session,
            plan,
            self._databases.made,
            limits=rules.limits,
            retries=rules.reruns.retries,
            make_unit_runner=make_unit_runner,
            listener=replay,
            failure_limit=limit,
        )
        if replay.error is not None:
            raise replay.error

    def _planned(
        self, session: Session, pytest_session: pytest.Session
    ) -> tuple[Plan, list[tuple[PlannedTest, pytest.CollectReport]]]:
        """The plan of the items, and the collectors that failed or were skipped as tests of their own."""
        describer = session.describer
        own_data = self._databases.choose(pytest_session.items)
        plan = make_plan(pytest_session.items, describer, session.workers)
        if self._spec.replay:
            return with_own_data(replayed(plan, self._spec.replay), own_data), []
        plan = with_own_data(plan, own_data)
        plan = arranged(plan, self._spec, session.workers, is_ordered=self._taken_over.is_ordered)
        root = str(pytest_session.config.rootpath)
        reports = self._plugin.distinct_collected()
        tests = [*plan.tests, *(collector_test(report, describer, root) for report in reports)]
        return plan, list(zip([*identified(tests)][len(plan.tests) :], reports, strict=True))

    def _report_collector(self, session: Session, test: PlannedTest, report: pytest.CollectReport) -> None:
        failures: tuple[Failure, ...] = ()
        outcome, reason = Outcome.SKIPPED, ""
        if report.failed:
            text = report.longreprtext
            outcome = Outcome.ERRORED
            failures = (Failure("error", "CollectError", _last_error(text), text),)
        else:
            longrepr: Any = report.longrepr
            reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")
        session.journal.write(AttemptFinished(test.id, 1, outcome, 0.0, failures, reason, final=True))
        session.planned[test.id] = True
        session.red += outcome.is_red

    def _finish(self, status: int) -> None:
        """Report the end of the run, or raise what has ended it."""
        session = self.session
        if session is not None:
            session.messages.check()
        if self._plugin.error is not None:
            raise self._explained(self._plugin.error) from self._plugin.error
        if session is None or not self._plugin.has_run:
            raise ProjectError("pytest ended without running the tests.", hint="Which of its arguments asks for that?")
        if text := self._plugin.summary:
            session.journal.write(PluginsSummarised(cut(text, SUMMARY_CHARACTERS)))
        if (failure := session_end.failure_of(status, self._plugin.failed, session.red, text)) is not None:
            test = session_end.TEST
            session.journal.write(AttemptFinished(test.id, 1, Outcome.FAILED, 0.0, (failure,), extra=test, final=True))
            session.red += 1
        if files := self._plugin.written:
            session.journal.write(FilesWritten(files))
        left_out = [test for test, has_outcome in session.planned.items() if not has_outcome]
        session.leave_out(left_out, "the run ended before it")
        session.journal.finish_phases()
        if (shown := warning_counts.take()) is not None:
            session.journal.write(shown)
        session.journal.write(RunFinished(session.red))

    def _explained(self, error: BaseException) -> BaseException:
        """*error*, which ended pytest, with the next step."""
        node_ids = [argument for argument in self._arguments if "::" in argument]
        return explanation.explained(error, explanation.Context(self._spec, self._handshake, node_ids, self._observer))


def _last_error(text: str) -> str:
    """The last line of an exception in *text*, which pytest has formatted; all of a text without a traceback."""
    marked = [line.removeprefix("E").strip() for line in text.splitlines() if line.startswith("E ")]
    return marked[-1] if marked else text.strip()
