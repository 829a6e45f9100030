"""The private names of pytest, pytest-django and their plugins that the harness uses: the place to check for a new version.

Tried with pytest 8.4 and 9.2, pytest-django 4.14, pytest-xdist 3.8 and pytest-cov 7.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from inspect import CO_VARARGS, CO_VARKEYWORDS
from pathlib import Path
from types import CodeType, FunctionType, TracebackType
from typing import Any

import pytest
from _pytest import capture as capture_module
from _pytest import faulthandler as faulthandler_module
from _pytest import fixtures as fixtures_module
from _pytest.config import ConftestImportFailure, _prepareconfig
from _pytest.junitxml import xml_key
from _pytest.outcomes import OutcomeException
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import unpatched
from ..descriptors import MemoryFile, duplicate_high
from ..workers.output_capture import Capture

__all__ = ["ConftestImportFailure", "OutcomeException"]

prepare_config: Callable[..., pytest.Config] = _prepareconfig
"""``pytest.main`` up to the configuration. It raises what ``pytest.main`` prints."""

_ensure_connection = BaseDatabaseWrapper.ensure_connection
"""Django's method: this module is imported before pytest-django replaces it, to refuse connections."""


@contextlib.contextmanager
def connections_allowed() -> Iterator[None]:
    """Let connections through in the block, whatever pytest-django forbids at the moment."""
    current = BaseDatabaseWrapper.ensure_connection
    BaseDatabaseWrapper.ensure_connection = _ensure_connection  # type: ignore[method-assign]  # put back below
    try:
        yield
    finally:
        BaseDatabaseWrapper.ensure_connection = current  # type: ignore[method-assign]  # what was there


def options_known(parser: pytest.Parser) -> list[str]:
    """The names of all options of pytest and its plugins."""
    return [name for group in parser._groups for option in group.options for name in option.names()]


def quicken_fixtures() -> None:
    """Have pytest know at once that a fixture's function without parameters has none.

    pytest makes a fixture ``request`` anew for each test that uses one, of a new lambda, and inspects its signature each time:
    a tenth of the time of an empty test.
    """
    module: Any = fixtures_module
    names_of: Callable[..., tuple[str, ...]] = module.getfuncargnames

    def quick_names_of(function: Any, *args: Any, **options: Any) -> tuple[str, ...]:
        if type(function) is FunctionType and not function.__dict__ and not _has_parameters(function.__code__):
            return ()
        return names_of(function, *args, **options)

    module.getfuncargnames = quick_names_of


def _has_parameters(code: CodeType) -> bool:
    return bool(code.co_argcount or code.co_kwonlyargcount or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS))


def unconfigure(config: pytest.Config) -> None:
    config._ensure_unconfigure()


def databases_of(item: Any) -> tuple[Collection[str], bool]:
    """The aliases that pytest-django makes test databases for because of *item*; none if pytest-django is not there."""
    try:
        from pytest_django.fixtures import _get_databases_for_test  # type: ignore[import-not-found, unused-ignore]  # the project's
    except ImportError:
        return (), False
    aliases, is_serialized = _get_databases_for_test(item)
    return tuple(aliases), is_serialized


def set_up(session: pytest.Session, item: pytest.Item) -> None:
    """Set up *item* with its fixtures, without a report. Raises what they raise."""
    session._setupstate.setup(item)


def tear_down(session: pytest.Session, next_item: pytest.Item | None) -> None:
    """Tear down what *next_item* does not need; everything for ``None``. Raises what the tear-down raises."""
    session._setupstate.teardown_exact(next_item)


def is_torn_down(session: pytest.Session, next_item: pytest.Item) -> bool:
    """Whether nothing is set up any more that *next_item* does not need."""
    return session._setupstate.stack.keys() <= set(next_item.listchain())


def hooks_of_the_protocol(config: pytest.Config) -> list[Any]:
    """The implementations that run an item, and that see its reports."""
    hook: Any = config.hook
    return [*hook.pytest_runtest_protocol.get_hookimpls(), *hook.pytest_runtest_logreport.get_hookimpls()]


def first_left(session: pytest.Session, next_item: pytest.Item | None) -> Any:
    """The outermost node whose fixtures are torn down before *next_item*, all for ``None``; ``None`` if no fixture is."""
    needed = set() if next_item is None else set(next_item.listchain())
    stack = session._setupstate.stack
    return next((node for node, (finalizers, _) in stack.items() if len(finalizers) > 1 and node not in needed), None)


def forget_set_up(session: pytest.Session) -> None:
    """Leave the tear-down of the session's fixtures that are set up to the coordinator, which has set them up."""
    stack: dict[Any, Any] = session._setupstate.stack
    stack.clear()
    stack[session] = ([session.teardown], None)


def forget_warnings(config: pytest.Config) -> None:
    """Have a plugin of this process hear of no warning from before: pluggy tells each new one of all earlier calls.

    A worker would send them to the coordinator, whose next workers would have them twice, and so on.
    """
    hook: Any = config.hook.pytest_warning_recorded
    if hook._call_history is not None:
        hook._call_history.clear()


