"""The conversation with the host after ``Begin``: settings, topology, routes, discovery, servers, tests, in this order.

Owns how the project is entered: its settings, its apps, its test runner with the options that it declares itself.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.commands.test import Command
from django.test.utils import get_runner

from harness.contract.events import RunFinished, TopologyFound
from harness.contract.runspec import DjangoOptions, Route, RunSpec, ServersReady, UseRoutes
from harness.contract.topology import Topology, primary_of
from harness.errors import ExitCode, HarnessError, ProjectError
from harness.inside import cores
from harness.inside.channel import HostMessages, Journal
from harness.inside.migrations import project_traceback
from harness.inside.overlay import Gate, apply_endpoints, apply_routes, load_backends
from harness.inside.runner import Session, harness_runner
from harness.inside.sqllog import SqlLog
from harness.inside.topology import fold_flat_spellings, read_topology, resolve_chains


def hold(spec: RunSpec, journal: Journal, messages: HostMessages) -> ExitCode:
    """Say the topology, meet the servers, run the tests; or the first of these alone, where a plan is all that is asked for."""
    _enter_project(spec)
    topology = _say_topology(journal)
    if spec.plan_only:
        journal.finish_phases()
        journal.write(RunFinished(0))
        return ExitCode.GREEN
    routes = messages.expect(UseRoutes).routes
    resolve_chains(settings.DATABASES, topology)
    for text in apply_routes(settings.DATABASES, routes):
        journal.notice("options-dropped", text)
    load_backends(routes)
    messages.watch()

    def meet_servers() -> None:
        apply_endpoints(settings.DATABASES, routes, messages.expect(ServersReady).endpoints)

    gate = Gate(meet_servers, [route.alias for route in routes if route.server is not None])
    gate.close()
    session = Session(
        spec=spec,
        topology=topology,
        replicas=_replicas(topology, routes),
        gate=gate,
        journal=journal,
        workers=spec.workers or cores.available(),
        private_fds=(journal.fd, messages.fd),
        sqllog=SqlLog(),
        check_interrupted=messages.check,
    )
    failures = _run_tests(session, messages)
    journal.finish_phases()
    journal.write(RunFinished(failures))
    if failures:
        return ExitCode.TESTS_FAILED
    return ExitCode.GREEN if session.tests_ran else ExitCode.NO_TESTS


def _enter_project(spec: RunSpec) -> None:
    """Load the settings. Raises ``ProjectError`` with the project's traceback and without ours."""
    # settings of real projects count and search these
    sys.argv = ["manage.py", "test", *spec.labels]
    if (source := Path("src").resolve()).is_dir():
        # a package of that layout is tested from the files that were brought: only what it depends on is installed
        sys.path.insert(1, str(source))
    if spec.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = spec.settings
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    try:
        settings.DATABASES  # noqa: B018 - the access loads them
    except HarnessError:
        raise
    except KeyError as error:
        name = error.args[0] if error.args else "?"
        raise ProjectError(
            f"The settings {module} read {name!r}, which is not there.",
            hint=f'If it is a variable of the environment: [tool.harness] env = {{ {name} = "..." }}, or pass_env.',
            evidence=project_traceback(error),
        ) from error
    except BaseException as error:
        raise ProjectError(
            f"The settings {module} cannot be loaded: {type(error).__name__}: {error}",
            hint=_missing_metadata(error) or "--settings names another module; [tool.harness] env sets what they read.",
            evidence=project_traceback(error),
        ) from error


def _say_topology(journal: Journal) -> Topology:
    folded = fold_flat_spellings(settings.DATABASES)
    topology = read_topology(settings.DATABASES)
    journal.write(TopologyFound(topology, settings.SETTINGS_MODULE, platform.python_version(), django.get_version()))
    for spelling in folded:
        text = f"{spelling}: today's Django would have ignored this old spelling; it counts here."
        journal.notice("flat-spelling", text)
    return topology


def _replicas(topology: Topology, routes: tuple[Route, ...]) -> frozenset[str]:
    """The mirror aliases that are routed to a server of their own."""
    servers = {route.alias: route.server for route in routes}
    return frozenset(
        alias.name
        for alias in topology.aliases
        if alias.test.mirror is not None
        and servers[alias.name] not in (None, servers.get(primary_of(topology, alias.name)))
    )


def _run_tests(session: Session, messages: HostMessages) -> int:
    """How many tests failed, as the project's own runner counts or as they came, whichever is more."""
    try:
        django.setup()
        session.sqllog.install()
        runner_class = harness_runner(get_runner(settings))
        runner_class.harness = session
        runner = runner_class(**_runner_options(session.spec.options))
        counted = runner.run_tests(list(session.spec.labels))
        messages.check()
    except HarnessError:
        raise
    except BaseException as error:
        messages.check()
        raise ProjectError(
            f"The project's tests could not be run: {type(error).__name__}: {error}",
            hint=_missing_metadata(error) or "Does `manage.py test` come further?",
            evidence=project_traceback(error),
        ) from error
    return max(session.red, counted if isinstance(counted, int) else 0)


def _missing_metadata(error: BaseException) -> str:
    """What to do where a package asks for its own version, and is there with its files alone; else empty."""
    if not isinstance(error, PackageNotFoundError):
        return ""
    return (
        f"{error.name} has to be installed too, and not only what it depends on: in [tool.harness],"
        ' install = ["pip install -e .", ...].'
    )


def _runner_options(options: DjangoOptions) -> dict[str, Any]:
    """The keyword arguments for the runner's constructor, by Django's own parser, with the arguments that the project's
    runner adds and their defaults.
    """
    parser = Command().create_parser("manage.py", "test")
    parsed = vars(parser.parse_args(["--noinput", "--parallel=1", *django_arguments(options)]))
    return {key: value for key, value in parsed.items() if key not in ("args", "testrunner")}


def django_arguments(options: DjangoOptions) -> list[str]:
    """*options* as ``manage.py test`` takes them."""
    arguments = [f"--verbosity={options.verbosity}"]
    flags = {
        "--failfast": options.failfast,
        "--keepdb": options.keepdb,
        "--reverse": options.reverse,
        "--debug-sql": options.debug_sql,
        "--debug-mode": options.debug_mode,
        "--buffer": options.buffer,
        "--timing": options.timing,
    }
    arguments += [flag for flag, is_on in flags.items() if is_on]
    if options.shuffle:
        arguments.append("--shuffle" if options.seed is None else f"--shuffle={options.seed}")
    arguments += [f"--tag={tag}" for tag in options.tags]
    arguments += [f"--exclude-tag={tag}" for tag in options.exclude_tags]
    arguments += [part for pattern in options.name_patterns for part in ("-k", pattern)]
    if options.pattern is not None:
        arguments.append(f"--pattern={options.pattern}")
    if options.top_level is not None:
        arguments.append(f"--top-level-directory={options.top_level}")
    return arguments
