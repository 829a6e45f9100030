"""A dataclass of the contract to one JSON line, and back.

Owns the protocol version. Encoders and decoders are built once for each class from its annotations, since a run passes
two events for each test through here.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Callable
from typing import Any

from harness.contract import events, runspec

VERSION = 1

_NAMED: dict[str, type] = {
    cls.__name__: cls for cls in (*typing.get_args(events.Event), *typing.get_args(runspec.Message))
}

_T = typing.TypeVar("_T")


def _once(build: Callable[[type[Any]], _T]) -> Callable[[type[Any]], _T]:
    """Remember what *build* gives for each class."""
    built: dict[type[Any], _T] = {}

    def get(cls: type[Any]) -> _T:
        if cls not in built:
            built[cls] = build(cls)
        return built[cls]

    return get


_dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


class CodecError(ValueError):
    """A line is not of this protocol: torn, of another version, or of an unknown type."""


def encode(envelope: events.Envelope) -> str:
    """*envelope* as one line of JSON, newline included. ASCII alone: lone surrogates survive as escapes."""
    return (
        _dumps(
            {
                "v": envelope.v,
                "seq": envelope.seq,
                "at": envelope.at,
                "slot": envelope.slot,
                **_tagged(envelope.event),
            }
        )
        + "\n"
    )


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


def encode_body(body: events.Event | runspec.Message) -> str:
    """A message or a bare event as one line of JSON: what workers say to the coordinator, and the host to inside."""
    return _dumps(_tagged(body)) + "\n"


def stamp(body: bytes, seq: int, at: float, slot: int, *, is_final: bool = False) -> bytes:
    """A bare event's line with its envelope put around it, without decoding it: what ``encode`` would give.

    ``is_final`` adds ``final``, which a worker never says. The coordinator does this twice for each test.
    """
    head = f'{{"v":{VERSION},"seq":{seq},"at":{at:.6f},"slot":{slot},'
    return (head + '"final":true,' if is_final else head).encode() + body[1:]


def peek(body: bytes) -> dict[str, Any]:
    """A bare event's line as JSON's own types, for a reader that needs a field or two. Raises ``CodecError``."""
    return _loads(body)


def decode_body(line: str | bytes) -> Any:
    """The message or bare event of one line. Raises ``CodecError`` as ``decode`` does."""
    return _untag(_loads(line))


def to_plain(value: Any) -> Any:
    """*value*, a dataclass of the contract or a tuple of them, as JSON's own types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _field_names(type(value))}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


def _loads(line: str | bytes) -> dict[str, Any]:
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise CodecError(f"not a line of JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CodecError("a line of JSON that is no object")
    return raw


def _tagged(value: Any) -> dict[str, Any]:
    cls = type(value)
    return {"type": cls.__name__, **_encoder(cls)(value)}


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
def _encoder(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    hints = typing.get_type_hints(cls)
    fields = tuple(
        (field.name, field.default, field.default is not dataclasses.MISSING, _is_plain(hints[field.name]))
        for field in dataclasses.fields(cls)
    )

    def encoder(value: Any) -> dict[str, Any]:
        raw = {}
        for name, default, is_optional, is_plain in fields:
            part = getattr(value, name)
            if is_optional and (part is default or part == default):
                continue  # the decoder knows it: most events are mostly defaults
            raw[name] = part if is_plain else to_plain(part)
        return raw

    return encoder


@_once
def _decoder(cls: type[Any]) -> Callable[[dict[str, Any]], Any]:
    hints = typing.get_type_hints(cls)
    names = _field_names(cls)
    converters = {name: _converter(hints[name]) for name in names if not _is_plain(hints[name])}
    required = tuple(
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )

    def decoder(raw: dict[str, Any]) -> Any:
        for name in required:
            raw[name]  # KeyError names what is missing
        values = {name: raw[name] for name in names if name in raw}
        for name, convert in converters.items():
            if values.get(name) is not None:
                values[name] = convert(values[name])
        return cls(**values)

    return decoder


def _is_plain(hint: Any) -> bool:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return all(_is_plain(part) for part in typing.get_args(hint))
    return hint in (str, int, float, bool, types.NoneType) or typing.get_origin(hint) is typing.Literal


def _converter(hint: Any) -> Callable[[Any], Any]:
    if _is_plain(hint):
        return lambda value: value
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        parts = [part for part in typing.get_args(hint) if part is not types.NoneType]
        if len(parts) == 1:
            return _converter(parts[0])
    elif origin is tuple and typing.get_args(hint)[1:] == (Ellipsis,):
        item = typing.get_args(hint)[0]
        if _is_plain(item):
            return tuple
        convert = _converter(item)
        return lambda value: tuple(convert(part) for part in value)
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    elif dataclasses.is_dataclass(hint):
        cls = typing.cast("type[Any]", hint)
        # a class is looked up when it is met: classes may name one another
        return lambda value: _decoder(cls)(value)
    raise TypeError(f"the contract does not carry {hint!r}")
