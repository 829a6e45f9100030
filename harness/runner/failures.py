"""Turns any exception into a ``Failure``: data that can be sent to the host.

Nothing here trusts the exception: its ``__str__`` may raise, its causes may form a circle, its text may be megabytes long.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError
from itertools import takewhile
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal

import tblib

from ..errors import HarnessError
from ..protocol.results import BriefLine, Failure, Frame
from . import excerpt, unpatched
from .excerpt import is_ours
from .text import cut

MESSAGE_CHARACTERS = 20_000
TRACEBACK_CHARACTERS = 200_000
MAX_FRAMES = 50
MAX_PLACES = 50
_NO_FIXTURE = re.compile(r"No fixture named '(.+)' found\.")
_MACHINERY = re.compile(
    r"/(_pytest|pluggy)/([^/]+/)?\w+\.py$|/pytest_django/plugin\.py$|/importlib/(metadata/)?__init__\.py$"
)
"""Files whose functions stand between the runner and the project's code."""
_FIXTURES = ("json", "yaml", "xml", "jsonl", "json.gz")

_PYTEST = ("_pytest", "pluggy")
_BLAMED = "_harness_blamed"
"""The attribute of an exception with the ``Frame`` of the project to look at; ``None`` where its stack had none."""
_WORKERS = f"{Path(__file__).parent}/workers/"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class FailureDescriber:
    """Describes exceptions with the file names of a project: relative to *root* (an absolute path) if they lie in it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._prefix = root.rstrip("/") + "/"

    def relative(self, file: str) -> str:
        """*file* relative to the project's root if it lies below, else unchanged."""
        return file.removeprefix(self._prefix)

    def fault_of(self, error: BaseException) -> Literal["project", "harness"]:
        """The owner of *error*: that of its innermost frame, without other packages'. ``KeyboardInterrupt`` is the project's."""
        if isinstance(error, KeyboardInterrupt):
            return "project"
        frames = [frame for frame, _ in unpatched.traceback.walk_tb(error.__traceback__)]
        for file in reversed([frame.f_code.co_filename for frame in frames]):
            if is_ours(file):
                return "harness"
            if file.startswith(self._prefix) and "site-packages" not in file:
                return "project"
        return "harness"

    def describe(self, error: ExcInfo, kind: Literal["failure", "error"], subtest: str = "") -> Failure:
        """The ``Failure`` for *error*. Raises nothing, even if the exception's own methods do."""
        cls, value, tb = error
        tb = _without_framework(tb)
        if kind == "failure":
            _cut_assertion_frames(tb)
        text, brief = self._texts(cls, value, tb)
        return Failure(
            kind=kind,
            type=type_name(cls),
            message=cut(message_of(value), MESSAGE_CHARACTERS),
            traceback=cut(text, TRACEBACK_CHARACTERS),
            frames=self._frames(tb),
            subtest=subtest,
            brief=brief,
            missing_files=missing_files(value, self.root),
            blamed=self._blamed(value),
        )

    def _blamed(self, value: BaseException) -> Frame | None:
        """The frame that ``blame`` has marked on *value* or on an exception that it was raised from.

        A query of an async test runs in another thread than the project's code: only the traceback has the code's frames.
        """
        with contextlib.suppress(Exception):  # the project's exceptions may do anything
            one: BaseException | None = value
            for _ in range(MAX_FRAMES):  # they may form a circle
                if one is None or _BLAMED in vars(one):
                    break
                one = one.__cause__
            if one is not None:
                marked: Frame | None = vars(one)[_BLAMED]
                return marked or [*self.own_frames(unpatched.traceback.walk_tb(one.__traceback__))][-1]
        return None

    def own_frames(self, found: Iterable[tuple[FrameType, int]]) -> Iterator[Frame]:
        """Those of *found*, frames with their lines, that are of the project's own files."""
        for frame, line in found:
            file = frame.f_code.co_filename
            if file.startswith(self._prefix) and not excerpt.is_framework(file):
                yield Frame(self.relative(file), line, frame.f_code.co_name)

    def _texts(
        self, cls: type[BaseException], value: BaseException, tb: TracebackType | None
    ) -> tuple[str, tuple[BriefLine, ...]]:
        """The full text of an exception, and its short form; that is empty if it cannot be made."""
        try:
            summary = unpatched.traceback.TracebackException(cls, value, tb, compact=True)
            _remove_our_frames(summary)
            text = "".join(summary.format())
        except BaseException as error:  # noqa: BLE001 - a __repr__ or __cause__ of the project's may do anything
            frames = ""
            with contextlib.suppress(BaseException):  # a test may have patched the code that reads source files
                frames = "".join(unpatched.traceback.format_tb(tb))
            return f"{frames}{type_name(cls)}: <it could not be printed: {type_name(type(error))}>\n", ()
        try:
            template = excerpt.template_of(value, tb, self.relative)
            return text, _shortened(excerpt.of_exception(summary, self.relative, template))
        except BaseException:  # noqa: BLE001 - the same; the full text is enough
            return text, ()

    def _frames(self, tb: TracebackType | None) -> tuple[Frame, ...]:
        """The innermost frames of *tb*, without ours; none if one of them cannot be read."""
        with contextlib.suppress(Exception):
            frames = list[Frame]()
            node = None if tb is None else tblib.Traceback(tb)
            while node is not None:
                code = node.tb_frame.f_code
                if not is_ours(code.co_filename):
                    frames.append(Frame(self.relative(code.co_filename), node.tb_lineno, code.co_name))
                node = node.tb_next
            return tuple(frames[-MAX_FRAMES:])
        return ()