def fixture_scopes(item: Any) -> Iterator[tuple[str, str]]:
    """The name and the scope of each fixture that *item* uses, as far as they are known before it runs."""
    info = getattr(item, "_fixtureinfo", None)
    for name, definitions in (info.name2fixturedefs if info is not None else {}).items():
        yield from ((name, definition.scope) for definition in definitions)


def fixture_chain(item: Any, name: str) -> Sequence[Any]:
    """The definitions of the fixture *name* that *item* sees, the outermost first; the last one is its own."""
    info = getattr(item, "_fixtureinfo", None)
    found = info.name2fixturedefs.get(name) if info is not None else None
    return tuple(found or item.session._fixturemanager.getfixturedefs(name, item) or ())


def see_fixture_as(item: Any, name: str, definition: Any) -> None:
    """Have *item* use the fixture *name* and no other, as *definition*, which may be one that others override."""
    chain = fixture_chain(item, name)
    end = chain.index(definition) + 1 if definition in chain else len(chain)
    item.fixturenames[:] = [name]
    item._fixtureinfo.name2fixturedefs[name] = chain[:end]


def after_fixtures(traceback: TracebackType | None) -> TracebackType | None:
    """The part of *traceback* behind the last frame of pytest's own: the function of the innermost fixture and its calls."""
    start = found = traceback
    while found is not None:
        if found.tb_frame.f_globals.get("__name__", "").partition(".")[0] in ("_pytest", "pluggy"):
            start = found.tb_next
        found = found.tb_next
    return start or traceback


@dataclass(frozen=True)
class SharedFixture:
    """A fixture of several tests, by fields that each process has alike. ``owner`` is the node whose end tears it down, empty
    for the session, ``base`` the place of its definition, ``parameter`` the number of its parameter.
    """

    name: str
    scope: str
    owner: str
    base: str
    parameter: int

    @classmethod
    def of(cls, definition: Any, request: Any) -> SharedFixture:
        owner = "" if definition.scope == "session" else request.node.nodeid
        return cls(definition.argname, definition.scope, owner, definition.baseid or "", request.param_index)

    def is_of(self, item: Any) -> bool:
        """Whether *item* uses it."""
        info = getattr(item, "_fixtureinfo", None)
        definitions = info.name2fixturedefs.get(self.name, ()) if info is not None else ()
        if not any((each.scope, each.baseid or "") == (self.scope, self.base) for each in definitions):
            return False
        if self.owner and all(node.nodeid != self.owner for node in item.listchain()):
            return False
        return bool(getattr(getattr(item, "callspec", None), "indices", {}).get(self.name, 0) == self.parameter)

    def __str__(self) -> str:
        where = self.owner or self.base
        return f"the set-up of the {self.scope} fixture {self.name}" + (f" of {where}" if where else "")


def give_fixture(item: Any, name: str, value: object) -> None:
    """Make *value* that of the fixture *name*, where that has been set up before this process was forked."""
    info = getattr(item, "_fixtureinfo", None)
    for definition in info.name2fixturedefs.get(name, ()) if info is not None else ():
        if definition.cached_result is not None:
            definition.cached_result = (value, *definition.cached_result[1:])


def restart_capture(config: pytest.Config, capture: Capture) -> None:
    """Have pytest capture the output of this process in the files of *capture*, which the coordinator can read.

    pytest's own temporary files are shared with the process from which this one was forked, and end with this one.
    """
    manager: Any = config.pluginmanager.getplugin("capturemanager")
    if manager is not None:
        manager.stop_global_capturing()
    capture.redirect()
    if manager is not None:
        _start_capture(manager, capture)


def is_output_captured(config: pytest.Config) -> bool:
    """Whether pytest shows the output of failures alone."""
    return getattr(config.option, "capture", "no") in ("fd", "sys")


def mend_capture(config: pytest.Config, capture: Capture) -> None:
    """Have pytest capture anew where a test has closed the streams of its capture."""
    manager: Any = config.pluginmanager.getplugin("capturemanager")
    capturing: Any = getattr(manager, "_global_capturing", None)
    parts = [part for part in (getattr(capturing, "out", None), getattr(capturing, "err", None)) if part is not None]
    if not any(_is_closed(part.tmpfile) for part in parts):
        return
    for part in (*parts, capturing.in_):
        with contextlib.suppress(Exception):  # it is of no use any more
            part.done()
    manager._global_capturing = None
    capture.mend()
    sys.stdout, sys.stderr = capture.streams
    _start_capture(manager, capture)


def _is_closed(stream: Any) -> bool:
    try:
        return bool(stream.closed)
    except ValueError:  # detached from its file
        return True


