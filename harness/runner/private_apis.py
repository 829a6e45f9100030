"""The private names of Django, unittest and atexit that the harness uses: the place to check for a new version.

No other module of ``harness.runner`` uses a name with a leading underscore that is not ours.
"""

from __future__ import annotations

import atexit
import doctest
import sys
import unittest
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import django
import django.test.runner
import django.test.utils
from django.db.backends.base import base as _base
from django.db.backends.base.creation import BaseDatabaseCreation
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.test import TestCase, TransactionTestCase

from .text import class_name

# unittest's stand-in for a module that could not be imported
FailedTest: type[unittest.TestCase] = unittest.loader._FailedTest  # type: ignore[attr-defined]  # not in typeshed

# Django's initialisation of a pool's worker, to distinguish a project's own
init_worker: Callable[..., None] = django.test.runner._init_worker  # type: ignore[attr-defined]  # not in the stubs

forget_exit_handlers = atexit._clear
"""Drops the exit handlers of the coordinator's process, which a fork must not run."""
_run_exit_handlers = atexit._run_exitfuncs


def iter_test_cases(suite: Any) -> Iterator[unittest.TestCase]:
    """The tests of nested suites, in order."""
    tests: Iterator[unittest.TestCase] = django.test.utils.iter_test_cases(suite)  # type: ignore[attr-defined]  # not in the stubs
    return tests


def set_worker_id(slot: int) -> None:
    """Number this process as Django numbers the workers of its pool: projects read the number to separate other services."""
    django.test.runner._worker_id = slot  # type: ignore[attr-defined]  # not in the stubs


def replace_database_functions(set_up: Callable[..., Any], tear_down: Callable[..., Any]) -> None:
    """Put *set_up* and *tear_down* in place of Django's functions for test databases, also for ``DiscoverRunner``'s methods."""
    for module in (django.test.utils, django.test.runner):
        for name, function in (("setup_databases", set_up), ("teardown_databases", tear_down)):
            for spelling in (name, f"_{name}"):
                if hasattr(module, spelling):
                    setattr(module, spelling, function)


def test_database_name(connection: Any) -> str:
    """The name that Django gives the test database of *connection*."""
    return str(connection.creation._get_test_db_name())


