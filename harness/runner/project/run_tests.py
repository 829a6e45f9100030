"""Loads the project and runs its tests, once the host knows its databases: routes, discovery, servers, tests.

Owns the loading of the project's apps and its own test runner, with the options that the runner declares itself.
"""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.core.management.commands.test import Command
from django.db import connections
from django.test.utils import get_runner

from ...errors import HarnessError, ProjectError
from ...protocol.events import RunFinished
from ...protocol.messages import Route, RunSpec, ServersReady
from ...protocol.topology import Topology
from ..failures import import_advice, project_traceback
from ..host_channel import HostMessages, Journal
from ..processes import cpu_count, warning_counts
from ..schedule.units import class_name
from . import portability
from .project_runner import Session, runner_class
from .settings_overlay import Gate, apply_endpoints, apply_routes, load_backends


def run_tests(
    spec: RunSpec,
    topology: Topology,
    routes: tuple[Route, ...],
    journal: Journal,
    messages: HostMessages,
    unset: tuple[str, ...],
) -> None:
    """Load the project with its databases routed as the host says, and run the tests that *spec* asks for."""
    for text in apply_routes(settings.DATABASES, routes):
        journal.notice("options-dropped", text)
    load_backends(routes)
    messages.watch()

    def await_servers() -> None:
        apply_endpoints(settings.DATABASES, routes, messages.expect(ServersReady).endpoints)

    gate = Gate(await_servers, [route.alias for route in routes if route.server is not None])
    workers = spec.workers or cpu_count.available()
    failures = _run(Session(spec, topology, routes, gate, journal, messages, unset, workers))
    journal.finish_phases()
    journal.write(RunFinished(failures))


    if (counted := warning_counts.take()) is not None:
        journal.write(counted)
def _run(session: Session) -> int:
    """Run the suite. Returns the number of failures: by the project's own runner or by the outcomes, whichever is more.

    The project's runner is believed only where it counts more: a planned test that it did not run is red. As for
    ``manage.py test``, every true value is a failure.
    """
    try:
        django.setup()
        session.statement_log.install()
        own_class = get_runner(settings)
        harness_class = runner_class(own_class)
        harness_class.harness = session
        runner = harness_class(**_runner_options(session.spec.django_args))
        counted: object = runner.run_tests(list(session.spec.labels))
        session.messages.check()
    except HarnessError:
        raise
    except BaseException as error:
        session.messages.check()
        if explained := portability.explain_import(error, [connection.vendor for connection in connections.all()]):
            raise explained from error
        raise ProjectError(
            f"The project's tests could not be run: {type(error).__name__}: {error}",
            hint=import_advice(error) or "Does `manage.py test` come further?",
            evidence=project_traceback(error),
        ) from error
    name = class_name(own_class)
    left_out = [test for test, has_outcome in session.planned.items() if not has_outcome]
    session.leave_out(left_out, f"the project's test runner ({name}) did not run the suite that it had built")
    if counted is None or (isinstance(counted, int) and counted >= 0):
        return max(session.red, int(counted or 0))
    meaning = "that counts as a failure" if counted else "that counts as none"
    text = f"run_tests() of {name} returned {counted!r}, which is no number of failures: {meaning}."
    session.journal.notice("runner-result", text)
    return max(session.red, int(bool(counted)))


def _runner_options(django_args: tuple[str, ...]) -> dict[str, Any]:
    """The keyword arguments for the runner's constructor, by Django's own parser, with the arguments that the project's
    runner adds and their defaults.
    """
    parser = Command().create_parser("manage.py", "test")
    parsed = vars(parser.parse_args(["--noinput", "--parallel=1", *django_args]))
    return {key: value for key, value in parsed.items() if key not in ("args", "testrunner")}
