"""Shortens the parameters of statements for the log: some are files of many megabytes, or rows by the thousand.

A log of two thousand statements then takes neither the memory of all their parameters nor minutes to print.
"""

from __future__ import annotations

import datetime
import decimal
import operator
import reprlib
import uuid
from collections.abc import Sequence
from itertools import islice
from typing import Any

from ..text import cut

VALUE_SIZE = 10_000
"""The most characters or bytes that the log has of one value."""
VALUES = 1000
"""The most values that the log has of one statement."""
SHOWN_CHARACTERS = 4_000

_FEW = 20
_SMALL = frozenset(
    {int, float, bool, type(None), decimal.Decimal, datetime.date, datetime.datetime, datetime.timedelta, uuid.UUID}
)
_SMALL_CHARACTERS = 200


def shortened(params: Any) -> Any:
    """*params*, or where they are many or large, a copy with the first ``VALUES``, each of ``VALUE_SIZE`` at most."""
    if type(params) is dict:
        short = {key: _shortened_value(value) for key, value in islice(params.items(), VALUES)}
        return params if len(short) == len(params) and all(short[key] is params[key] for key in short) else short
    if isinstance(params, (tuple, list)):
        if len(params) <= _FEW and _are_small(params):  # the usual case, made fast: every statement of a run comes here
            return params
        values = tuple(map(_shortened_value, islice(params, VALUES)))
        return params if len(values) == len(params) and all(map(operator.is_, values, params)) else values
    return params


def shown(params: object) -> str:
    """*params* as text of ``SHOWN_CHARACTERS`` at most. Raises nothing, whatever their own ``__repr__`` does."""
    if isinstance(params, (tuple, list)) and len(params) <= _FEW and _are_small(params):
        return repr(params)
    try:
        return cut(_short.repr(params), SHOWN_CHARACTERS)
    except Exception as error:  # noqa: BLE001 - a parameter of the test's own, whose repr raises
        return f"<{type(error).__name__} in repr>"


def literal(value: Any, *, has_escapes: bool) -> str:
    """*value* as an SQL literal. ``has_escapes``: a backslash in a string must be doubled."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"x'{bytes(value).hex()}'"
    text = str(value).replace("\\", "\\\\") if has_escapes else str(value)
    return "'" + text.replace("'", "''") + "'"


def _shortened_value(value: Any) -> Any:
    kind = type(value)
    if kind in _SMALL:
        return value
    if issubclass(kind, (str, bytes, bytearray)):  # isinstance would read __class__, and evaluate a lazy value
        return value if len(value) <= VALUE_SIZE else value[:VALUE_SIZE]
    if kind is memoryview:
        return value if value.nbytes <= VALUE_SIZE else bytes(value[:VALUE_SIZE])
    if issubclass(kind, (tuple, list)):  # a row of executemany, an array
        return shortened(value)
    if kind.__module__.startswith(
        "psycopg"
    ):  # a driver's Binary wraps the value; reading an attribute of any other type may run any code
        wrapped = getattr(value, "obj", None) or getattr(value, "adapted", None)
        if isinstance(wrapped, (bytes, bytearray, memoryview)) and (short := _shortened_value(wrapped)) is not wrapped:
            return short
    return value


class _Short(reprlib.Repr):
    """A ``repr`` that does not read the middle of a long value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = SHOWN_CHARACTERS // 4
        self.maxlist = self.maxtuple = self.maxdict = 50

    def repr_bytes(self, value: bytes, _level: int) -> str:
        return repr(value) if len(value) <= self.maxother else f"{value[: self.maxother]!r}..."

    repr_bytearray = repr_bytes


_short = _Short()


def _are_small(values: Sequence[Any]) -> bool:
    for value in values:
        kind = type(value)
        if kind not in _SMALL and not (kind is str and len(value) <= _SMALL_CHARACTERS):
            return False
    return True
