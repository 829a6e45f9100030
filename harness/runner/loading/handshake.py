"""Loads the project's settings, sends the host their topology, and receives the routes.

Imports are few before the topology is sent: the host then starts the servers, while this process imports all that the tests
need.
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import django
from django.conf import settings

from ...errors import HarnessError, ProjectError
from ...protocol.events import RunFinished, TopologyFound
from ...protocol.messages import RunSpec, UseRoutes
from ...protocol.topology import Topology
from .. import unpatched, unset_variables
from ..failures import import_advice, project_root, project_traceback
from ..host_channel import HostMessages, Journal
from ..project import label_names
from ..project.read_topology import read_topology
from ..project.vendors import vendor_of

if TYPE_CHECKING:
    from ..project.session import Session

VARIABLE = "DJANGO_SETTINGS_MODULE"


class PlanEnded(BaseException):
    """The topology was all that the host asked for. No ``except Exception`` of a project's script catches it."""


class Handshake:
    """The exchange of messages up to the routes, which ends in a ``Session``. ``unset`` has variables that the settings read.

    ``has_labels_of_django``: the labels of the run are those of Django's runner.
    """

    def __init__(self, spec: RunSpec, journal: Journal, messages: HostMessages) -> None:
        self.spec = spec
        self.unset: dict[str, None] = {}
        self.has_labels_of_django = True
        self._began = unpatched.epoch_s()
        self._journal = journal
        self._messages = messages

    def settle(self) -> Session:
        """Load the settings, send the topology and receive the routes.

        Raises ``ProjectError`` for settings that cannot be loaded and for labels that name nothing, and ``PlanEnded`` after the
        topology for ``plan_only``.
        """
        spec = self.spec
        self.load_settings()
        # a top level is one more folder to import from; Django's own parser is not loaded yet
        if (
            self.has_labels_of_django
            and spec.labels
            and not any(arg.startswith("--top-level-directory=") for arg in spec.django_args)
        ):
            label_names.check(spec.labels, settings.INSTALLED_APPS)
        topology = self._send_topology()
        if spec.plan_only:
            self._journal.finish_phases()
            self._journal.write(RunFinished(0))
            raise PlanEnded
        routes = self._messages.expect(UseRoutes).routes
        if self.unset and routes and all(vendor_of(route.alias, route.backend) == "dummy" for route in routes):
            text = f"DATABASES of the settings has no ENGINE.{unset_variables.unset_advice(tuple(self.unset))}"
            self._journal.notice(
                "no-engine", f"{text} --db postgres, or [tool.harness] env with the variables, gives it one."
            )

        from ..project import run_tests

        return run_tests.begin(spec, topology, routes, self._journal, self._messages, tuple(self.unset), self._began)

    def load_settings(self) -> None:
        """Load the settings. Raises ``ProjectError`` where they cannot be loaded."""
        with unset_variables.unset_variables(project_root(), self.unset):
            try:
                settings.DATABASES  # noqa: B018 - the access loads them
            except BaseException as error:
                raise self.explain_settings(error) from error

    def explain_settings(self, error: BaseException) -> HarnessError:
        """*error*, which ended the loading of the settings, with advice."""
        module = os.environ.get(VARIABLE, "")
        subject = f"The settings {module}" if module else f"The settings of {' '.join(self.spec.bootstrap)}"
        return explained(error, subject, "cannot be loaded", self.unset, module)

    def _send_topology(self) -> Topology:
        topology, folded = read_topology(settings.DATABASES)
        # settings.configure() names no module
        origin = settings.SETTINGS_MODULE or " ".join(self.spec.bootstrap) or self.spec.script
        versions = platform.python_version(), django.get_version()
        self._journal.write(TopologyFound(topology, origin, *versions))
        for spelling in folded:
            text = f"{spelling}: today's Django would have ignored this old spelling; it counts here."
            self._journal.notice("flat-spelling", text)
        return topology


def explained(
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
