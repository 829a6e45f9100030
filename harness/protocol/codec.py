"""Encodes a dataclass of the protocol as one JSON line, and decodes it: each field must have its declared type.

Owns the protocol version.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import operator
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

from . import events, messages, replica_events, seed_events

VERSION = 1

# not __subclasses__(): dataclass(slots=True) makes each class twice
_EVENTS = [
    cls
    for module in (events, replica_events, seed_events)
    for cls in vars(module).values()
    if isinstance(cls, type) and events.Event in cls.__bases__
]
_CLASSES: tuple[type[Any], ...] = (*_EVENTS, *typing.get_args(messages.Message))


class _Fields:
    """The fields of a class. ``values`` gives a tuple of the class and the fields' values; those from ``start`` on have
    ``defaults``, and those before it none.
    """

    def __init__(self, cls: type[Any]) -> None:
        fields = dataclasses.fields(cls)
        self.names = tuple(field.name for field in fields)
        self.values = operator.attrgetter("__class__", *self.names)
        self.start = sum(field.default is dataclasses.MISSING for field in fields) + 1
        self.defaults = tuple(field.default for field in fields)[self.start - 1 :]


_FIELDS = {cls: _Fields(cls) for cls in _CLASSES}
_parse = json.JSONDecoder().raw_decode


class CodecError(ValueError):
    """A line is not of this protocol: torn, of another version, or of an unknown type."""


def encode(envelope: events.Envelope) -> str:
    """*envelope* as one line of JSON, newline included. ASCII alone: lone surrogates survive as escapes."""
    head = {"v": envelope.v, "seq": envelope.seq, "at": envelope.at, "slot": envelope.slot}
    return _dumps(head | _tagged(envelope.event)) + "\n"


def decode(line: str | bytes) -> events.Envelope:
    """The envelope of one line.

    Raises ``CodecError`` when the line is torn, of another protocol version, or of an unknown type.
    """
    raw = peek(line)
    if raw.get("v") != VERSION:
        raise CodecError(f"protocol version {raw.get('v')!r}, this is {VERSION}")
    event = from_plain(raw)
    try:
        return events.Envelope(raw["v"], raw["seq"], raw["at"], raw["slot"], event)
    except KeyError as error:
        raise CodecError(f"no field {error} around a {raw['type']}") from error


def encode_body(body: events.Event | messages.Message) -> str:
    """A message or a bare event as one line of JSON: the format from workers to the coordinator, and from host to runner."""
    return _dumps(_tagged(body)) + "\n"


def decode_body(line: str | bytes) -> Any:
    """The message or bare event of one line. Raises ``CodecError`` as ``decode`` does."""
    return from_plain(peek(line))


def stamp(body: bytes, seq: int, at: float, slot: int, flags: Iterable[str] = ()) -> bytes:
    """A bare event's line with its envelope put around it, without decoding it: what ``encode`` would give.

    *flags* are fields that are true, such as ``final``, which a worker never sends.
    """
    head = f'{{"v":{VERSION},"seq":{seq},"at":{at:.6f},"slot":{slot},'
    for flag in flags:
        head += f'"{flag}":true,'
    return head.encode() + body[1:]


def peek(line: str | bytes) -> dict[str, Any]:
    """A line as JSON's own types, for a reader that needs a field or two. Raises ``CodecError``."""
    try:
        text = line if isinstance(line, str) else line.decode()
        raw, end = _parse(text)
    except ValueError as error:
        raise CodecError(f"not a line of JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CodecError("a line of JSON that is no object")
    if text[end:] not in ("\n", ""):
        raise CodecError("more on a line of JSON than one object")
    return raw


def from_plain(raw: dict[str, Any]) -> Any:
    """The message or bare event in a result of ``peek``. Raises ``CodecError`` as ``decode`` does."""
    name = raw.get("type")
    decoder = _DECODERS.get(name) if isinstance(name, str) else None
    if decoder is None:
        raise CodecError(f"unknown type {name!r}")
    try:
        return decoder(raw)
    except KeyError as error:
        raise CodecError(f"no field {error} in a {name}") from error
    except (TypeError, ValueError) as error:
        raise CodecError(f"a field of a {name} has a wrong value: {error}") from error


def to_plain(value: Any) -> Any:
    """*value*, a dataclass of the protocol or a tuple of them, as JSON's own types."""
    return json.loads(_dumps(value))


def _tagged(value: Any) -> dict[str, Any]:
    """The type of *value* and its fields, without those that have their default: most events are mostly defaults."""
    fields = _FIELDS[type(value)]
    cls, *required = (values := fields.values(value))[: fields.start]
    tagged = {"type": cls.__name__, **dict(zip(fields.names, required, strict=False))}
    if (rest := values[fields.start :]) != fields.defaults:
        parts = zip(fields.names[fields.start - 1 :], rest, fields.defaults, strict=True)
        tagged.update((name, part) for name, part, default in parts if part != default)
    return tagged


def _plain(value: Any) -> Any:
    """A member of an enum, or a dataclass within another: all of its fields, defaults too."""
    if isinstance(value, enum.Enum):
        return value.value
    return {name: getattr(value, name) for name in value.__slots__}


def _dumps(value: Any) -> str:
    """*value* as JSON, as by ``JSONEncoder.encode``, which makes another such function for each value."""
    return "".join(_encode(value, 0))


_quoted = json.encoder.encode_basestring_ascii
_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_plain)
_make_encoder: Any = getattr(json.encoder, "c_make_encoder", None)  # of CPython alone
_encode: Any = (
    _make_encoder(None, _plain, _quoted, None, ":", ",", False, False, True) if _make_encoder else _encoder.iterencode
)


