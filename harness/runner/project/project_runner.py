"""The runner class of a run: the project's own class, with the harness's behaviour *behind* it.

``runner_class`` makes a subclass of the project's class whose ``super()`` is ``HarnessRunner``: the project's overrides run
first, and their ``super()`` calls reach the harness instead of Django. Owns the steps between ``run_tests`` and the coordinator.
"""

from __future__ import annotations

import contextlib
import inspect
import multiprocessing
import unittest
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from django.apps import apps
from django.core.management.base import SystemCheckError
from django.db import connections
from django.test.runner import DiscoverRunner

from ...errors import ProjectError
from ...protocol.topology import closure
from .. import private_apis, unset_variables
from ..databases import clones, migration_errors, spawned
from ..legacy.app_tests import AppTests
from ..pytest_detection.fixtures import fixtures_notice
from ..pytest_detection.tests import (
    LeftOut,
    PytestTests,
    failed_modules,
    left_out_notice,
    selected,
    unseen_folders,
    without_fixtures,
)
from ..replication import mirrors
from ..replication.catch_up import await_replicas
from ..schedule.order import arranged
from ..schedule.slots import FailureLimit
from ..schedule.units import Plan, identify, joined, make_plan, replayed
from ..seeds.own_set_up import has_own_set_up, own_set_up
from ..unittest_suite.class_runner import ClassRunner
from ..workers import time_limits
from . import labels, portability
from .label_names import as_django_label
from .run_plan import run_plan
from .session import Session


