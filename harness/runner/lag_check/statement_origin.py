"""The origin of a statement in the project: its line, and what has chosen its alias."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import django.db.models.query
from django.db import router
from django.db.models import QuerySet
from django.db.models.query import RawQuerySet
from django.test.signals import setting_changed

from ...protocol.results import Frame
from .. import unpatched
from ..failures import FailureDescriber

_QUERY_FILE = django.db.models.query.__file__
_DECISIONS = ("db_for_read", "db_for_write")


class Origins:
    """The origins of the statements of this process; *describer* knows the project's files. Made once in a process."""

    def __init__(self, describer: FailureDescriber) -> None:
        self._describer = describer
        self._last = unpatched.threading.local()
        self._note_routers("DATABASE_ROUTERS")
        # connected after Django's receiver, which makes the routers anew: tests override the setting
        setting_changed.connect(self._note_routers, weak=False)

    def place(self) -> Frame | None:
        """The innermost line of the project that sends a statement now; ``None`` if none can be found."""
        own = self._describer.own_frames
        stack = unpatched.traceback.walk_stack(None)
        return next(own(stack), None) or next(own(_suspended()), None)

    def chooser(self, alias: str) -> str:
        """The reason why the statement that is sent now goes to *alias*: a router, ``using``, or the name of a connection."""
        query = next(_queries(), None)
        if query is None:
            return f"connections[{alias!r}]"
        if query._db is not None:
            return f"using({alias!r})"
        decided, name = getattr(self._last, "decision", ("", ""))
        return str(name) if decided == alias else "the alias of an instance"

    def _note_routers(self, setting: str, **_: Any) -> None:
        """Note the decisions of the routers that *setting* has named."""
        if setting != "DATABASE_ROUTERS":
            return
        for each in router.routers:
            for name in _DECISIONS:
                if callable(decide := getattr(each, name, None)):
                    with contextlib.suppress(AttributeError):  # a router with slots
                        setattr(each, name, self._noting(decide, f"{type(each).__name__}.{name}"))

    def _noting(self, decide: Callable[..., Any], name: str) -> Callable[..., Any]:
        def noted(*args: Any, **hints: Any) -> Any:
            alias = decide(*args, **hints)
            if alias:
                self._last.decision = (alias, name)
            return alias

        return noted


def _queries() -> Iterator[Any]:
    """The query sets whose methods run in this thread, the innermost first."""
    for frame, _ in unpatched.traceback.walk_stack(None):
        if frame.f_code.co_filename == _QUERY_FILE:
            owner = frame.f_locals.get("self", frame.f_locals.get("queryset"))
            owner = getattr(owner, "queryset", owner)  # of an iterable of rows
            if isinstance(owner, QuerySet | RawQuerySet):
                yield owner


def _suspended() -> Iterator[tuple[FrameType, int]]:
    """The frames of the coroutine that awaits this thread, the innermost first; none where several tasks may be the one.

    asgiref runs a query of async code in another thread, whose stack has no frame of that code.
    """
    with contextlib.suppress(Exception):  # of asgiref's own, or another thread changes the tasks
        from asgiref.sync import SyncToAsync

        loop = SyncToAsync.threadlocal.main_event_loop
        chains = [_awaited(task.get_coro()) for task in asyncio.all_tasks(loop)]
        if len(chains) == 1:
            yield from reversed(chains[0])


def _awaited(coroutine: Any) -> list[tuple[FrameType, int]]:
    """The frames of *coroutine* and of those that it awaits, the outermost first."""
    frames = []
    for _ in itertools.repeat(None, 1000):
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None:
            break
        frames.append((frame, frame.f_lineno))
        coroutine = coroutine.cr_await
    return frames
