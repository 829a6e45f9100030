"""Exchanges the messages with the host from ``Begin`` to the routes. Then ``run_tests`` runs the tests.

Owns the loading of the project's settings. Imports are few before the topology is sent: the host then starts the servers,
while this process imports all that the tests need.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

import django
from django.conf import settings

from ...errors import HarnessError, ProjectError
from ...protocol.events import RunFinished, TopologyFound
from ...protocol.messages import RunSpec, UseRoutes
from ...protocol.topology import Topology
from .. import unset_variables
from ..failures import import_advice, message_of, project_root, project_traceback, type_name
from ..host_channel import HostMessages, Journal
from ..processes import gc_thresholds, warning_counts
from ..processes.shell_commands import run_commands
from . import label_names, manage_script
from .read_topology import read_topology

VARIABLE = "DJANGO_SETTINGS_MODULE"


def run(spec: RunSpec, journal: Journal, messages: HostMessages) -> None:
    """Send the topology, receive the routes, run the tests; only the first of these for ``spec.plan_only``."""
    gc_thresholds.collect_seldom()
    warning_counts.install()
    _enter_folder(spec)
    spec = replace(spec, labels=tuple(label_names.from_here(label, project_root()) for label in spec.labels))
    if spec.settings:
        os.environ[VARIABLE] = spec.settings  # scripts set a default
    if spec.before:
        journal.finish_phase("setup")
        journal.start_phase("before")
        run_commands(spec.before)
        journal.finish_phase("before")
        journal.start_phase("setup")
    unset = _load_settings(spec, journal)
    # a top level is one more folder to import from; Django's own parser is not loaded yet
    if spec.labels and not any(arg.startswith("--top-level-directory=") for arg in spec.django_args):
        label_names.check(spec.labels, settings.INSTALLED_APPS)
    topology = _send_topology(journal)
    if spec.plan_only:
        journal.finish_phases()
        journal.write(RunFinished(0))
        return
    routes = messages.expect(UseRoutes).routes

    from . import run_tests

    run_tests.run_tests(spec, topology, routes, journal, messages, unset)


def _enter_folder(spec: RunSpec) -> None:
    """Make the folder of the tests the working directory, and the project importable, as if it were installed."""
    project = str(Path(project_root(), spec.project))
    if (source := Path(project, "src")).is_dir():
        # a package in a src layout is tested from the project's files: only its dependencies are installed
        sys.path.insert(1, str(source))
    if spec.workdir:
        try:
            os.chdir(spec.workdir)
        except OSError as error:
            raise ProjectError(
                f"The tests cannot run in {spec.workdir}: {error.strerror}.",
                hint="Correct workdir in [tool.harness]: it is a folder of the project.",
            ) from error
        # the last entry is the harness's own
        sys.path[0], sys.path[-1:] = str(Path.cwd()), [project, *sys.path[-1:]]


def _load_settings(spec: RunSpec, journal: Journal) -> tuple[str, ...]:
    """Load the settings, and return the names of unset variables that they read.

    Raises ``ProjectError`` with the project's traceback, without the harness's frames.
    """
    # settings of real projects check the number of arguments and search them for "test"
    sys.argv = [spec.script or "manage.py", "test", *spec.labels]
    unset: dict[str, None] = {}
    with unset_variables.unset_variables(project_root(), unset):
        _name_settings(spec, journal, unset)
        module = os.environ.get(VARIABLE, "")
        try:
            settings.DATABASES  # noqa: B018 - the access loads them
        except BaseException as error:
            raise _explained(error, f"The settings {module}", "cannot be loaded", unset, module) from error
    return tuple(unset)


def _name_settings(spec: RunSpec, journal: Journal, unset: dict[str, None]) -> None:
    """Set ``DJANGO_SETTINGS_MODULE`` as ``manage.py`` does, or to the module that the user named.

    A script that fails is a notice where the user named the settings, and else a ``ProjectError``.
    """
    if spec.script:
        try:
            manage_script.execute(spec.script)
        except BaseException as error:
            if not spec.settings:
                raise _explained(error, spec.script, "did not come as far as Django", unset) from error
            text = f"{spec.script} did not come as far as Django ({type_name(type(error))}: {message_of(error)})"
            journal.notice("manage-py", f"{text}: {spec.settings} is loaded without it.")
    if spec.settings:
        os.environ[VARIABLE] = spec.settings
    elif not os.environ.get(VARIABLE):
        raise ProjectError(
            f"{spec.script} does not say which settings module is used." if spec.script else "No settings are named.",
            hint=f"Name it with --settings, {VARIABLE}, or settings in [tool.harness] of pyproject.toml. "
            + spec.settings_advice,
        )


def _explained(
    error: BaseException, subject: str, problem: str, unset: dict[str, None], module: str = ""
) -> HarnessError:
    """*error* of the project's as a ``ProjectError`` with advice; an error of the harness's own as it is."""
    if isinstance(error, HarnessError):
        return error
    if isinstance(error, KeyError):
        name = error.args[0] if error.args else "?"
        return ProjectError(
            f"{subject} read {name!r}, which is not there.",
            hint=f'If it is a variable of the environment: [tool.harness] env = {{ {name} = "..." }}, or pass_env.',
            evidence=project_traceback(error),
        )
    return ProjectError(
        f"{subject} {problem}: {type(error).__name__}: {error}",
        hint=import_advice(error, module)
        or "--settings names another module; [tool.harness] env sets what they read."
        + unset_variables.unset_advice(tuple(unset)),
        evidence=project_traceback(error),
    )


def _send_topology(journal: Journal) -> Topology:
    topology, folded = read_topology(settings.DATABASES)
    journal.write(TopologyFound(topology, settings.SETTINGS_MODULE, platform.python_version(), django.get_version()))
    for spelling in folded:
        text = f"{spelling}: today's Django would have ignored this old spelling; it counts here."
        journal.notice("flat-spelling", text)
    return topology
