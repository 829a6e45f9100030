"""Exchanges the messages with the host from ``Begin`` to the routes. Then ``run_tests`` runs the tests.

Owns the loading of the project's settings. Imports are few before the topology is sent: the host then starts the servers,
while this process imports all that the tests need.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import django
from django.conf import settings

from ...errors import HarnessError, ProjectError
from ...protocol.events import RunFinished, TopologyFound
from ...protocol.messages import RunSpec, UseRoutes
from ...protocol.topology import Topology
from .. import unset_variables
from ..failures import import_advice, project_root, project_traceback
from ..host_channel import HostMessages, Journal
from ..processes import gc_thresholds
from . import label_names
from .read_topology import read_topology


def run(spec: RunSpec, journal: Journal, messages: HostMessages) -> None:
    """Send the topology, receive the routes, run the tests; only the first of these for ``spec.plan_only``."""
    gc_thresholds.collect_seldom()
    unset = _enter_project(spec)
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


def _enter_project(spec: RunSpec) -> tuple[str, ...]:
    """Load the settings, and return the names of unset variables that they read.

    Raises ``ProjectError`` with the project's traceback, without the harness's frames.
    """
    # settings of real projects check the number of arguments and search them for "test"
    sys.argv = ["manage.py", "test", *spec.labels]
    if (source := Path("src").resolve()).is_dir():
        # a package in a src layout is tested from the project's files: only its dependencies are installed
        sys.path.insert(1, str(source))
    if spec.settings:
        os.environ["DJANGO_SETTINGS_MODULE"] = spec.settings
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    unset: dict[str, None] = {}
    try:
        with unset_variables.unset_variables(project_root(), unset):
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
            hint=import_advice(error, module)
            or "--settings names another module; [tool.harness] env sets what they read."
            + unset_variables.unset_advice(tuple(unset)),
            evidence=project_traceback(error),
        ) from error
    return tuple(unset)


def _send_topology(journal: Journal) -> Topology:
    topology, folded = read_topology(settings.DATABASES)
    journal.write(TopologyFound(topology, settings.SETTINGS_MODULE, platform.python_version(), django.get_version()))
    for spelling in folded:
        text = f"{spelling}: today's Django would have ignored this old spelling; it counts here."
        journal.notice("flat-spelling", text)
    return topology
