"""The conversation with the host, from ``Begin`` to the end: ``python -m harness.inside``.

The order of things: read the settings, say the topology, hear the routes, set Django up and discover, meet the servers, run.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from harness.contract.events import RunAborted, RunFinished, TopologyFound
from harness.contract.runspec import Begin, DjangoOptions, Route, RunSpec, ServersReady, UseRoutes
from harness.errors import ExitCode, HarnessError, Interrupted, ProjectError
from harness.inside.channel import HostMessages, Journal, exit_code_of, open_channels


def main() -> NoReturn:
    """Run once. The exit status is that of DESIGN's table, which the journal's last event bears out."""
    journal, messages = open_channels()
    status = ExitCode.INTERNAL

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        messages.interrupt(Interrupted(f"{signal.Signals(signum).name} ended the run.", exit_code_of(signum)))

    try:
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
        spec = messages.expect(Begin).spec
        status = _run(spec, journal, messages)
    except HarnessError as error:
        status = _abort(journal, error)
    except BaseException as error:  # noqa: BLE001 - a bug of ours: said, never silent
        import traceback

        text = "".join(traceback.format_exception(error))
        bug = HarnessError(f"A bug in the harness: {type(error).__name__}: {error}", "Please report it.", text)
        status = _abort(journal, bug)
    finally:
        with contextlib.suppress(Exception):  # the project may have closed or replaced them
            sys.stdout.flush()
            sys.stderr.flush()
        # nothing of the project's that still runs (threads, exit handlers that wait) may hold the container up
        os._exit(status)


def _abort(journal: Journal, error: HarnessError) -> ExitCode:
    with contextlib.suppress(OSError):  # the host may be gone
        journal.finish_phases()
        journal.write(RunAborted(error.exit_code, error.message, error.hint, error.evidence))
    return error.exit_code


def _run(spec: RunSpec, journal: Journal, messages: HostMessages) -> ExitCode:
    journal.start_phase("setup")
    # settings of real projects count and search these
    sys.argv = ["manage.py", "test", *spec.labels]
    if (source := Path("src").resolve()).is_dir():
        # a package of that layout is tested from the files that were brought: only what it depends on is installed
        sys.path.insert(1, str(source))
    settings = _load_settings(spec)

    import django

    from harness.inside.overlay import Gate, apply_endpoints, apply_routes, load_backends
    from harness.inside.topology import fold_flat_spellings, read_topology

    folded = fold_flat_spellings(settings.DATABASES)
    topology = read_topology(settings.DATABASES)
    journal.write(TopologyFound(topology, settings.SETTINGS_MODULE, platform.python_version(), django.get_version()))
    for spelling in folded:
        journal.notice(
            "flat-spelling", f"{spelling}: today's Django would have ignored this old spelling; it counts here."
        )
    if spec.plan_only:
        journal.finish_phases()
        journal.write(RunFinished(0))
        return ExitCode.GREEN
    routes = messages.expect(UseRoutes).routes
    for text in apply_routes(settings.DATABASES, routes):
        journal.notice("options-dropped", text)
    load_backends(routes)
    messages.watch()

    def meet_servers() -> None:
        apply_endpoints(settings.DATABASES, routes, messages.expect(ServersReady).endpoints)

    gate = Gate(meet_servers, [route.alias for route in routes if route.server is not None])
    gate.close()
    return _run_tests(spec, journal, messages, topology, routes, gate)


def _load_settings(spec: RunSpec) -> Any:
    """The project's settings, loaded. Raises ``ProjectError`` with the project's traceback and without ours."""
    if spec.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = spec.settings
    try:
        importlib.import_module("django")
    except ImportError as error:
        raise ProjectError(
            "Django is not installed where the tests run.",
            hint="Name it in the project's requirements, or say how it gets there: [tool.harness] install.",
        ) from error
    from django.conf import settings

    from harness.inside.migrations import project_traceback

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
            hint="--settings names another module; [tool.harness] env sets what they read.",
            evidence=project_traceback(error),
        ) from error
    return settings


def _run_tests(
    spec: RunSpec,
    journal: Journal,
    messages: HostMessages,
    topology: Any,
    routes: tuple[Route, ...],
    gate: Any,
) -> ExitCode:
    import django

    from harness.inside import cores
    from harness.inside.migrations import project_traceback
    from harness.inside.runner import Session, harness_runner
    from harness.inside.sqllog import SqlLog

    try:
        django.setup()
        from django.conf import settings
        from django.test.utils import get_runner

        sqllog = SqlLog()
        sqllog.install()
        runner_class = harness_runner(get_runner(settings))
        servers = {route.alias: route.server for route in routes}
        replicas = frozenset(
            alias.name
            for alias in topology.aliases
            if alias.test.mirror is not None
            and servers[alias.name] not in (None, servers.get(_primary(topology, alias)))
        )
        session = Session(
            spec=spec,
            topology=topology,
            replicas=replicas,
            gate=gate,
            journal=journal,
            workers=spec.workers or cores.available(),
            private_fds=(journal.fd, messages.fd),
            sqllog=sqllog,
            check_interrupted=messages.check,
        )
        runner_class.harness = session
        test_labels, options = _options(spec)
        runner = runner_class(**options)
        runner.run_tests(test_labels)
        messages.check()
    except HarnessError:
        raise
    except BaseException as error:
        messages.check()
        raise ProjectError(
            f"The project's tests could not be run: {type(error).__name__}: {error}",
            hint="Does `manage.py test` come further?",
            evidence=project_traceback(error),
        ) from error
    journal.finish_phases()
    journal.write(RunFinished(session.red))
    if session.red:
        return ExitCode.TESTS_FAILED
    return ExitCode.GREEN if session.tests_ran else ExitCode.NO_TESTS


def _primary(topology: Any, alias: Any) -> str:
    from harness.contract.topology import primary_of

    return primary_of(topology, alias.name)


def _options(spec: RunSpec) -> tuple[list[str], dict[str, Any]]:
    """Labels and keyword arguments for the runner's constructor, by Django's own parser with the runner's own arguments."""
    from django.core.management.commands.test import Command

    command = Command()
    parser = command.create_parser("manage.py", "test")
    options = vars(parser.parse_args(["--noinput", "--parallel=1", *django_arguments(spec.options)]))
    options.pop("args", None)
    return list(spec.labels), {key: value for key, value in options.items() if key != "testrunner"}


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


if __name__ == "__main__":
    main()
