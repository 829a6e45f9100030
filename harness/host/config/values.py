"""Parses and checks the values of the configuration, from a file and from text: one ``Kind`` for each form of value.

Owns the checks of single values; ``options`` assigns a kind to each option. Imports nothing of the package.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


class Mismatch(ValueError):
    """A value is not of its option's kind. ``seen`` is the wrong part, ``where`` its place below the key."""

    def __init__(self, seen: object, where: str = "") -> None:
        super().__init__(f"{where}: {seen!r}")
        self.seen = seen
        self.where = where


@dataclass(frozen=True, slots=True)
class Kind:
    """The form of a value.

    ``expected`` completes "expected ..." in a message. ``check`` takes a value from TOML and returns it as the
    configuration keeps it; ``convert`` turns one word of text into the value that TOML would have. Both raise
    ``ValueError``. ``words`` are the values that a shell completes.
    """

    expected: str
    check: Callable[[object], object]
    convert: Callable[[str], object] = str
    shape: Literal["one", "switch", "many", "table"] = "one"
    words: tuple[str, ...] = ()

    def from_toml(self, value: object) -> object:
        """*value* as the configuration keeps it. Raises ``Mismatch``."""
        return self.check(value)

    def from_text(self, text: str) -> object:
        """*text*, of a flag or a variable, as the configuration keeps it. Raises ``Mismatch``."""
        try:
            native = text.split() if self.shape == "many" else self.convert(text)
        except ValueError:
            raise Mismatch(text) from None
        return self.check(native)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mismatch(value)
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise Mismatch(value)
    return value


def _word_to_bool(text: str) -> bool:
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise ValueError(text)


def _integer(lowest: int, highest: int | None = None) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Mismatch(value)
        if value < lowest or (highest is not None and value > highest):
            raise Mismatch(value)
        return value

    return check


def _seconds(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not (0 < value < math.inf):
        raise Mismatch(value)
    return float(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise Mismatch(value)
    for place, item in enumerate(value):
        if not isinstance(item, str) or not item.strip():
            raise Mismatch(item, f"[{place}]")
    return tuple(value)


def _text_table(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Mismatch(value)
    for name, item in value.items():
        if not isinstance(item, str):
            raise Mismatch(item, f".{name}")
    return dict(value)


def _seconds_table(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        raise Mismatch(value)
    checked = {}
    for name, item in value.items():
        try:
            checked[name] = _seconds(item)
        except Mismatch:
            raise Mismatch(item, f".{name}") from None
    return checked


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Mismatch(value)
    return dict(value)


def _auto_or_integer(value: object) -> int | None:
    return None if value == "auto" else _integer(1)(value)


def _word_or_integer(text: str) -> object:
    return int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else text


def _seed(value: object) -> bool | int:
    if not isinstance(value, int):
        raise Mismatch(value)
    return value


def _word_to_seed(text: str) -> bool | int:
    """A number is a seed, including ``0`` and ``1``; only words switch shuffling on and off."""
    value = _word_or_integer(text)
    return value if isinstance(value, int) else _word_to_bool(text)


def _python_versions(value: object) -> tuple[str, ...]:
    """One version, or in a file several, for ``harness matrix``; a run takes the first."""
    versions = value if isinstance(value, (list, tuple)) else (value,)
    for version in versions:
        if not isinstance(version, str) or not re.fullmatch(r"3\.\d{1,2}", version, re.ASCII):
            raise Mismatch(version)
    if not versions or len(set(versions)) < len(versions):
        raise Mismatch(value)
    return tuple(versions)


def _bytes(value: object) -> int:
    """A size in Docker's notation: a number and ``k``, ``m`` or ``g``, in powers of 1024."""
    match = re.fullmatch(r"(\d{1,6})([kmg])b?", value.lower(), re.ASCII) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise Mismatch(value)
    return int(match[1]) << {"k": 10, "m": 20, "g": 30}[match[2]]


def choice(*words: str) -> Kind:
    """The kind of a value that is one of *words*."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise Mismatch(value)
        return value

    return Kind(f"one of {', '.join(words)}", check, words=words)


TEXT = Kind("a string", _text)
PATH = Kind("a path", _text)
SWITCH = Kind("true or false", _bool, _word_to_bool, "switch")
BYTES = Kind('a size such as "512m" or "2g"', _bytes)
SECONDS = Kind("seconds, a number above 0", _seconds, float)
SECONDS_TABLE = Kind("a table of seconds, each a number above 0", _seconds_table, shape="table")
TIMES = Kind("a whole number, 1 or more", _integer(1), int)
COUNT = Kind("a whole number, 0 or more", _integer(0), int)
VERBOSITY = Kind("0, 1, 2 or 3", _integer(0, 3), int)
PARALLEL = Kind('"auto" or a whole number, 1 or more', _auto_or_integer, _word_or_integer)
SEED = Kind("true, false, or a whole number as the seed", _seed, _word_to_seed)
PYTHON = Kind('a Python version such as "3.13", or a list of them', _python_versions)
TEXTS = Kind("a list of strings", _texts, shape="many")
PLACES = Kind("a list of paths or URLs", _texts, shape="many")
TEXT_TABLE = Kind("a table of strings", _text_table, shape="table")
TABLE = Kind("a table", _table, shape="table")