def _start_capture(manager: Any, capture: Capture) -> None:
    files = iter((capture.stdout, capture.stderr))
    streams = iter((sys.stdout, sys.stderr))

    def temporary_file(*_args: object, **_options: object) -> io.FileIO:
        return _TakenFile(next(files))

    def text_buffer() -> Any:
        return capture_module.TeeCaptureIO(next(streams))

    module: Any = capture_module
    originals = module.TemporaryFile, module.CaptureIO
    module.TemporaryFile, module.CaptureIO = temporary_file, text_buffer
    try:
        manager.start_global_capturing()
        manager.suspend_global_capture(in_=True)
    finally:
        module.TemporaryFile, module.CaptureIO = originals
    _move_up(manager._global_capturing)


def _move_up(capturing: Any) -> None:
    """Give the capture's descriptors high numbers, which a test that closes guessed ones does not hit."""
    for part in (capturing.in_, capturing.out, capturing.err):
        if (low := getattr(part, "targetfd_save", None)) is not None:
            part.targetfd_save = duplicate_high(low)
            unpatched.os.close(low)
    if hasattr(capturing.in_, "targetfd_save"):
        null = capturing.in_.tmpfile
        capturing.in_.tmpfile = unpatched.io.open(duplicate_high(null.fileno()), encoding="utf-8")
        null.close()


class _TakenFile(unpatched.io.FileIO):
    """A file of a capture, as the temporary file that pytest reads and empties after each phase of a test.

    It is not emptied: a worker may die in a later phase, and its output is the evidence. pytest sees what is behind that which
    it has taken, cut as in every report.
    """

    def __init__(self, file: MemoryFile) -> None:
        super().__init__(duplicate_high(file.fd), "r+")
        self._file = file

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return super().seek(self._file.taken + offset if whence == 0 else offset, whence)

    def readall(self) -> bytes:
        return self._file.text_from(self._file.taken).encode(errors="backslashreplace")

    def read(self, size: int | None = -1, /) -> bytes:
        return self.readall() if size is None or size < 0 else super().read(size) or b""

    def truncate(self, size: int | None = None, /) -> int:
        self._file.taken = super().seek(0, 2)
        return self._file.taken


def silence(config: pytest.Config, text: io.StringIO) -> None:
    """Have pytest's own terminal report written to *text*, in place of the terminal."""
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter._tw._file = text


def replace_reporter(config: pytest.Config) -> None:
    """Put a stand-in without hooks in place of the terminal's reporter: assertions ask it for its writer's width."""
    manager = config.pluginmanager
    reporter: Any = manager.getplugin("terminalreporter")
    if reporter is None:
        return
    manager.unregister(reporter)
    manager.register(_QuietReporter(reporter), "terminalreporter")


class _QuietReporter:
    """Delegates everything but hooks."""

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter

    def __getattr__(self, name: str) -> Any:
        if name.startswith("pytest_"):
            raise AttributeError(name)
        return getattr(self._reporter, name)


def silence_live_log(config: pytest.Config) -> None:
    plugin: Any = config.pluginmanager.getplugin("logging-plugin")
    if plugin is not None:
        handler: Any = logging.NullHandler()
        handler.reset = handler.set_when = lambda *_args: None  # type: ignore[attr-defined, unused-ignore]  # the interface of pytest's own
        plugin.log_cli_handler = handler


def use_stacks_file(config: pytest.Config, fd: int) -> None:
    """Have ``faulthandler_timeout`` dump stacks into the file *fd*."""
    key = faulthandler_module.fault_handler_stderr_fd_key
    if key in config.stash:
        config.stash[key] = fd


def make_temporary_folder(config: pytest.Config) -> None:
    """Make the folder of the run: its workers have theirs in it, and share it as those of pytest-xdist do."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        factory.getbasetemp()


def use_temporary_folder(config: pytest.Config, name: str) -> None:
    """Have ``tmp_path`` and its kind make their folders in the folder *name* below the run's."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        folder = Path(factory.getbasetemp()) / name
        folder.mkdir(mode=0o700, exist_ok=True)
        factory._basetemp = folder


def save_coverage(config: pytest.Config) -> None:
    """Save what pytest-cov has measured in this process."""
    plugin: Any = config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and controller.cov is not None:
        controller.cov.stop()
        controller.cov.save()


def junit_family(config: pytest.Config) -> str:
    """The family of the JUnit that pytest itself writes; if it writes none, the one in which a test may have properties."""
    xml: Any = config.stash.get(xml_key, None)
    return "xunit1" if xml is None else str(xml.family)


def use_junit(config: pytest.Config, recorder: object) -> None:
    """Have the fixtures of pytest that record something for JUnit call *recorder*."""
    stash: Any = config.stash
    stash[xml_key] = recorder


def add_junit_property(config: pytest.Config, name: str, value: str) -> None:
    """Add a property of the suite to the JUnit that pytest itself writes, once."""
    xml: Any = config.stash.get(xml_key, None)
    if xml is not None and (name, value) not in xml.global_properties:
        xml.add_global_property(name, value)