def _decoder(cls: type[Any]) -> Callable[[dict[str, Any]], Any]:
    hints = typing.get_type_hints(cls)
    fields = {field.name: _field(hints[field.name]) for field in dataclasses.fields(cls)}
    names = tuple(fields)
    # the types of a value with all fields, if each has one type that JSON has too: most are planned tests
    plain = [next(iter(kinds)) for kinds, convert in fields.values() if len(kinds) == 1 and convert is None]

    def decoder(raw: dict[str, Any]) -> Any:
        if len(raw) == len(plain) == len(names) and tuple(raw) == names and [*map(type, raw.values())] == plain:
            return cls(*raw.values())
        values = {}
        for name, part in raw.items():
            if name in fields:
                kinds, convert = fields[name]
                if type(part) not in kinds:
                    raise TypeError(f"{name} of a {cls.__name__} is a {type(part).__name__}")
                values[name] = part if convert is None or part is None else convert(part)
        try:
            return cls(**values)
        except TypeError:
            for field in dataclasses.fields(cls):
                if field.default is field.default_factory:  # both are missing
                    raw[field.name]  # KeyError names what is missing
            raise

    return decoder


def _field(hint: Any) -> tuple[frozenset[type], Callable[[Any], Any] | None]:
    """The types that JSON has for a value of type *hint*, and the function that converts it; ``None`` where it is the same."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):  # plain types, or one other type with None
        kinds, converters = zip(*map(_field, arguments), strict=True)
        return frozenset().union(*kinds), next(filter(None, converters), None)
    if origin is tuple and arguments[1:] == (Ellipsis,):
        return frozenset({list}), _items(*_field(arguments[0]))
    if origin is typing.Literal:
        return frozenset(map(type, arguments)), None
    if hint in (str, int, float, bool, types.NoneType):
        return frozenset({hint, int} if hint is float else {hint}), None
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return frozenset(type(member.value) for member in hint), hint
    if dataclasses.is_dataclass(hint):
        return frozenset({dict}), _decoder(typing.cast("type[Any]", hint))
    raise TypeError(f"the protocol does not carry {hint!r}")


def _items(kinds: frozenset[type], convert: Callable[[Any], Any] | None) -> Callable[[list[Any]], tuple[Any, ...]]:
    """A function that makes a tuple of a list whose items have one of the types *kinds*."""

    def converter(items: list[Any]) -> tuple[Any, ...]:
        if not kinds.issuperset(map(type, items)):
            raise TypeError(f"a list of {len(items)} has an item of a wrong type")
        return tuple(items) if convert is None else tuple([convert(item) for item in items])

    return converter


_DECODERS = {cls.__name__: _decoder(cls) for cls in _CLASSES}