def hook_cursors(
    around_statement: Callable[..., Any], around_boundary: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Wrap the innermost execution of every cursor in *around_statement*, ``(cursor, execute, sql, params, rest)``, and the
    context manager that Django enters for BEGIN, COMMIT and ROLLBACK in *around_boundary*. The first of *rest* is true for
    ``executemany`` and ``callproc``, whose statement the driver makes.
    """
    cls: Any = CursorWrapper
    execute, executemany, callproc = cls._execute, cls._executemany, cls.callproc

    def hooked_execute(cursor: Any, sql: Any, params: Any, *rest: Any) -> Any:
        return around_statement(cursor, execute, sql, params, rest)

    def hooked_executemany(cursor: Any, sql: Any, params: Any, *rest: Any) -> Any:
        return around_statement(cursor, executemany, sql, params, rest)

    def hooked_callproc(cursor: Any, name: str, params: Any = None, *rest: Any, **named: Any) -> Any:
        def run(cursor: Any, _sql: Any, params: Any, *_: Any) -> Any:
            return callproc(cursor, name, params, *rest, **named)

        verb = "CALL" if cursor.db.vendor == "mysql" else "SELECT * FROM"
        return around_statement(cursor, run, f"{verb} {name}({', '.join(['%s'] * len(params or ()))})", params, (True,))

    cls._execute, cls._executemany, cls.callproc = hooked_execute, hooked_executemany, hooked_callproc
    module: Any = _base
    module.debug_transaction = around_boundary(module.debug_transaction)


def hook_connect(around_connect: Callable[[Callable[..., Any], Any], Any]) -> None:
    """Wrap the opening of every connection in *around_connect*, ``(connect, connection)``."""
    connect: Callable[..., Any] = _base.BaseDatabaseWrapper.connect
    _base.BaseDatabaseWrapper.connect = lambda connection: around_connect(connect, connection)  # type: ignore[method-assign, assignment]  # in place of the method


def hook_flush(around: Callable[[], AbstractContextManager[None]]) -> None:
    """Have Django's flush after each ``TransactionTestCase`` run inside a context of *around*."""
    cls: Any = TransactionTestCase
    teardown = cls._fixture_teardown

    def hooked(test: Any) -> None:
        with around():
            teardown(test)

    cls._fixture_teardown = hooked


def hook_test_bodies(before: Callable[[], None]) -> None:
    """Call *before* as the body of each unittest test begins, after its ``setUp``."""
    for cls in (unittest.TestCase, unittest.IsolatedAsyncioTestCase):
        _hook_body(cls, before)


def _hook_body(cls: Any, before: Callable[[], None]) -> None:
    call = cls._callTestMethod

    def hooked(test: Any, method: Any) -> Any:
        before()
        return call(test, method)

    cls._callTestMethod = hooked


def outermost_atomic(connection: Any) -> object | None:
    """The outermost ``atomic`` of the project that is open on *connection*, below those of a ``TestCase``; ``None`` without."""
    for block in connection.atomic_blocks:
        if not block._from_testcase:
            return block  # type: ignore[no-any-return]  # it is an Atomic
    return None


def before_fixture_teardown(step: Callable[[], None]) -> None:
    """Call *step* before Django flushes the databases after a test, or rolls them back."""
    for cls in (TransactionTestCase, TestCase):
        teardown: Any = vars(cls)["_fixture_teardown"]

        def hooked(test: Any, teardown: Any = teardown) -> None:
            step()
            teardown(test)

        setattr(cls, "_fixture_teardown", hooked)  # noqa: B010 - a method of a class that is not ours


def watch_migrations(plan: Callable[[Any, int], None], step: Callable[[Any, Any], None]) -> Callable[[], None]:
    """Call *plan* with a connection and the number of its migrations, and *step* with it and each migration before that is
    applied.

    Returns the function that undoes this. ``progress_callback`` cannot be used: Django's command passes its own.
    """
    migrate, apply = MigrationExecutor.migrate, MigrationExecutor.apply_migration

    def watched_migrate(self: Any, targets: Any, plan_: Any = None, *args: Any, **kwargs: Any) -> Any:
        plan_ = kwargs.pop("plan", plan_)
        plan(self.connection, len(self.migration_plan(targets) if plan_ is None else plan_))
        return migrate(self, targets, plan_, *args, **kwargs)

    def watched_apply(self: Any, state: Any, migration: Any, *args: Any, **kwargs: Any) -> Any:
        step(self.connection, migration)
        return apply(self, state, migration, *args, **kwargs)

    def unwatch() -> None:
        MigrationExecutor.migrate, MigrationExecutor.apply_migration = migrate, apply  # type: ignore[method-assign]  # the methods from before

    MigrationExecutor.migrate, MigrationExecutor.apply_migration = watched_migrate, watched_apply  # type: ignore[method-assign, assignment]  # undone by unwatch
    return unwatch


def watch_templates(step: Callable[[str], AbstractContextManager[None]]) -> Callable[[], None]:
    """Enter *step* with its name around each making of a test database, each migration of it, and the serialisation of its rows.

    Returns the function that undoes this.
    """
    create, serialise = BaseDatabaseCreation.create_test_db, BaseDatabaseCreation.serialize_db_to_string
    apply = MigrationExecutor.apply_migration

    def timed_create(self: Any, *args: Any, **kwargs: Any) -> Any:
        with step(f"{self.connection.alias}: database"):
            return create(self, *args, **kwargs)

    def timed_serialise(self: Any, *args: Any, **kwargs: Any) -> Any:
        with step(f"{self.connection.alias}: rows serialised"):
            return serialise(self, *args, **kwargs)

    def timed_apply(self: Any, state: Any, migration: Any, *args: Any, **kwargs: Any) -> Any:
        with step(f"{self.connection.alias}: {migration}"):
            return apply(self, state, migration, *args, **kwargs)

    def put(create: Any, serialise: Any, apply: Any) -> None:
        BaseDatabaseCreation.create_test_db = create  # type: ignore[method-assign]  # undone at the end
        BaseDatabaseCreation.serialize_db_to_string = serialise  # type: ignore[method-assign]  # likewise
        MigrationExecutor.apply_migration = apply  # type: ignore[method-assign]  # likewise

    put(timed_create, timed_serialise, timed_apply)
    return lambda: put(create, serialise, apply)


def replace_forwards(
    migrate: Callable[[Any, Any, list[Any], Callable[[Any, list[Any]], Any]], Any],
) -> Callable[[], None]:
    """Put *migrate* in place of the part of Django's executor that applies migrations. Returns the function that undoes this.

    *migrate* gets the executor, the state, the migrations to apply in their order, and Django's own way, which takes a state and
    some of those migrations, and returns the new state.
    """
    own = MigrationExecutor._migrate_all_forwards  # type: ignore[attr-defined]  # not in the stubs

    def forwards(self: Any, state: Any, plan: Any, full_plan: Any, fake: bool, fake_initial: bool) -> Any:
        if fake or fake_initial or type(self) is not MigrationExecutor:
            return own(self, state, plan, full_plan, fake=fake, fake_initial=fake_initial)

        def walk(state: Any, migrations: list[Any]) -> Any:
            part = [(migration, False) for migration in migrations]
            return own(self, state, part, full_plan, fake=False, fake_initial=False)

        wanted = {migration for migration, _ in plan}
        return migrate(self, state, [migration for migration, _ in full_plan if migration in wanted], walk)

    def put(function: Any) -> None:
        MigrationExecutor._migrate_all_forwards = function  # type: ignore[attr-defined]  # likewise

    put(forwards)
    return lambda: put(own)


def record_migration(executor: Any, migration: Any) -> None:
    """Record *migration* as applied, and tell the callback of *executor* about it, as Django does for each one."""
    if executor.progress_callback:
        executor.progress_callback("apply_start", migration, False)
    if django.VERSION >= (6, 0):
        executor.record_migration(migration.app_label, migration.name)
    else:
        executor.record_migration(migration)
    if executor.progress_callback:
        executor.progress_callback("apply_success", migration, False)


def editor_functions(connection: Any) -> tuple[Any, ...]:
    """The functions that a schema editor of *connection* calls around every migration."""
    editor = connection.SchemaEditorClass
    return (editor.__init__, editor.__enter__, editor.__exit__)


def run_exit_handlers() -> list[BaseException]:
    """Run the exit handlers registered since, as the interpreter would at its end; the exceptions that they raised, which are
    printed.
    """
    raised: list[BaseException] = []
    before = sys.unraisablehook

    def note(unraisable: Any) -> None:
        if "atexit" in (unraisable.err_msg or "") and unraisable.exc_value is not None:
            raised.append(unraisable.exc_value)
        sys.__unraisablehook__(unraisable)

    sys.unraisablehook = note
    try:
        _run_exit_handlers()
    finally:
        sys.unraisablehook = before
    return raised


class SuiteSteps:
    """The steps of ``unittest.TestSuite.run`` around its tests, one by one; each reports to a ``TestResult``.

    unittest lets ``SystemExit`` and ``KeyboardInterrupt`` through, which would end the process. Here they fail the fixture as
    any other exception does: after a failed set-up no tear-down runs, and the clean-ups do.
    """

    def __init__(self) -> None:
        self._suite: Any = unittest.TestSuite()

    def forget(self, result: Any) -> None:
        """Record that no class or module is set up."""
        result._previousTestClass = None
        result._moduleSetUpFailed = False

    def set_up_module(self, test: unittest.TestCase, result: Any) -> None:
        fixture = f"setUpModule ({type(test).__module__})"
        if not self._succeeds(lambda: self._suite._handleModuleFixture(test, result), fixture, result):
            result._moduleSetUpFailed = True
            self._clean_module(fixture, result)

    def set_up_class(self, test: unittest.TestCase, result: unittest.TestResult) -> None:
        cls: Any = type(test)
        fixture = f"setUpClass ({class_name(cls)})"
        if not self._succeeds(lambda: self._suite._handleClassSetUp(test, result), fixture, result):
            cls._classSetupFailed = True
            self._clean_class(cls, fixture, result)

    def note_class(self, cls: type, result: Any) -> None:
        """Record *cls* as the class whose tear-down is due."""
        result._previousTestClass = cls

    def tear_down_class(self, result: Any) -> None:
        cls = result._previousTestClass
        fixture = f"tearDownClass ({class_name(cls)})" if cls is not None else "tearDownClass"
        if not self._succeeds(lambda: self._suite._tearDownPreviousClass(None, result), fixture, result):
            self._clean_class(cls, fixture, result)

    def tear_down_module(self, result: Any) -> None:
        fixture = f"tearDownModule ({getattr(result._previousTestClass, '__module__', '')})"
        if not self._succeeds(lambda: self._suite._handleModuleTearDown(result), fixture, result):
            self._clean_module(fixture, result)

    def _clean_class(self, cls: Any, fixture: str, result: unittest.TestResult) -> None:
        """Run the class's remaining clean-ups, whatever they raise."""
        while getattr(cls, "_class_cleanups", None):
            self._succeeds(cls.doClassCleanups, fixture, result)
            for error in cls.tearDown_exceptions:
                result.addError(fixture, error)  # type: ignore[arg-type]  # unittest's stand-in has no class

    def _clean_module(self, fixture: str, result: unittest.TestResult) -> None:
        while unittest.case._module_cleanups:  # type: ignore[attr-defined]  # not in typeshed
            self._succeeds(unittest.doModuleCleanups, fixture, result)

    def _succeeds(self, step: Callable[[], object], fixture: str, result: unittest.TestResult) -> bool:
        """Run *step*, and report an exception as an error of *fixture*. Returns whether there was none."""
        try:
            step()
        except BaseException:  # noqa: BLE001 - see the class
            result.addError(fixture, sys.exc_info())  # type: ignore[arg-type]  # unittest's stand-in has no class
            return False
        return True


def fresh_copy(test: unittest.TestCase) -> unittest.TestCase:
    """A copy of *test* for one attempt: attributes that the attempt sets are dropped with it.

    Not ``copy.copy``, which reads attributes of the new object before it has any: a ``__getattr__`` may fail on that.
    """
    found: Any = object.__new__(type(test))
    found.__dict__.update(test.__dict__)
    if "_cleanups" in found.__dict__:
        found._cleanups = []
    return found  # type: ignore[no-any-return]  # it is of the type of test


def around_test_method(test: unittest.TestCase, around: Callable[[], AbstractContextManager[None]]) -> None:
    """Have the method of *test* run inside a context of *around*: after ``setUp``, and before ``tearDown``."""
    changed: Any = test
    call: Callable[[Any], Any] = changed._callTestMethod

    def call_inside(method: Any) -> Any:
        with around():
            return call(method)

    changed._callTestMethod = call_inside


def is_forbidden(connection: Any) -> bool:
    """Whether Django refuses the running test to use *connection*: its alias is not among the ``databases`` of the class."""
    return "connect" in vars(connection) and hasattr(vars(connection)["connect"], "wrapped")


def test_method_name(test: unittest.TestCase) -> str:
    """The name of the method that *test* runs; empty if it has none."""
    return str(getattr(test, "_testMethodName", ""))


def doctest_of(test: unittest.TestCase) -> doctest.DocTest | None:
    """The docstring or file that *test* runs, if it is a doctest."""
    return getattr(test, "_dt_test", None) if isinstance(test, doctest.DocTestCase) else None


def tested_function(test: unittest.TestCase) -> Callable[[], Any] | None:
    """The function that *test* runs, if it is a ``FunctionTestCase``."""
    return getattr(test, "_testFunc", None) if isinstance(test, unittest.FunctionTestCase) else None


def subtest_contexts(subtest: Any) -> list[Any]:
    """The parameter maps of *subtest* and of each subTest around it: one object for each, shared by all subTests inside it."""
    return list(subtest.params.maps)


def subtest_description(subtest: Any) -> str:
    """A subTest's message and parameters, as unittest prints them."""
    return str(subtest._subDescription())
