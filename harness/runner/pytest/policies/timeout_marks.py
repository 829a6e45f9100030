"""Time limits of items: from the mark ``timeout``, then a pattern, then ``--timeout``, then pytest-timeout's own value."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ....errors import ProjectError
from ....protocol.messages import RunSpec
from ....protocol.results import PlannedTest
from ...schedule.slots import Limits
from ...workers.time_limits import marked
from ..collected import SESSION_TEARDOWN

_MARK = "@pytest.mark.timeout"
_HINT = f"It is a number of seconds: {_MARK}(5), or {_MARK}(timeout=5, func_only=True). 0 is no limit."
_PARAMETERS = ("timeout", "method", "func_only", "disable_debugger_detection")


@dataclass(frozen=True, slots=True)
class OwnTimeout:
    """A value of pytest-timeout, or of its mark: ``seconds``, ``None`` if it has none, and whether it is of the call alone."""

    seconds: float | None = None
    func_only: bool | None = None


NO_TIMEOUT = OwnTimeout()


def of_mark(args: Sequence[Any], kwargs: Mapping[str, Any], test: str) -> OwnTimeout:
    """The value of a mark ``timeout`` with these arguments. Raises ``ProjectError`` for arguments that are none of its."""
    shown = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
    given = dict(zip(_PARAMETERS, args, strict=False))
    if len(args) > len(_PARAMETERS) or given.keys() & kwargs.keys() or kwargs.keys() - set(_PARAMETERS):
        raise ProjectError(f"{_MARK}({shown}) of {test} cannot be read.", hint=_HINT)
    given |= kwargs
    func_only = given.get("func_only")
    if given.get("timeout") is None:
        return OwnTimeout(None, func_only)
    seconds = seconds_of(given["timeout"])
    if seconds is None:
        raise ProjectError(f"{_MARK}({shown}) of {test} has no number of seconds.", hint=_HINT)
    return OwnTimeout(seconds, func_only)


def of_config(config: Any) -> tuple[OwnTimeout, float | None]:
    """The value that pytest-timeout has for each test, and that for the session, from its options, variable and ini keys.

    Raises ``ProjectError`` for a value that is no number.
    """
    places = (
        ("--timeout", getattr(config.option, "timeout", None)),
        ("PYTEST_TIMEOUT", os.environ.get("PYTEST_TIMEOUT")),
        ("timeout in the configuration of pytest", config.getini("timeout") or None),
    )
    seconds = next((_configured(*place) for place in places if place[1] is not None), None)
    session = getattr(config.option, "session_timeout", None) or config.getini("session_timeout") or None
    own = OwnTimeout(
        None if seconds is None or math.isinf(seconds) else seconds, bool(config.getini("timeout_func_only"))
    )
    return own, None if session is None else _configured("session_timeout", session)


def _configured(place: str, value: object) -> float:
    seconds = seconds_of(value)
    if seconds is None:
        raise ProjectError(f"{place} is {value!r}, which is no number of seconds.")
    return seconds


def seconds_of(value: object) -> float | None:
    """*value* as seconds, infinity for 0, which means no limit; ``None`` if it is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    if not seconds >= 0:
        return None
    return seconds or math.inf


def limits(
    tests: Sequence[PlannedTest],
    items: Sequence[Any],
    spec: RunSpec,
    plugin: OwnTimeout,
    session_s: float | None = None,
) -> Limits:
    """The limits of the tests of *items*. *plugin* is the value that pytest-timeout would use for a test without a mark, and
    *session_s* that for all tests.

    Raises ``ProjectError`` for a mark that cannot be read.
    """
    is_plugins = plugin.seconds is not None and not spec.is_timeout_given
    general = plugin.seconds if is_plugins and plugin.seconds is not None else spec.timeout_s
    found: dict[str, float] = {}
    calls: set[str] = set()
    for test, item in zip(tests, items, strict=True):
        own = _own(test.id, item, spec)
        func_only = plugin.func_only if own.func_only is None else own.func_only
        seconds = general if own.seconds is None and func_only and is_plugins else own.seconds
        if seconds is not None:
            found[test.id] = seconds
            calls |= {test.id} if func_only else set()
    # a set-up without a limit of pytest-timeout's has that of the harness
    others = spec.timeout_s if is_plugins and plugin.func_only else general
    patterns = (each.seconds for each in spec.timeouts if fnmatchcase(SESSION_TEARDOWN, each.pattern))
    if (seconds := next(patterns, None)) is not None:
        found[SESSION_TEARDOWN] = seconds
    return Limits(others, found, spec.run_timeout_s or session_s, frozenset(calls))


def _own(id: str, item: Any, spec: RunSpec) -> OwnTimeout:
    """The limit of a mark or of a pattern."""
    mark = item.get_closest_marker("timeout")
    own = NO_TIMEOUT if mark is None else of_mark(mark.args, mark.kwargs, id)
    if own.seconds is not None:
        return own
    attribute = marked(getattr(item, "obj", None), id) or marked(getattr(item, "cls", None), id)
    patterns = (each.seconds for each in spec.timeouts if fnmatchcase(id, each.pattern))
    return replace(own, seconds=attribute or next(patterns, None))
