"""Encodes a dataclass of the protocol as one JSON line, and decodes it.

Owns the protocol version. Encoders and decoders are built once for each class from its annotations, since a run passes two
events for each test through here.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import operator
import types
import typing
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import Any

from . import events, messages

VERSION = 1

_NAMED: dict[str, type] = {
    cls.__name__: cls for cls in (*typing.get_args(events.Event), *typing.get_args(messages.Message))
}

_T = typing.TypeVar("_T")


def _once(build: Callable[[type[Any]], _T]) -> Callable[[type[Any]], _T]:
    """Cache the result of *build* for each class."""
    built: dict[type[Any], _T] = {}

    def get(cls: type[Any]) -> _T:
        if cls not in built:
            built[cls] = build(cls)
        return built[cls]

    return get


_dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode
_parse = json.JSONDecoder().raw_decode


class CodecError(ValueError):
    """A line is not of this protocol: torn, of another version, or of an unknown type."""


def encode(envelope: events.Envelope) -> str:
    """*envelope* as one line of JSON, newline included. ASCII alone: lone surrogates survive as escapes."""
    at, slot = _scalar(envelope.at), envelope.slot
    return f'{{"v":{envelope.v},"seq":{envelope.seq},"at":{at},"slot":{slot},{_tagged(envelope.event)}}}\n'


def decode(line: str | bytes) -> events.Envelope:
    """The envelope of one line.

    Raises ``CodecError`` when the line is torn, of another protocol version, or of an unknown type.
    """
    raw = _loads(line)
    if raw.get("v") != VERSION:
        raise CodecError(f"protocol version {raw.get('v')!r}, this is {VERSION}")
    event = _untag(raw)
    try:
        return events.Envelope(raw["v"], raw["seq"], raw["at"], raw["slot"], event)
    except KeyError as error:
        raise CodecError(f"no field {error} around a {raw['type']}") from error


def encode_body(body: events.Event | messages.Message) -> str:
    """A message or a bare event as one line of JSON: the format from workers to the coordinator, and from host to runner."""
    return f"{{{_tagged(body)}}}\n"


def stamp(body: bytes, seq: int, at: float, slot: int, *, is_final: bool = False) -> bytes:
    """A bare event's line with its envelope put around it, without decoding it: what ``encode`` would give.

    ``is_final`` adds ``final``, which a worker never sends. The coordinator does this twice for each test.
    """
    head = f'{{"v":{VERSION},"seq":{seq},"at":{at:.6f},"slot":{slot},'
    return (head + '"final":true,' if is_final else head).encode() + body[1:]


def peek(body: bytes) -> dict[str, Any]:
    """A bare event's line as JSON's own types, for a reader that needs a field or two. Raises ``CodecError``."""
    return _loads(body)


def decode_body(line: str | bytes) -> Any:
    """The message or bare event of one line. Raises ``CodecError`` as ``decode`` does."""
    return _untag(_loads(line))


def from_plain(raw: dict[str, Any]) -> Any:
    """The message or bare event in a result of ``peek``. Raises ``CodecError`` as ``decode`` does."""
    return _untag(raw)


def to_plain(value: Any) -> Any:
    """*value*, a dataclass of the protocol or a tuple of them, as JSON's own types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _field_names(type(value))}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


def _loads(line: str | bytes) -> dict[str, Any]:
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


def _tagged(value: Any) -> str:
    """The type and the fields of *value* as JSON, without the braces of the object."""
    return _encoder(type(value))(value)


def _untag(raw: dict[str, Any]) -> Any:
    name = raw.get("type")
    cls = _NAMED.get(name) if isinstance(name, str) else None
    if cls is None:
        raise CodecError(f"unknown type {name!r}")
    try:
        return _decoder(cls)(raw)
    except KeyError as error:
        raise CodecError(f"no field {error} in a {name}") from error
    except (TypeError, ValueError) as error:
        raise CodecError(f"a {name} that holds what it cannot: {error}") from error


@_once
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


