"""Starts the project: its folder, the commands before its tests, its script, and then its settings and tests.

``handshake`` loads the settings. Imports nothing of Django's tests: the host starts the servers as soon as it has the topology.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from ...errors import ProjectError
from ...protocol.events import NO_FRAMEWORK
from ...protocol.messages import RunSpec
from .. import unset_variables
from ..failures import message_of, project_root, type_name
from ..host_channel import HostMessages, Journal
from ..processes import gc_thresholds, warning_counts
from ..processes.shell_commands import run_commands
from ..project import label_names
from . import framework, manage_script
from .handshake import VARIABLE, Handshake, PlanEnded, explained


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
    handshake = Handshake(spec, journal, messages)
    with contextlib.suppress(PlanEnded):
        known = framework.evidence(spec, Path(project_root()))
        if framework.choose(known).framework == "pytest":
            _run_pytest(handshake, journal, known)
        elif spec.bootstrap:
            _announce(journal, known)
            from . import project_script

            project_script.run(handshake)
        else:
            _run_without_script(handshake, journal, known)


def _announce(journal: Journal, known: framework.Evidence) -> None:
    """Report the framework that runs the tests."""
    chosen = framework.choose(known)
    journal.write(chosen)
    if advice := framework.advice(chosen, known):
        journal.notice(NO_FRAMEWORK, advice)


def _run_pytest(handshake: Handshake, journal: Journal, known: framework.Evidence) -> None:
    """Run the tests by pytest, in the folder of its configuration where the user names no folder of the tests."""
    _announce(journal, known)
    if handshake.spec.is_workdir_found:
        folder, configured = framework.setup_of_pytest(Path.cwd(), Path(project_root(), handshake.spec.project))
        if folder != Path.cwd():
            os.chdir(folder)
            journal.notice("workdir-found", f"pytest runs in the folder of its configuration, {configured}.")

    from ..pytest import arguments, run_pytest

    if left_out := arguments.xdist_notice(handshake.spec):
        journal.notice("xdist", left_out)
    if text := framework.left_out_by_pytest(handshake.spec):
        journal.notice("django-tests", text)
    run_pytest.run(handshake)


def _run_without_script(handshake: Handshake, journal: Journal, known: framework.Evidence) -> None:
    # settings of real projects check the number of arguments and search them for "test"
    sys.argv = [handshake.spec.script or "manage.py", "test", *handshake.spec.labels]
    with unset_variables.unset_variables(project_root(), handshake.unset):
        _name_settings(handshake.spec, journal, handshake.unset, framework.advice(framework.choose(known), known))
    handshake.load_settings()
    if known.asked == "auto" and not known.configured and framework.calls_pytest(settings.TEST_RUNNER):
        known = replace(known, configured=f"TEST_RUNNER {settings.TEST_RUNNER}")
        if framework.choose(known).framework == "pytest":
            _run_pytest(handshake, journal, known)
            return
    _announce(journal, known)
    session = handshake.settle()

    from ..project import run_tests

    run_tests.run_tests(session)


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


def _name_settings(spec: RunSpec, journal: Journal, unset: dict[str, None], advice: str) -> None:
    """Set ``DJANGO_SETTINGS_MODULE`` as ``manage.py`` does, or to the module that the user named. *advice* is the next step for a
    project of pytest.

    A script that fails is a notice where the user named the settings, and else a ``ProjectError``.
    """
    if spec.script:
        try:
            manage_script.execute(spec.script)
        except BaseException as error:
            if not spec.settings:
                raise explained(error, spec.script, "did not come as far as Django", unset) from error
            text = f"{spec.script} did not come as far as Django ({type_name(type(error))}: {message_of(error)})"
            journal.notice("manage-py", f"{text}: {spec.settings} is loaded without it.")
    if spec.settings:
        os.environ[VARIABLE] = spec.settings
    elif not (os.environ.get(VARIABLE) or settings.configured):
        raise ProjectError(
            f"{spec.script} does not say which settings module is used." if spec.script else "No settings are named.",
            hint=(f"{advice} " if advice else "")
            + f"Name it with --settings, {VARIABLE}, or settings in [tool.harness] of pyproject.toml. "
            + spec.settings_advice,
        )