def blame(error: BaseException) -> Frame | None:
    """Mark the innermost frame of the project's code that is running as the one to look at for *error*, and return it.

    ``None`` if this thread runs none, as for a query of an async test.
    """
    running = unpatched.traceback.walk_stack(sys._getframe(1))
    of_test = takewhile(lambda each: not each[0].f_code.co_filename.startswith(_WORKERS), running)
    found = next(FailureDescriber(project_root()).own_frames(of_test), None)
    vars(error)[_BLAMED] = found
    return found


def type_name(cls: type[BaseException]) -> str:
    """The dotted name of an exception's class, without ``builtins``."""
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def message_of(value: BaseException) -> str:
    """``str(value)``, or a substitute if that raises."""
    try:
        return str(value)
    except BaseException as error:  # noqa: BLE001 - SystemExit from a __str__ must not end the worker
        return f"<the exception's __str__ raised {type_name(type(error))}>"


@functools.cache
def project_root() -> str:
    """The project's root: the working directory at the first call. The tests may run in a folder below it."""
    return str(Path.cwd())


def _shortened(lines: tuple[BriefLine, ...]) -> tuple[BriefLine, ...]:
    """*lines* in about ``MESSAGE_CHARACTERS``: if they are longer, the error lines are joined and cut in the middle."""
    if sum(len(line.text) for line in lines) <= MESSAGE_CHARACTERS:
        return lines
    others = tuple(line for line in lines if line.kind != "error")
    text = cut("\n".join(line.text for line in lines if line.kind == "error"), MESSAGE_CHARACTERS)
    return (*others, *(BriefLine(line, "error") for line in text.split("\n")))


