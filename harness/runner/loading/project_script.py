"""Executes a script with which a project configures Django and runs its tests: ``runtests.py``, a function, or a command.

The script runs as by its authors, to its end. Where it sets Django up, the databases are routed; where it makes a test runner,
it gets the project's class with the harness behind it. Owns the stand-ins for the two.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.test.runner import DiscoverRunner

from ...errors import HarnessError, ProjectError
from ...protocol.messages import RunSpec
from ..failures import project_traceback
from ..project import run_tests
from ..project.project_runner import runner_class
from ..project.session import Session
from .handshake import VARIABLE, Handshake, explained

LABELS = "{labels}"
"""The argument that stands for the labels of the run."""


def run(handshake: Handshake) -> None:
    """Execute the script of the specification, with the tests that it runs; or run the tests, if it only configures Django."""
    spec = handshake.spec
    command, script = " ".join(spec.bootstrap), Script(handshake)
    error = _executed(spec, script)
    if script.session is not None:
        script.session.messages.check()  # the script may have caught the host's stop
    if script.error is not None:
        raise script.error  # the script may have caught it, and failed because of it
    if isinstance(error, HarnessError):
        raise error
    status = error.code if isinstance(error, SystemExit) else None
    if error is not None and (status or not isinstance(error, SystemExit)):
        if script.session is None or not script.session.planned:
            raise _failed(error, command, handshake, script.session) from error
        if not isinstance(error, SystemExit):
            raise ProjectError(
                f"{command} failed after its tests: {type(error).__name__}: {error}",
                evidence=project_traceback(error),
            ) from error
    if script.session is None and not settings.configured and not os.environ.get(VARIABLE):
        raise _never_configures(spec, command)
    session = script.session or handshake.settle()
    if not script.has_runner:
        sys.argv = ["manage.py", "test", *spec.labels]  # as settings and apps of real projects expect it
        run_tests.run_tests(session)
        return
    if status and not script.counted and not session.red:
        session.journal.notice(
            "script-status", f"{command} ended with status {status}, though no test is red: that is a failure."
        )
    run_tests.finish(session, command, max(script.counted or 0, int(bool(status))))


class Script:
    """The script while it runs. ``session`` is that of the run since the script has set Django up.

    ``has_runner``: it has made a test runner. ``counted`` is the sum of the failures that its runners returned, ``None`` before
    the first. ``error`` ended its set-up or its tests.
    """

    def __init__(self, handshake: Handshake) -> None:
        self.session: Session | None = None
        self.has_runner = False
        self.counted: int | None = None
        self.error: BaseException | None = None
        self._handshake = handshake
        self._setup = django.setup
        self._init = DiscoverRunner.__init__
        self._chosen = handshake.spec.labels or handshake.spec.replay

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """The stand-ins are there in this block."""

        def set_up(*args: Any, **kwargs: Any) -> None:
            if django.setup is set_up:  # a module may have kept the stand-in
                self._begin()
            self._setup(*args, **kwargs)
            if self.session is not None:
                self.session.overlay.apply_again()

        def init(runner: DiscoverRunner, *args: Any, **kwargs: Any) -> None:
            self._init(runner, *args, **kwargs)
            runner.__class__ = self._class_for(type(runner))

        django.setup = set_up
        DiscoverRunner.__init__ = init  # type: ignore[method-assign, assignment]  # put back at the end of the block
        try:
            yield
        finally:
            self._remove()

    def _remove(self) -> None:
        django.setup = self._setup
        DiscoverRunner.__init__ = self._init  # type: ignore[method-assign]  # what was there

    @contextlib.contextmanager
    def _own_work(self) -> Iterator[None]:
        """Remove the stand-ins for this block, and keep an exception of it, which the script may catch."""
        stand_ins = django.setup, DiscoverRunner.__init__
        self._remove()
        try:
            yield
        except BaseException as error:
            self.error = self.error or error
            raise
        finally:
            django.setup, DiscoverRunner.__init__ = stand_ins  # type: ignore[method-assign]  # the script goes on

    def _begin(self) -> Session:
        with self._own_work():
            if self.session is None:
                unused = self._name_settings()
                self.session = self._handshake.settle()
                if unused:
                    self.session.journal.notice("settings-unused", unused)
            return self.session

    def _name_settings(self) -> str:
        """Set the settings module that the user named, as for ``manage.py``; a sentence if the script has loaded others."""
        spec = self._handshake.spec
        if not spec.settings:
            return ""
        if not settings.configured:
            os.environ[VARIABLE] = spec.settings
            return ""
        loaded = settings.SETTINGS_MODULE or "settings of its own"
        text = f"{spec.bootstrap[0]} has loaded {loaded}: the settings {spec.settings} are not used."
        return "" if loaded == spec.settings else text

    def _class_for(self, cls: type) -> type:
        with_harness = runner_class(cls)
        with_harness.harness = session = self._begin()
        if not self.has_runner:
            self.has_runner = True
            session.statement_log.install()
        return type(cls.__name__, (ScriptRunner, with_harness), {"script": self})

    def labels(self, labels: Sequence[str]) -> list[str]:
        """The labels to run where the script passes *labels*: those of the user, if there are any."""
        session = self._begin()
        session.spec = replace(session.spec, labels=self._chosen or tuple(labels))
        return list(session.spec.labels)

    def run_tests(self, runner: DiscoverRunner, run: Callable[[], object]) -> object:
        """Run the tests of *runner* by *run*, with the user's options. The user's labels, if any, run once."""
        if self._chosen and self.counted is not None:
            return 0
        session = self._begin()
        with self._own_work(), run_tests.explained(session, " ".join(session.spec.bootstrap)):
            _apply_options(runner, session.spec.django_args)
            counted = run()
            session.messages.check()
        self.counted = (self.counted or 0) + (counted if isinstance(counted, int) else int(bool(counted)))
        return counted


class ScriptRunner(DiscoverRunner):
    """Comes before a project's runner class, for a runner that a script makes."""

    script: Script

    def run_tests(self, *args: Any, **kwargs: Any) -> Any:
        return self.script.run_tests(self, lambda: super(ScriptRunner, self).run_tests(*args, **kwargs))

    def build_suite(self, test_labels: Sequence[str] | None = None, *args: Any, **kwargs: Any) -> Any:
        return super().build_suite(self.script.labels(test_labels or ()), *args, **kwargs)


