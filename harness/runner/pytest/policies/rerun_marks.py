"""Retries of items: the mark ``flaky`` of pytest-rerunfailures and of flaky, and the options of both."""

from __future__ import annotations

import inspect
import os
import platform
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ....errors import ProjectError
from ....protocol.results import PlannedTest
from ...schedule.slots import Retries

_MARK = "@pytest.mark.flaky"
_HINT = (
    f"For example {_MARK}(reruns=2), {_MARK}(reruns=2, reruns_delay=1), {_MARK}(reruns=2, only_rerun='TimeoutError')."
)
_PARAMETERS = ("reruns", "reruns_delay", "reruns_delay_backoff_factor")
_FLAKY_PARAMETERS = ("max_runs", "min_passes", "rerun_filter")
_OTHERS = ("condition", "only_rerun", "rerun_except")
_DEFAULT_RUNS = 2
"""The runs of a test with the decorator of flaky, without arguments."""
LONGEST_DELAY_S = 120.0
Pattern = str | type


@dataclass(frozen=True, slots=True)
class Rule:
    """The retries of a test: their number, the seconds before the first, and the factor by which these grow with each.

    ``condition`` is a value, the text of an expression, or a function of the exception. Only an exception that one of ``only``
    describes, and none of ``without``, is tried again: classes, or regular expressions for ``TypeError: its message``.
    """

    count: int = 0
    delay_s: float = 0.0
    factor: float = 1.0
    condition: object = True
    only: tuple[Pattern, ...] = ()
    without: tuple[Pattern, ...] = ()

    def delay(self, n: int) -> float:
        """The seconds to wait before the *n*-th attempt."""
        return 0.0 if n < 2 else min(LONGEST_DELAY_S, self.delay_s * self.factor ** (n - 2))

    def allows(self, error: BaseException | None, names: Mapping[str, Any]) -> bool:
        """Whether a test that failed with *error* is tried again. *names* are known to an expression besides the usual ones.

        A condition that raises is false, as for pytest-rerunfailures.
        """
        if self.only and not _is_one_of(self.only, error, follow_context=True):
            return False
        return not _is_one_of(self.without, error, follow_context=False) and _holds(self.condition, error, names)

    @property
    def is_plain(self) -> bool:
        """Whether every failure is tried again at once."""
        return self == Rule(self.count)