def _remove_our_frames(error: traceback.TracebackException) -> None:
    """Remove the frames of the harness's hooks from a traceback and from those chained to it."""
    waiting: list[traceback.TracebackException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.stack[:] = [frame for frame in one.stack if not is_ours(frame.filename)]
            waiting += (one.__cause__, one.__context__, *(one.exceptions or ()))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """*error*, then its causes and contexts, each once: they may form a circle."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


_NO_GEO_LIBRARY = re.compile("Could not (find|import) the (GDAL|GEOS) library")


def import_advice(error: BaseException, settings_module: str = "") -> str:
    """Advice for an import that failed because a package or GeoDjango's libraries are not installed; empty for any other error.

    It is empty too if *settings_module* itself, or its package, is missing.
    """
    if isinstance(error, PackageNotFoundError):  # a package asks for its own version
        return (
            f"{error.name} has to be installed too, and not only what it depends on: in [tool.harness],"
            ' install = ["pip install -e .", ...].'
        )
    if _NO_GEO_LIBRARY.search(str(error)):
        packages = '["binutils", "gdal-bin", "libproj-dev"]'
        return f"Debian's packages have the libraries of GeoDjango: apt = {packages} in [tool.harness]."
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if not name or f"{settings_module}.".startswith(f"{name}."):
        return ""
    return (
        f"{name.partition('.')[0]} is not installed where the tests run: name the package that has it in the project's"
        " requirements, or install it by [tool.harness] install."
    )


def missing_files(error: BaseException, root: str) -> tuple[str, ...]:
    """The places, relative to *root* and in it or beside it, where *error* or an exception that led to it found no file."""
    beside = root.rpartition("/")[0] + "/"
    found: dict[str, None] = {}
    with contextlib.suppress(Exception):  # the exceptions are the project's: a file name may be anything
        for one in causes(error):
            for place in _searched(one):
                # a path's own methods may be patched by a test
                path = unpatched.os.path.abspath(unpatched.os.fsdecode(place))
                if path.startswith(f"{root}/"):
                    found[path.removeprefix(f"{root}/")] = None
                elif path.startswith(beside):
                    found[f"../{path.removeprefix(beside)}"] = None
    return tuple(sorted(found, key=lambda place: place.startswith("../")))[:MAX_PLACES]


def _searched(error: BaseException) -> Iterator[Any]:
    """The paths where *error* says, or its kind implies, that a file was searched in vain."""
    known: Any = error
    if isinstance(error, FileNotFoundError):
        if error.filename is not None:
            yield error.filename
    elif isinstance(error, ImportError):
        text = message_of(error)
        name = error.name or ""
        if match := re.match(r"cannot import name '(\w+)' from '([\w.]+)'", text):  # from . import local_settings
            name = f"{match[2]}.{match[1]}"
        inner = name.replace(".", "/")
        folders = [folder or "." for folder in sys.path if inner and "/lib/python" not in folder]
        yield from (f"{folder}/{inner}{end}" for folder in folders for end in (".py", "/__init__.py"))
    elif type(error).__name__ == "TemplateDoesNotExist":  # Django's is not imported yet where its absence is reported
        for each in (known, *known.chain):
            yield from (origin.name for origin, _ in each.tried)
            yield from (f"{folder}/{each}" for folder in getattr(each.backend, "template_dirs", ()))
        # Django does not search a folder that an app has not, and all files of one may have stayed behind
        apps = sys.modules["django.apps"].apps.get_app_configs()
        yield from (f"{app.path}/{folder}/{error}" for app in apps for folder in ("templates", "jinja2"))
    elif type(error).__name__ == "CommandError" and (match := _NO_FIXTURE.fullmatch(message_of(error))):
        apps = sys.modules["django.apps"].apps.get_app_configs()
        folders = [*(f"{app.path}/fixtures" for app in apps), *sys.modules["django.conf"].settings.FIXTURE_DIRS]
        yield from (f"{folder}/{match[1]}.{end}" for folder in folders for end in _FIXTURES)
    elif isinstance(error, ValueError) and message_of(error).startswith("Missing staticfiles manifest entry"):
        storage = sys.modules["django.contrib.staticfiles.storage"].staticfiles_storage
        yield storage.manifest_storage.path(storage.manifest_name)


@contextlib.contextmanager
def own_work(check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Turn exceptions in the block into a ``HarnessError`` about a bug in the harness; first *check* may raise their cause."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        check()
        message = f"A bug in the harness: {type_name(type(error))}: {message_of(error)}"
        raise HarnessError(message, "Please report it.", format_error(error)) from error


def format_error(error: BaseException) -> str:
    """The whole traceback of *error*, with the harness's frames; a short text if it cannot be formatted."""
    try:
        text = "".join(unpatched.traceback.format_exception(error))
    except BaseException as other:  # noqa: BLE001 - a __repr__ or __cause__ of the project's may do anything
        text = f"{type_name(type(error))}: <it could not be printed: {type_name(type(other))}>\n"
    return cut(text, TRACEBACK_CHARACTERS)


def project_traceback(error: BaseException) -> str:
    """The traceback of *error* without the harness's own frames and those of the import system, of runpy and of pytest."""
    found = unpatched.traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in found if not (is_ours(frame.filename) or frame.filename.startswith("<frozen "))]
    shown = [frame for frame in frames if not _MACHINERY.search(frame.filename)]
    if isinstance(error, SyntaxError):  # the error itself has the line; the innermost frames are those of the parser
        shown = [frame for frame in shown if not excerpt.is_framework(frame.filename)]
    elif not isinstance(error, ImportError):
        shown = shown or frames
    lines = ["Traceback (most recent call last):\n", *unpatched.traceback.format_list(shown)] if shown else []
    return "".join([*lines, *unpatched.traceback.format_exception_only(error)])


def _is_unittest(tb: TracebackType) -> bool:
    return "__unittest" in tb.tb_frame.f_globals


def _without_framework(tb: TracebackType | None) -> TracebackType | None:
    """*tb* without the frames of the framework, and ours, that lead to the first one of another package."""
    start = tb
    while start is not None and (_is_unittest(start) or _is_pytest(start)):
        start = start.tb_next
    return start or tb


def _is_pytest(tb: TracebackType) -> bool:
    frame = tb.tb_frame
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _PYTEST or is_ours(frame.f_code.co_filename)


def _cut_assertion_frames(tb: TracebackType | None) -> None:
    """Remove unittest's frames from the end: the reader of an assertion looks for the test's line."""
    last = None
    while tb is not None and not _is_unittest(tb):
        last, tb = tb, tb.tb_next
    if last is not None:
        last.tb_next = None