def _apply_options(runner: DiscoverRunner, django_args: Sequence[str]) -> None:
    """Set the options that the user gave on *runner*, which the script made with its own."""
    default, given = (run_tests.runner_options(args)[0] for args in ((), django_args))
    changed = {key: value for key, value in given.items() if value != default[key]}
    made, plain = vars(DiscoverRunner(**changed)), vars(DiscoverRunner())
    for name, value in made.items():
        if value != plain.get(name) and (name != "time_keeper" or "timing" in changed):
            setattr(runner, name, value)
    runner.parallel, runner.interactive = 1, False


def _executed(spec: RunSpec, script: Script) -> BaseException | None:
    """Execute the script, and return the exception that ended it."""
    target, *rest = spec.bootstrap
    arguments = [each for word in rest for each in (spec.labels if word == LABELS else [word])]
    try:
        call = _call(target, arguments)
        with script.installed():
            call()
    except BaseException as error:  # noqa: BLE001 - the script may raise anything, and SystemExit
        return error
    return None


def _call(target: str, arguments: Sequence[str]) -> Callable[[], object]:
    """The call that executes *target* with *arguments*, which ``sys.argv`` has from now on.

    A target is a file, ``-m`` with the module as the first argument, ``module:function``, or the name of a command. Raises
    ``ProjectError`` for a command that is not installed.
    """
    module, colon, function = target.partition(":")
    if colon:
        sys.argv = [f"{module.rpartition('.')[2]}.py", *arguments]
        return lambda: _function(module, function)()
    if target == "-m":
        sys.argv = list(arguments)
        return lambda: runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    sys.argv = [target, *arguments]
    if Path(target).is_file():
        if (folder := Path(target).resolve().parent) != Path.cwd():
            sys.path.insert(0, str(folder))  # as for ``python FILE``
        return lambda: runpy.run_path(target, run_name="__main__")
    for point in entry_points(group="console_scripts", name=target):
        return lambda: point.load()()
    if (path := shutil.which(target)) is not None and Path(path).read_bytes().startswith(b"#!"):
        return lambda: runpy.run_path(path, run_name="__main__")
    raise ProjectError(
        f"The command {target} of bootstrap is not installed where the tests run.",
        hint='A script of the project is named by its file or its function: bootstrap = "runtests.py", "runtests:main".',
    )


def _function(module: str, name: str) -> Callable[[], object]:
    found: Any = importlib.import_module(module)
    names = [each for each, value in vars(found).items() if callable(value)]
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            near = difflib.get_close_matches(name, names, 3)
            hint = f"Near names: {', '.join(near)}." if near else "It is module:function, or the path of a file."
            raise ProjectError(f"bootstrap names {module}:{name}, but {module} has no {part}.", hint=hint) from None
    call: Callable[[], object] = found
    return call


def _failed(error: BaseException, command: str, handshake: Handshake, session: Session | None) -> BaseException:
    """The error for a script that ended before its tests."""
    if session is not None:
        try:
            with run_tests.explained(session, command):
                raise error
        except BaseException as explanation:  # noqa: BLE001 - raised again by the caller
            return explanation
    if not isinstance(error, SystemExit):
        return explained(error, command, "did not come as far as Django", handshake.unset)
    return ProjectError(
        f"{command} ended with status {error.code} before it came to Django.",
        hint="Its own output has the reason. Its arguments are those in bootstrap of [tool.harness].",
        evidence=project_traceback(error),
    )


def _never_configures(spec: RunSpec, command: str) -> ProjectError:
    return ProjectError(
        f"{command} ended without configuring Django: no settings.configure(), no {VARIABLE}, no django.setup().",
        hint=(
            'bootstrap in [tool.harness] names the script that does: bootstrap = "runtests.py", or a function,'
            ' bootstrap = "tests.settings:configure". Settings in a module need none: settings = "tests.settings". '
            + spec.settings_advice
        ).strip(),
    )