@dataclass(frozen=True, slots=True)
class Reruns:
    """The rule of each test: ``general``, unless ``own`` has its id."""

    general: Rule = Rule()
    own: Mapping[str, Rule] = field(default_factory=dict)

    def of(self, test: str) -> Rule:
        return self.own.get(test, self.general)

    @property
    def retries(self) -> Retries:
        return Retries(self.general.count, {test: rule.count for test, rule in self.own.items()})


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the plugins. ``general`` is the rule for a test without a mark; ``forced`` the number for every test.

    ``adds``: a mark's number is added to the general one. ``has_max_runs``: the first argument of a mark is flaky's.
    """

    general: Rule = Rule()
    forced: int | None = None
    adds: bool = False
    has_max_runs: bool = False


def of_config(config: Any, retries: int, plugins: Collection[str]) -> Options:
    """The options of the active *plugins*, below ``--retries``. Raises ``ProjectError`` for a value of a wrong type."""
    option = config.option
    has_reruns = "pytest-rerunfailures" in plugins
    number = (getattr(option, "reruns", None) or config.getini("reruns") or 0) if has_reruns else 0
    if "flaky" in plugins and getattr(option, "force_flaky", False):
        number = number or (option.max_runs or _DEFAULT_RUNS) - 1
    if not str(number).isdecimal():
        raise ProjectError(f"reruns is {number!r}, which is no number.")
    general = Rule(retries or int(number))
    if has_reruns:
        values: dict[str, Any] = {
            name: getattr(option, name, None) or config.getini(name) or default
            for name, default in (("reruns_delay", 0), ("only_rerun", ()), ("rerun_except", ()))
        }
        general = replace(
            general,
            delay_s=_seconds(float(values["reruns_delay"]), "reruns_delay"),
            factor=_seconds(getattr(option, "reruns_delay_backoff_factor", None) or 1, "reruns_delay_backoff_factor"),
            only=_patterns(values["only_rerun"], "only_rerun"),
            without=_patterns(values["rerun_except"], "rerun_except"),
        )
    adds = getattr(option, "reruns_mode", "") == "append"
    forced = getattr(option, "force_reruns", None) if has_reruns else None
    return Options(general, forced, adds, has_max_runs="flaky" in plugins and not has_reruns)


def min_passes(item: Any) -> int:
    """The number of passes that flaky asks for."""
    mark = item.get_closest_marker("flaky")
    asked = mark.kwargs.get("min_passes") if mark is not None else None
    found = [asked, *(getattr(getattr(item, name, None), "_flaky_min_passes", None) for name in ("obj", "cls"))]
    return next((each for each in found if isinstance(each, int)), 1)


def reruns(tests: Sequence[PlannedTest], items: Sequence[Any], options: Options) -> Reruns:
    """The rules of *items*. Raises ``ProjectError`` for a mark that cannot be read."""
    own: dict[str, Rule] = {}
    for test, item in zip(tests, items, strict=True):
        if (rule := _rule(item, test.id, options)) is not None:
            own[test.id] = rule
    general = options.general if options.forced is None else replace(options.general, count=options.forced)
    return Reruns(general, own)


def _rule(item: Any, id: str, options: Options) -> Rule | None:
    """The rule of a mark, or of the decorator of flaky."""
    mark = item.get_closest_marker("flaky")
    if mark is not None:
        rule = of_mark(mark.args, mark.kwargs, id, options)
    else:
        found = [
            each for each in (getattr(item, "obj", None), getattr(item, "cls", None)) if _max_runs(each) is not None
        ]
        if not found:
            return None
        number = _max_runs(found[0])
        rule = replace(
            options.general, count=_count(number - 1 if isinstance(number, int) else number, f"flaky of {id}")
        )
        rule = replace(rule, condition=_filter(getattr(found[0], "_flaky_rerun_filter", None), item))
    return rule if options.forced is None else replace(rule, count=options.forced)


def _max_runs(owner: Any) -> Any:
    return getattr(owner, "_flaky_max_runs", None)


def of_mark(args: Sequence[Any], kwargs: Mapping[str, Any], test: str, options: Options = Options()) -> Rule:
    """The rule of a mark ``flaky`` with these arguments. Raises ``ProjectError`` for arguments that are none of its."""
    subject = (
        f"{_MARK}({', '.join([*map(repr, args), *(f'{name}={value!r}' for name, value in kwargs.items())])}) of {test}"
    )
    is_flakys = bool({*_FLAKY_PARAMETERS} & kwargs.keys()) or (options.has_max_runs and bool(args))
    parameters = _FLAKY_PARAMETERS if is_flakys else _PARAMETERS
    given = dict(zip(parameters, args, strict=False))
    if len(args) > len(parameters) or given.keys() & kwargs.keys() or kwargs.keys() - {*parameters, *_OTHERS}:
        raise ProjectError(f"{subject} cannot be read.", hint=_HINT)
    given |= kwargs
    if is_flakys:
        runs = given.get("max_runs") or max(_DEFAULT_RUNS, given.get("min_passes") or 1)
        number = runs - 1 if isinstance(runs, int) else runs
    else:
        number = given.get("reruns", 1)
    count = _count(number, subject) + (options.general.count if options.adds else 0)
    condition = given.get("condition", True)
    return Rule(
        count,
        _seconds(given.get("reruns_delay", 0), subject),
        _seconds(given.get("reruns_delay_backoff_factor", 1), subject),
        condition,
        _patterns(given.get("only_rerun", options.general.only), subject),
        _patterns(given.get("rerun_except", options.general.without), subject),
    )


def _count(number: object, subject: str) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ProjectError(f"{subject} has {number!r} for the number of retries.", hint=_HINT)
    return number


def _seconds(value: object, subject: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProjectError(f"{subject} has {value!r} for a number.", hint=_HINT)
    return max(0.0, float(value))


def _patterns(value: object, subject: str) -> tuple[Pattern, ...]:
    found = tuple(value) if isinstance(value, list | tuple) else (value,) if value else ()
    for each in found:
        if not isinstance(each, str | type):
            raise ProjectError(f"{subject} has {each!r}, which is no exception and no pattern.", hint=_HINT)
        if isinstance(each, str):
            try:
                re.compile(each)
            except re.error as error:
                raise ProjectError(f"{subject} has {each!r}, which is no regular expression: {error}.") from error
    return found


def _is_one_of(patterns: Sequence[Pattern], error: BaseException | None, *, follow_context: bool) -> bool:
    for each in _chain(error, follow_context=follow_context):
        text = f"{type(each).__name__}: {each}"
        if any(isinstance(each, p) if isinstance(p, type) else re.search(p, text) is not None for p in patterns):
            return True
    return False


def _chain(error: BaseException | None, *, follow_context: bool) -> Iterator[BaseException]:
    """*error*, its cause, and so on; also the exception during whose handling it was raised, if *follow_context*."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        is_context = follow_context and not error.__suppress_context__
        error = error.__cause__ or (error.__context__ if is_context else None)


def _holds(condition: object, error: BaseException | None, names: Mapping[str, Any]) -> bool:
    try:
        if isinstance(condition, str):
            known = {"os": os, "sys": sys, "platform": platform, **names, "error": error}
            return bool(eval(condition, known))  # noqa: S307 - an expression in the project's own mark
        if callable(condition):
            return bool(condition(error) if _takes_argument(condition) else condition())
        return bool(condition)
    except Exception:  # noqa: BLE001 - any code of the project's
        return False


def _takes_argument(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _filter(function: Any, item: Any) -> object:
    """The condition for a ``rerun_filter`` of flaky."""
    if function is None:
        return True

    def condition(error: BaseException | None) -> object:
        raised = (type(error), error, error.__traceback__ if error else None)
        return function(raised, item.name, item, None)

    return condition