class HarnessRunner(DiscoverRunner):
    """The base class behind every project's runner: discovery makes a plan, and workers run the suite."""

    harness: Session
    _project_class: type = DiscoverRunner
    _plan: Plan | None = None
    _labels: labels.Labels | None = None
    _considered: dict[int, unittest.TestCase]
    _built: Sequence[int] = ()
    """The tests of the suite by ``id()``, in the order of Django's ``build_suite``."""

    @cached_property
    def _pytest(self) -> PytestTests:
        return PytestTests(Path(self.harness.workdir))

    _old_config: Sequence[tuple[Any, str, bool]] = ()

    def setup_test_environment(self, **kwargs: Any) -> None:
        """Set up as Django does, but without unittest's handler of SIGINT, which only records the first signal."""
        super().setup_test_environment(**kwargs)
        unittest.removeHandler()

    def load_tests_for_label(self, label: str, discover_kwargs: dict[str, str]) -> Any:
        """Load a label as Django does, and also paths of files, app labels and ids of reports."""
        if self._labels is None:
            django_load = super().load_tests_for_label
            describer, app_tests = self.harness.describer, self._app_tests()
            self._labels = labels.Labels(
                lambda each: app_tests.completed(django_load(each, discover_kwargs), each),
                lambda tests: identify([tests], describer),
                lambda name: bool(selected(self._pytest.find(), [name], {}, ())),
                app_tests,
            )
        return self._labels.load(label)

    def _app_tests(self) -> AppTests:
        return AppTests(
            self.harness.describer.root,
            self.test_loader,
            is_legacy=self.harness.spec.legacy_discovery,
            has_doctests=self.harness.spec.doctest,
            file_pattern=self.pattern or "test*.py",
            patterns=tuple(self.test_name_patterns or ()),
        )

    def build_suite(self, *args: Any, **kwargs: Any) -> Any:
        """Build the suite as Django does, and record its order."""
        self._want_seed()
        suite = super().build_suite(*args, **kwargs)
        self._built = [id(test) for test in private_apis.iter_test_cases(suite)]
        return suite

    def _want_seed(self) -> None:
        """Send the key of the templates, if it was not sent. A project's runner may change settings as it is made, and in its
        ``setup_test_environment``.
        """
        seeding = self.harness.seeding
        if seeding.is_open:
            seeding.want(own_set_up(self._project_class, is_cached=seeding.allows_own_set_up))

    def get_databases(self, suite: Any) -> dict[str, bool]:  # type: ignore[override]  # the stubs say set, Django since 4.1 a dict
        """The aliases that the suite's tests name, with all that those need, which Django leaves out."""
        plan = self._plan
        if plan is None or set(map(id, private_apis.iter_test_cases(suite))) != set(self._considered):
            plan = self._make_plan(suite)
        if self.harness.spec.replay:
            suite = self.test_suite(plan.instances)
        topology = self.harness.topology
        named: dict[str, bool] = super().get_databases(suite)  # type: ignore[assignment]  # likewise
        for alias in sorted(closure(topology, set(named) & set(topology.names))):
            named.setdefault(alias, False)
        return named

    def setup_databases(self, **kwargs: Any) -> Any:
        """Make the templates, by Django. Workers make the clones."""
        aliases = kwargs.get("aliases")
        session = self.harness
        self.parallel = 1
        if session.seeding.is_building_anew:
            return super().setup_databases(**kwargs)
        portability.check_models(session.topology, connections if aliases is None else aliases)
        self._want_seed()
        session.gate.open()
        session.journal.start_phase("template")
        django = super().setup_databases
        with migration_errors.reported(session.statement_log, session.journal.write):
            self._old_config = session.seeding.make(
                lambda: django(**kwargs), aliases, is_compared=not has_own_set_up(self._project_class)
            )
        spawned.publish(session.topology.aliases)
        await_replicas(self._mirror_pairs(), session.replicas)  # the next step may read from a replica
        return self._old_config

    def run_checks(self, databases: Any) -> None:
        """Run the project's system checks; a failed check ends the run as the project's fault."""
        try:
            super().run_checks(databases)
        except SystemCheckError as error:
            hint = "Run manage.py check with the same environment." + unset_variables.unset_advice(self.harness.unset)
            evidence = f"{error}\n{self._backends()}"
            raise ProjectError("The project's system checks fail.", hint, evidence) from error

    def _backends(self) -> str:
        """A line for each alias: its backend as the settings were loaded, and the one that the tests have."""
        lines = []
        for alias in self.harness.topology.aliases:
            here = connections[alias.name].settings_dict["ENGINE"]
            other = "" if here == alias.backend else f", tested with {here}"
            lines.append(f"DATABASES[{alias.name!r}] of the settings: {alias.backend}{other}")
        return "\n".join(lines)

    def run_suite(self, suite: Any, **_kwargs: Any) -> unittest.TestResult:  # type: ignore[override]  # nothing here writes text
        """Run the planned tests in workers, on clones of the databases that ``setup_databases`` has made."""
        session = self.harness
        plan = self._with_added(self._plan, suite) if self._plan else self._make_plan(suite)
        self._plan = None  # a project's runner may call this again with another suite
        result = unittest.TestResult()
        session.journal.finish_phase("template")
        if not plan.tests:
            return result
        mirrors.check_marks(plan)
        made = self._test_databases()
        session.seeding.save_files(made)
        tally = run_plan(
            session,
            plan,
            made,
            limits=time_limits.limits(plan, session.spec),
            make_unit_runner=ClassRunner,
            init_worker=_own_init_worker(self),
            failure_limit=FailureLimit(int(self.failfast)),
        )
        result.testsRun = tally.ran
        result.failures = [(test, "") for test in tally.red]  # type: ignore[misc]  # their ids stand for the tests, which ran elsewhere
        return result

    def test_runner(self, **_kwargs: Any) -> Any:  # type: ignore[override]  # a method in place of a class
        """Run suites in workers too where a project calls ``DiscoverRunner.run_suite`` by the class's name."""
        return SimpleNamespace(run=lambda suite: HarnessRunner.run_suite(self, suite))

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        """Drop no database on a server: servers end, or stay with their databases. Remove SQLite's files, which would stay in
        the project.
        """
        without_drops = [(connection, name, False) for connection, name, _ in old_config or ()]
        super().teardown_databases(without_drops, **kwargs)
        if not self.keepdb:
            clones.remove_files(self._test_databases(), self.harness.workers)
        clones.restore_names(without_drops)

    def _make_plan(self, suite: Any) -> Plan:
        session = self.harness
        numbered = self._labels.numbered if self._labels else {}
        plan = make_plan(suite, session.describer, frozenset(session.planned), numbered)
        if session.spec.replay:
            plan, left_out = replayed(plan, session.spec.replay), list[LeftOut]()
        else:
            plan, left_out = self._without_pytest(plan)
            plan = self._arranged(plan)
        self._considered = {id(test): test for test in private_apis.iter_test_cases(suite)}
        planned = (*plan.tests, *(each.test for each in left_out))
        session.planned.update((test.id, False) for test in planned)
        session.journal.finish_phase("setup")
        session.announce(planned, plan, self.shuffle_seed)
        for each in left_out:
            session.leave_out([each.test.id], each.reason)
        self._plan = plan
        return plan

    def _without_pytest(self, plan: Plan) -> tuple[Plan, list[LeftOut]]:
        """*plan* without the tests that only pytest can run, and those tests; none of them if the user has chosen Django's
        framework.
        """
        session = self.harness
        is_asked_for = session.spec.framework == "django"
        plan, left_out = without_fixtures(plan)
        if session.searched != session.spec.labels:  # once, however often the project's runner builds a suite
            session.searched = session.spec.labels
            found = self._pytest.find(plan.instances, failed_modules(plan))
            names = {config.label: config.name for config in apps.get_app_configs()}
            labels = [as_django_label(label) for label in session.spec.labels]
            if not self.tags:  # a test in pytest's style cannot have Django's tags
                more = selected(found, labels, names, tuple(self.test_name_patterns or ()))
                left_out += [each for each in more if each.test.id not in session.planned]
            if not set(labels) - {"."}:
                for text in unseen_folders(Path(session.workdir), self.pattern or "test*.py", left_out):
                    session.journal.notice("not-discovered", text)
            fixtures, number = self._pytest.fixtures_not_run(plan.instances)
            if fixtures:
                session.journal.notice("pytest-fixtures", fixtures_notice(fixtures, number, is_asked_for))
        if left_out:
            session.journal.notice("pytest-tests", left_out_notice(left_out, is_asked_for))
        return plan, [] if is_asked_for else left_out

    def _with_added(self, plan: Plan, suite: Any) -> Plan:
        """*plan* with the tests that the project has added to the suite since; tests that it has removed still run."""
        added = [test for test in private_apis.iter_test_cases(suite) if id(test) not in self._considered]
        if not added or self.harness.spec.replay:
            return plan
        more = make_plan(added, self.harness.describer, frozenset(self.harness.planned))
        self.harness.planned.update((test.id, False) for test in more.tests)
        plan = self._arranged(joined(plan, more))
        self.harness.announce(more.tests, plan, self.shuffle_seed)
        return plan

    def _arranged(self, plan: Plan) -> Plan:
        """*plan* with its longest units first, unless the project's runner has an order of its own."""
        session, place = self.harness, {test: number for number, test in enumerate(self._built)}
        places = [place[id(test)] for test in plan.instances if id(test) in place]
        is_djangos = places == sorted(places) and bool(places) and tuple(self.reorder_by) == DiscoverRunner.reorder_by
        return arranged(plan, session.spec, session.workers, is_ordered=not is_djangos)

    def _mirror_pairs(self) -> dict[str, str]:
        """The mirrors of the databases that were made, each with its primary."""
        return self.harness.mirrors_of({connection.alias for connection, _, _ in self._old_config})

    def _test_databases(self) -> tuple[clones.TestDatabase, ...]:
        return clones.made_of(self._old_config, self._mirror_pairs())


