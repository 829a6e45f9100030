"""The forms that an option's value can have, and the errors for a wrong value or key.

A value is text, from a flag or a variable, or a value of TOML. Click's types check it.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import click

from harness.errors import UsageError
from harness.protocol.messages import Lag, LagMode

_TYPES = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array", dict: "a table"}


class Mismatch(Exception):
    """A value does not have its option's form. ``seen`` is the wrong part, ``where`` its place below the key."""

    def __init__(self, seen: object, where: str = "") -> None:
        self.seen, self.where = seen, where


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a value, or of each item of a list or table.

    ``expected`` completes "expected ..." in a message. ``native`` are the types that TOML may give; text becomes the first of
    them that can hold it. ``check`` returns the value as the configuration has it. ``metavar`` stands for the value in a help
    text. ``default`` is the value of an option without another default, as in TOML. ``is_words``: text is split as by a shell,
    and an item may be empty.
    """

    expected: str
    native: tuple[type, ...] = (str,)
    check: click.ParamType[Any] | Callable[[Any], object] = click.UNPROCESSED
    shape: Literal["one", "list", "table"] = "one"
    metavar: str = ""
    default: object = None
    is_words: bool = False

    @property
    def is_switch(self) -> bool:
        return self.native == (bool,)

    def from_toml(self, value: object) -> object:
        """*value* as the configuration has it. Raises ``Mismatch``."""
        if self.shape == "one":
            return self._checked(value)
        if self.shape == "list" and isinstance(value, (list, tuple)):
            return tuple(self._checked(item, f"[{place}]") for place, item in enumerate(value))
        if self.shape == "table" and isinstance(value, dict):
            return {name: self._checked(item, f".{name}") for name, item in value.items()}
        raise Mismatch(value)

    def from_text(self, text: str) -> object:
        """*text*, of a flag or a variable, as the configuration has it. Raises ``Mismatch``."""
        if self.is_words:
            try:
                return self.from_toml(shlex.split(text))
            except ValueError:
                raise Mismatch(text) from None
        return self.from_toml(text.split() if self.shape == "list" else self._native(text))

    def _native(self, text: str) -> object:
        for each in self.native if text.strip() else ():
            try:
                return click.BOOL(text) if each is bool else each(text)
            except (ValueError, click.BadParameter):
                continue
        raise Mismatch(text)

    def _checked(self, value: object, where: str = "") -> object:
        may_be_blank = self.shape == "table" or self.is_words
        is_blank = isinstance(value, str) and not value.strip() and not may_be_blank
        if type(value) not in self.native or is_blank:  # not isinstance: a bool is no number here
            raise Mismatch(value, where)
        try:
            return self.check(value)
        except (ValueError, click.BadParameter):
            raise Mismatch(value, where) from None


class _Path(click.Path):
    """A path that a shell completes, and that is not checked: ``load`` resolves it first."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value


def _seconds(value: float) -> float:
    if not 0 < value < float("inf"):  # click's range takes NaN
        raise ValueError(value)
    return float(value)


def _workers(value: int | str) -> int | None:
    if isinstance(value, str) and value != "auto":
        raise ValueError(value)
    return None if value == "auto" else click.IntRange(1)(value)


def _python_versions(value: str | list[object] | tuple[object, ...]) -> tuple[str, ...]:
    """One version, or in a file several, for ``harness matrix``; a run takes the first."""
    versions = (value,) if isinstance(value, str) else tuple(value)
    for version in versions:
        if not isinstance(version, str) or not re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", version, re.ASCII):
            raise Mismatch(version)
    if not versions or len(set(versions)) < len(versions):
        raise ValueError(versions)
    return tuple(map(str, versions))


def _bytes(value: str) -> int:
    """A size in Docker's notation: a number and ``k``, ``m`` or ``g``, in powers of 1024."""
    match = re.fullmatch(r"(\d{1,6})([kmg])b?", value.lower(), re.ASCII)
    if match is None or int(match[1]) == 0:
        raise ValueError(value)
    return int(match[1]) << {"k": 10, "m": 20, "g": 30}[match[2]]