@_once
def _encoder(cls: type[Any]) -> Callable[[Any], str]:
    tag = f'"type":"{cls.__name__}"'
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    always = tuple(field.name for field in fields if field.default is dataclasses.MISSING)
    sometimes = tuple(field.name for field in fields if field.default is not dataclasses.MISSING)
    writers = {name: (f',"{name}":', _writer(hints[name])) for name in _field_names(cls)}
    defaults = tuple(field.default for field in fields if field.name in sometimes)
    always_of, sometimes_of = _values_of(always), _values_of(sometimes)

    def encoder(value: Any) -> str:
        text = tag
        for name, part in zip(always, always_of(value), strict=True):
            key, write = writers[name]
            text += key + write(part)
        parts = sometimes_of(value)
        if parts != defaults:  # defaults are left out, since the decoder knows them: most events are mostly defaults
            for name, part, default in zip(sometimes, parts, defaults, strict=True):
                if part != default:
                    key, write = writers[name]
                    text += key + write(part)
        return text

    return encoder


def _values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that returns the attributes *names* of a value as a tuple, for any number of names."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


def _writer(hint: Any) -> Callable[[Any], str]:
    """A function that encodes a value of type *hint* as JSON."""
    if hint is str:
        return encode_basestring_ascii
    if hint is int:
        return int.__repr__
    if _is_plain(hint):
        return _scalar
    if (part := _optional(hint)) is not None:
        write = _writer(part)
        return lambda value: "null" if value is None else write(value)
    if (item := _item(hint)) is not None:
        write_item = _writer(item)
        return lambda value: f"[{','.join(map(write_item, value))}]"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return lambda member: _scalar(member.value)
    if dataclasses.is_dataclass(hint):
        cls = typing.cast("type[Any]", hint)
        # a class is looked up at the first use: classes may refer to one another
        return lambda value: _whole_encoder(cls)(value)
    raise TypeError(f"the protocol does not carry {hint!r}")


@_once
def _whole_encoder(cls: type[Any]) -> Callable[[Any], str]:
    """The encoder of a dataclass within another: every field, defaults too."""
    hints = typing.get_type_hints(cls)
    values_of = _values_of(_field_names(cls))
    fields = tuple((f'"{name}":', _writer(hints[name])) for name in _field_names(cls))

    def encoder(value: Any) -> str:
        parts = [key + write(part) for part, (key, write) in zip(values_of(value), fields, strict=True)]
        return f"{{{','.join(parts)}}}"

    return encoder


def _scalar(value: Any) -> str:
    """*value*, of one of JSON's own types, as JSON. Strings and numbers skip the encoder, which is set up anew for each call."""
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is int or (kind is float and isfinite(value)):
        return repr(value)
    return _dumps(value)


@_once
def _decoder(cls: type[Any]) -> Callable[[dict[str, Any]], Any]:
    hints = typing.get_type_hints(cls)
    converters = {name: None if _is_plain(hints[name]) else _converter(hints[name]) for name in _field_names(cls)}
    required = tuple(
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )

    def decoder(raw: dict[str, Any]) -> Any:
        if not isinstance(raw, dict):
            raise TypeError(f"{raw!r} where a {cls.__name__} is due")
        values = {}
        for name, part in raw.items():
            if name in converters:
                convert = converters[name]
                values[name] = part if convert is None or part is None else convert(part)
        try:
            return cls(**values)
        except TypeError:
            for name in required:
                raw[name]  # KeyError names what is missing
            raise

    return decoder


def _is_plain(hint: Any) -> bool:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return all(_is_plain(part) for part in typing.get_args(hint))
    return hint in (str, int, float, bool, types.NoneType) or typing.get_origin(hint) is typing.Literal


def _optional(hint: Any) -> Any:
    """The type that *hint* joins with ``None``; ``None`` where it is no such union."""
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return None
    parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
    return parts[0] if len(parts) == 1 else None


def _item(hint: Any) -> Any:
    """The type of the items of a tuple of any length; ``None`` where *hint* is no such tuple."""
    arguments = typing.get_args(hint)
    return arguments[0] if typing.get_origin(hint) is tuple and arguments[1:] == (Ellipsis,) else None


def _converter(hint: Any) -> Callable[[Any], Any]:
    if _is_plain(hint):
        return lambda value: value
    if (part := _optional(hint)) is not None:
        return _converter(part)
    if (item := _item(hint)) is not None:
        if _is_plain(item):
            return tuple
        convert = _converter(item)
        return lambda value: tuple([convert(part) for part in value])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if dataclasses.is_dataclass(hint):
        cls = typing.cast("type[Any]", hint)
        # a class is looked up at the first use: classes may refer to one another
        return lambda value: _decoder(cls)(value)
    raise TypeError(f"the protocol does not carry {hint!r}")
