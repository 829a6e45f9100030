"""Values as texts that are the same in each process: of settings, fields, and arguments of receivers. Pure."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import re
import tempfile
import types
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEPTH = 12
_BOUND = _DEPTH - 2
"""The depth from which values bound to a function begin: one may be the registry of all models."""
_PLAIN = (type(None), bool, int, float, complex, bytes, decimal.Decimal, uuid.UUID, re.Pattern, range)
_TIMES = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
_NAMED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, types.ModuleType)


class Texts:
    """Makes texts of values. In these, *root*, the project's folder, has no name: a checkout elsewhere gives the same texts. Nor
    has a temporary folder that *is_made* in this run, whose name is another in each.
    """

    def __init__(self, root: str, is_made: Callable[[str], bool] = lambda _: False) -> None:
        self._root = root
        self._temporary = f"{tempfile.gettempdir()}/"
        self._is_made = is_made

    def of(self, value: object) -> str:
        """The text of *value*. Of an object that has no other, its class and attributes."""
        return self._of(value, 0)

    def _of(self, value: Any, depth: int) -> str:
        if isinstance(value, str):
            return repr(self._without_temporary(str(value).replace(self._root, "<project>")))
        if isinstance(value, PurePath):
            return f"Path({self._of(str(value), depth)})"
        if isinstance(value, (*_PLAIN, *_TIMES)):
            return repr(value)
        if depth > _DEPTH:
            return type(value).__qualname__
        if isinstance(value, _NAMED):
            return self._named(value, depth)
        return self._composed(value, depth + 1)

    def _without_temporary(self, text: str) -> str:
        if not text.startswith(self._temporary):
            return text
        name, slash, rest = text.removeprefix(self._temporary).partition("/")
        return f"<temporary>{slash}{rest}" if self._is_made(self._temporary + name) else text

    def _named(self, value: Any, depth: int) -> str:
        name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', getattr(value, '__name__', ''))}"
        if isinstance(value, types.FunctionType):  # values that a decorator has bound
            cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
            bound = [*cells, *(value.__defaults__ or ())]
            depth = max(depth, _BOUND)
            return name + self._of([each for each in bound if each is not value], depth) if bound else name
        return name

    def _composed(self, value: Any, depth: int) -> str:
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self._of(k, depth)}: {self._of(v, depth)}" for k, v in value.items()) + "}"
        if isinstance(value, _Unordered):
            return f"unordered({', '.join(sorted(self._of(each, depth) for each in value))})"
        if isinstance(value, (list, tuple)):
            return f"{type(value).__name__}({', '.join(self._of(each, depth) for each in value)})"
        if isinstance(value, (set, frozenset)):
            return f"set({', '.join(sorted(self._of(each, depth) for each in value))})"
        if isinstance(value, enum.Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, functools.partial):
            return f"partial({self._of((value.func, value.args, value.keywords), depth)})"
        cls = f"{type(value).__module__}.{type(value).__qualname__}"
        if hasattr(value, "_proxy____args") or cls.startswith("django.utils.functional."):
            return repr(str(value))  # a lazy text
        if callable(getattr(value, "deconstruct", None)):
            return f"{cls}({self._of(_deconstructed(value), depth)})"
        attributes = getattr(value, "__dict__", None)
        if attributes:
            return f"{cls}({self._of(dict(attributes), depth)})"
        return _ADDRESS.sub("", repr(value)).replace(self._root, "<project>")


def _deconstructed(value: Any) -> Any:
    """The parts of *value*, of a field with its choices as a set: no database has their order, and some projects have none."""
    parts = value.deconstruct()
    if not (isinstance(parts, tuple) and parts and isinstance(parts[-1], dict) and "choices" in parts[-1]):
        return parts
    choices = parts[-1]["choices"]
    listed = choices.items() if isinstance(choices, Mapping) else choices
    if not isinstance(listed, Iterable):
        return parts
    return (*parts[:-1], {**parts[-1], "choices": _Unordered(listed)})


class _Unordered(tuple[Any, ...]):
    """Values whose order does not count."""

    __slots__ = ()


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True