MOST_LAG_S = 20.0
"""The longest lag, in seconds: before each test the run waits until the replica has caught up, which may take 30 s more."""

_UNITS = {"ms": 0.001, "s": 1.0}


def _lag(value: str) -> Lag:
    if value in get_args(LagMode) and value != "delayed":
        return Lag(cast("LagMode", value))
    return Lag("delayed", _duration(value))


def _duration(value: str) -> float:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)", value, re.ASCII)
    seconds = round(float(match[1]) * _UNITS[match[2]], 6) if match else 0.0
    if not 0 < seconds <= MOST_LAG_S:
        raise ValueError(value)
    return seconds


def choice(*words: str) -> Form:
    """The form of a value that is one of *words*, by default the first."""
    return Form(f"one of {', '.join(words)}", check=click.Choice(words), metavar="|".join(words), default=words[0])


TEXT = Form("a string")
TEXTS = Form("a list of strings", shape="list", default=[])
WORDS = Form("a list of words", shape="list", default=[], is_words=True)
TEXT_TABLE = Form("a table of strings", shape="table", default={})
TABLE = Form("a table", (dict,), default={})
FOLDER = Form("a path", check=_Path(file_okay=False), metavar="DIR")
FILE = Form("a path", check=_Path(dir_okay=False), metavar="FILE")
PLACES = Form("a list of paths or URLs", shape="list")
SWITCH = Form("true or false", (bool,), default=False)
SECONDS = Form("seconds, a number above 0", (float, int), _seconds, metavar="S")
SECONDS_TABLE = Form("a table of seconds, each a number above 0", (float, int), _seconds, "table", default={})
TIMES = Form("a whole number, 1 or more", (int,), click.IntRange(1), metavar="N")
COUNT = Form("a whole number, 0 or more", (int,), click.IntRange(0), metavar="N")
VERBOSITY = Form("0, 1, 2 or 3", (int,), click.IntRange(0, 3), metavar="[0|1|2|3]")
PARALLEL = Form('"auto" or a whole number, 1 or more', (int, str), _workers, metavar="N|auto")
SEED = Form("true, false, or a whole number as the seed", (int, bool), metavar="[SEED]", default=False)
PYTHON = Form(
    'a Python version such as "3.13", or a list of them', (str, list, tuple), _python_versions, metavar="VERSION"
)
LAG = Form(
    f'sync, natural, frozen, or a duration such as "500ms" or "2s", at most {MOST_LAG_S:g}s',
    check=_lag,
    metavar="sync|natural|frozen|DURATION",
    default="sync",
)
DURATION = Form(f'a duration such as "500ms" or "2s", at most {MOST_LAG_S:g}s', check=_duration, metavar="DURATION")
BYTES = Form('a size such as "512m" or "2g"', check=_bytes)


def wrong_value(place: str, expected: str, seen: object, hint: str) -> UsageError:
    """The error for the value *seen* at *place*; *hint* says what the value is for."""
    toml_type = _TYPES.get(type(seen))
    return UsageError(f"{place}: expected {expected}; seen {seen!r}{f', {toml_type}' if toml_type else ''}.", hint=hint)


def unknown_key(key: str, keys: Iterable[str], place: str) -> UsageError:
    """The error for *key* at *place*, where only *keys* may stand."""
    hint = nearest(key, keys) or f"The keys there are {', '.join(keys)}."
    return UsageError(f"Unknown key {key!r} in {place}.", hint=hint.strip())


def nearest(word: str, words: Iterable[str]) -> str:
    """A question for the one of *words* that *word* may have meant, with a space behind it; empty if none is near."""
    near = difflib.get_close_matches(word.lower().replace("-", "_"), list(words), n=1)
    return f"Did you mean {near[0]!r}? " if near else ""