class SuiteRunHereError(BaseException):
    """A project's ``run_suite`` began to run the tests in this process."""


class OwnRunSuite(DiscoverRunner):
    """Comes before a project's runner class, and ends a ``run_suite`` that runs the tests itself (XML runners do that).

    The tests would run here, in one process, with no outcome in the journal. They run in workers instead. Its
    ``setup_databases`` does not run where the databases are cached as it leaves them.
    """

    def setup_databases(self, **kwargs: Any) -> Any:
        """Call the project's method, unless the cached templates are those after it."""
        assert isinstance(self, HarnessRunner)
        seeding, aliases = self.harness.seeding, kwargs.get("aliases")
        own = super().setup_databases
        if seeding.is_building_anew or not (seeding.allows_own_set_up and has_own_set_up(self._project_class)):
            return own(**kwargs)
        self._want_seed()
        self.harness.gate.open()
        if seeding.decide(aliases).state != "hit":
            return own(**kwargs)
        if self.harness.spec.verify_template:
            with migration_errors.reported(self.harness.statement_log, self.harness.journal.write):
                seeding.compare(lambda: own(**kwargs), aliases)
        return HarnessRunner.setup_databases(self, **kwargs)

    def run_suite(self, suite: Any, **kwargs: Any) -> unittest.TestResult:  # type: ignore[override]  # as HarnessRunner's
        """Run the project's ``run_suite``, or the harness's as soon as the project's calls ``suite`` or ``suite.run``."""

        def stop(*_args: Any, **_kwargs: Any) -> NoReturn:
            raise SuiteRunHereError

        suite.run = stop
        try:
            return super().run_suite(suite, **kwargs)
        except SuiteRunHereError:
            assert isinstance(self, HarnessRunner)
            return HarnessRunner.run_suite(self, suite)


def runner_class(project_class: type) -> type[HarnessRunner]:
    """A subclass of the project's runner class with ``HarnessRunner`` as the class that its ``super()`` calls reach."""
    if project_class is DiscoverRunner:
        return HarnessRunner
    bases = (OwnRunSuite, project_class, HarnessRunner)
    return type(project_class.__name__, bases, {"_project_class": project_class})


def _own_init_worker(runner: DiscoverRunner) -> Callable[[int], None] | None:
    """The project's own initialisation of a worker: that of its ``ParallelTestSuite``, unless that is Django's."""
    hook = inspect.getattr_static(runner.parallel_test_suite, "init_worker", None)
    hook = getattr(hook, "__func__", hook)
    if hook is None or hook is private_apis.init_worker:
        return None
    aliases = set(connections)

    def init_worker(slot: int) -> None:
        known = {
            # in place of the counter from which workers of Django's pool take their numbers
            "counter": SimpleNamespace(value=slot - 1, get_lock=contextlib.nullcontext),
            "initial_settings": {},
            "serialized_contents": {},
            "process_setup": None,
            "process_setup_args": None,
            "debug_mode": runner.debug_mode,
            "used_aliases": aliases,
        }
        # Django's own, which it most likely calls, reads the start method: this process was forked, whatever Python's
        # default is (forkserver from 3.14 on)
        method = multiprocessing.get_start_method(allow_none=True)
        multiprocessing.set_start_method("fork", force=True)
        try:
            parameters = inspect.signature(hook).parameters.values()
            takes_all = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
            names = [parameter.name for parameter in parameters if parameter.kind < parameter.VAR_POSITIONAL]
            hook(*map(known.get, known if takes_all else names))
        finally:
            multiprocessing.set_start_method(method, force=True)

    return init_worker
