"""Loads the project and runs its tests, once the host knows its databases: routes, discovery, servers, tests.

Owns the loading of the project's apps and its own test runner, with the options that the runner declares itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import django
from django.conf import settings
from django.core.management.commands.test import Command
from django.test.runner import DiscoverRunner
from django.test.utils import get_runner

from ...errors import HarnessError, ProjectError
from ...protocol.events import RunFinished, RunPlanned
from ...protocol.messages import Endpoint, Route, RunSpec, ServersReady
from ...protocol.topology import Topology
from ..failures import import_advice, project_root, project_traceback
from ..host_channel import HostMessages, Journal
from ..processes import cpu_count, warning_counts
from ..seeds.seeding import Seeding
from ..text import class_name
from ..unittest_suite.observed_run import ObservedRun
from . import label_names, portability
from .project_runner import runner_class
from .session import Session
from .settings_overlay import Gate, Overlay, load_backends
from .vendors import vendor_of


def begin(
    spec: RunSpec,
    topology: Topology,
    routes: tuple[Route, ...],
    journal: Journal,
    messages: HostMessages,
    unset: tuple[str, ...],
    began: float,
) -> Session:
    """The session of a run, whose settings *began* to load at that time, in seconds since the epoch.

    The databases of the settings are routed as the host says, and connections wait for the servers.
    """
    overlay = Overlay(routes, journal.notice)
    load_backends(routes)
    messages.watch()
    endpoints: tuple[Endpoint, ...] | None = None

    workers = spec.workers or cpu_count.available()
    seeding = Seeding(spec, routes, workers, project_root(), journal.write, began)

    def await_servers() -> None:
        nonlocal endpoints
        if endpoints is None:
            seeding.want_nothing("the project uses a database while it is loaded")
            ready = messages.expect(ServersReady)
            endpoints = ready.endpoints
            seeding.take(ready.seed)
        overlay.apply_again()
        overlay.point_at(endpoints)

    gate = Gate(await_servers, [route.alias for route in routes if route.server is not None])
    return Session(spec, topology, routes, gate, seeding, overlay, journal, messages, unset, workers)


def run_tests(session: Session) -> None:
    """Load the project, and run the tests that the session's specification asks for by the project's own runner class."""
    with explained(session):
        django.setup()
        session.overlay.apply_again()
        _leave_out_examples(session)
        session.statement_log.install()
        own_class = get_runner(settings, _test_runner(session.spec.django_args))
        counted: object = _counted(session, own_class)
        session.messages.check()
    finish(session, class_name(own_class), counted)


def _leave_out_examples(session: Session) -> None:
    """Choose the tests of a library where the user chooses none: with a ``manage.py``, those that it would run are right."""
    spec = session.spec
    if spec.labels or spec.replay or spec.script or spec.legacy_discovery or spec.doctest:
        return
    options, _ = runner_options(spec.django_args)
    if "pattern" not in options:
        return  # a runner class that finds its tests by itself
    labels, left_out = label_names.without_examples(settings.INSTALLED_APPS, options["pattern"])
    if left_out and not options["top_level"]:
        session.spec = replace(spec, labels=tuple(labels))
        text = f"{', '.join(left_out)} is not tested: none of its apps is installed. harness ci . runs all tests."
        session.journal.notice("examples-left-out", text)


@contextlib.contextmanager
def explained(session: Session, command: str = "manage.py test") -> Iterator[None]:
    """Turn an exception of the project's code into a ``ProjectError``. *command* runs the same code without the harness."""
    try:
        yield
    except HarnessError:
        raise
    except BaseException as error:
        session.messages.check()
        vendors = [vendor_of(alias, str(config.get("ENGINE"))) for alias, config in settings.DATABASES.items()]
        if explanation := portability.explain_import(error, vendors):
            raise explanation from error
        raise ProjectError(
            f"The project's tests could not be run: {type(error).__name__}: {error}",
            hint=import_advice(error) or f"Does `{command}` come further?",
            evidence=project_traceback(error),
        ) from error


def finish(session: Session, runner: str, counted: object) -> None:
    """Report the end of the run. *counted* is the value that ``run_tests()`` of the class or script *runner* returned.

    It is believed only where it counts more failures than the outcomes: a planned test that has no outcome is red. As for
    ``manage.py test``, every true value is a failure.
    """
    left_out = [test for test, has_outcome in session.planned.items() if not has_outcome]
    session.leave_out(left_out, f"the project's test runner ({runner}) did not run the suite that it had built")
    if counted is None or (isinstance(counted, int) and counted >= 0):
        failures = int(counted or 0)
    else:
        failures = int(bool(counted))
        meaning = "that counts as a failure" if counted else "that counts as none"
        text = f"run_tests() of {runner} returned {counted!r}, which is no number of failures: {meaning}."
        session.journal.notice("runner-result", text)
    session.journal.finish_phases()
    if (shown := warning_counts.take()) is not None:
        session.journal.write(shown)
    session.journal.write(RunFinished(max(session.red, failures)))


def _counted(session: Session, own_class: type) -> object:
    """The value of ``run_tests()`` of the runner: with the harness behind it, if it is a ``DiscoverRunner``."""
    labels, args = list(session.spec.labels), session.spec.django_args
    if issubclass(own_class, DiscoverRunner):
        harness_class = runner_class(own_class)
        harness_class.harness = session
        options, _ = runner_options(("--parallel=1", *args))
        return harness_class(**options).run_tests(labels)
    if not callable(getattr(own_class, "run_tests", None)):
        raise ProjectError(
            f"TEST_RUNNER {class_name(own_class)} has no run_tests().",
            hint="A runner is a django.test.runner.DiscoverRunner or has that method; --testrunner names another one.",
        )
    session.seeding.want_nothing(f"{class_name(own_class)} makes its databases itself")
    options, unknown = runner_options(args)
    session.journal.notice("own-runner", own_runner_notice(class_name(own_class), unknown))
    runner: Any = own_class(**options)
    session.gate.open()
    session.journal.finish_phase("setup")
    session.journal.write(RunPlanned((), 1))
    observed = ObservedRun(session.journal.write, session.describer, session.statement_log)
    session.journal.start_phase("tests")
    try:
        with observed.observed():
            return runner.run_tests(labels)
    finally:
        session.planned, session.red = observed.planned, observed.red


def own_runner_notice(name: str, unknown: Sequence[str]) -> str:
    """The notice about a runner that is no ``DiscoverRunner``; *unknown* are the options that it does not declare."""
    text = (
        f"{name} is no DiscoverRunner: its run_tests() runs everything in one process, on the databases that it makes."
        " There are no clones, retries or replays, and a test that takes longer than its limit ends the run."
    )
    return text + (f" It has no {', '.join(unknown)}." if unknown else "")


def _test_runner(django_args: Sequence[str]) -> str | None:
    """The class that ``--testrunner`` names."""
    name = "--testrunner="
    return next((arg.removeprefix(name) for arg in django_args if arg.startswith(name)), None)


def runner_options(django_args: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The keyword arguments for the runner's constructor, by Django's own parser, with the arguments that the project's
    runner adds and their defaults; and the arguments that it does not know, which only a runner of its own may have.
    """
    command = Command()
    command.test_runner = _test_runner(django_args)
    parser = command.create_parser("manage.py", "test")
    parsed, unknown = parser.parse_known_args(["--noinput", *django_args])
    return {key: value for key, value in vars(parsed).items() if key not in ("args", "testrunner")}, unknown
