import dataclasses
import json
import types
import typing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.protocol import codec, events, messages
from harness.protocol.codec import CodecError
from harness.protocol.events import AttemptFinished, Envelope, Notice
from harness.protocol.results import Failure, Frame, Outcome, PlannedTest

EVENTS = codec._EVENTS
MESSAGES = typing.get_args(messages.Message)

# every character that a Python string can hold, lone surrogates too
text = st.text(alphabet=st.characters(exclude_categories=()), max_size=20).map(
    # a high and a low surrogate side by side are one character to JSON, and ever after
    lambda value: value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
)


def bodies(*classes: type[Any]) -> st.SearchStrategy[Any]:
    return st.one_of([st.builds(cls, **field_strategies(cls)) for cls in classes])


def field_strategies(cls: type[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """A strategy for every field, those with a default too, which ``builds`` would leave at it."""
    hints = typing.get_type_hints(cls)
    return {field.name: strategy_of(hints[field.name]) for field in dataclasses.fields(cls)}


def strategy_of(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(strategy_of(arguments[0]), max_size=3).map(tuple)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([strategy_of(argument) for argument in arguments])
    if dataclasses.is_dataclass(hint):
        cls = typing.cast("type[Any]", hint)
        return st.builds(cls, **field_strategies(cls))
    if hint is str:
        return text
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.from_type(hint)


LINE = codec.encode(Envelope(codec.VERSION, 1, 2.5, 0, AttemptFinished("t", 1, Outcome.FAILED, 0.1)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class TestLine:
    @settings(max_examples=30)
    @given(bodies(*EVENTS), st.integers(0, 10**9), st.floats(0, 1e11), st.integers(0, 64))
    def test_an_event_comes_back_with_its_envelope(self, event: events.Event, seq: int, at: float, slot: int) -> None:
        envelope = Envelope(codec.VERSION, seq, at, slot, event)
        assert codec.decode(codec.encode(envelope)) == envelope

    @pytest.mark.parametrize("cls", [*EVENTS, *MESSAGES], ids=lambda cls: cls.__name__)
    def test_every_event_and_message_comes_back_as_it_was(self, cls: type[Any]) -> None:
        @settings(max_examples=20)
        @given(bodies(cls))
        def comes_back(body: Any) -> None:
            assert codec.decode_body(codec.encode_body(body)) == body

        comes_back()

    @settings(max_examples=30)
    @given(bodies(*EVENTS))
    def test_a_line_is_ascii_and_only_one(self, event: events.Event) -> None:
        line = codec.encode(Envelope(codec.VERSION, 1, 0.0, 0, event))
        assert line.isascii()
        assert line.endswith("\n")
        assert len(line.splitlines()) == 1

    @settings(max_examples=30)
    @given(bodies(*EVENTS), st.integers(1, 10**9), st.floats(0, 1e10).map(lambda at: round(at, 6)), st.integers(0, 64))
    def test_a_stamped_line_decodes_to_the_same_envelope(
        self, event: events.Event, seq: int, at: float, slot: int
    ) -> None:
        stamped = codec.stamp(codec.encode_body(event).encode(), seq, at, slot)
        assert codec.decode(stamped) == Envelope(codec.VERSION, seq, at, slot, event)

    def test_a_stamp_can_make_an_attempt_final(self) -> None:
        attempt = AttemptFinished("shop.T.t", 1, Outcome.PASSED, 0.1)
        stamped = codec.stamp(codec.encode_body(attempt).encode(), 7, 1.5, 2, ["final", "at_once"])
        assert codec.decode(stamped) == Envelope(1, 7, 1.5, 2, dataclasses.replace(attempt, final=True, at_once=True))

    def test_defaults_are_left_out_of_a_line(self) -> None:
        line = codec.encode_body(AttemptFinished("shop.T.t", 1, Outcome.PASSED, 0.1))
        assert json.loads(line) == {
            "type": "AttemptFinished",
            "test": "shop.T.t",
            "n": 1,
            "outcome": "PASSED",
            "duration": 0.1,
        }

    def test_an_unknown_field_is_ignored(self) -> None:
        assert codec.decode_body('{"type":"Notice","code":"a","text":"b","colour":"red"}') == Notice("a", "b")

    def test_nested_data_has_its_types_again(self) -> None:
        failure = Failure("error", "ValueError", "no", "Traceback", (Frame("a.py", 3, "f"),), "(i=1)")
        event = AttemptFinished("t", 2, Outcome.ERRORED, 0.5, (failure,), extra=PlannedTest("t", "c", "n"))
        back = codec.decode_body(codec.encode_body(event))
        assert back.outcome is Outcome.ERRORED
        assert back.failures[0].frames[0] == Frame("a.py", 3, "f")
        assert isinstance(back.failures, tuple)

    def test_an_exit_code_comes_back_as_one(self) -> None:
        back = codec.decode_body(codec.encode_body(events.RunAborted(ExitCode.SERVERS, "no Docker")))
        assert back.exit_code is ExitCode.SERVERS


class TestOtherLines:
    @pytest.mark.parametrize("length", range(len(LINE.rstrip())))
    def test_a_torn_line_is_refused(self, length: int) -> None:
        with pytest.raises(CodecError):
            codec.decode(LINE[:length])

    @given(st.binary(max_size=60))
    def test_any_bytes_are_refused_or_read(self, data: bytes) -> None:
        for decode in (codec.decode, codec.decode_body, codec.peek):
            try:
                decode(data)
            except CodecError:
                continue

    @given(bodies(*EVENTS), st.data())
    def test_any_value_of_a_field_is_refused_or_read(self, event: events.Event, data: st.DataObject) -> None:
        raw = json.loads(codec.encode(Envelope(codec.VERSION, 1, 0.0, 0, event)))
        raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(json_values)
        try:
            codec.decode(json.dumps(raw))
        except CodecError:
            return

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"v": 2}, "protocol version 2, this is 1"),
            ({"v": None}, "protocol version None"),
            ({"type": "AttemptVanished"}, "unknown type 'AttemptVanished'"),
            ({"type": None}, "unknown type None"),
            ({"type": ["Notice"]}, "unknown type"),
            ({"outcome": "LOST"}, "LOST"),
            ({"failures": 3}, "AttemptFinished"),
            ({"extra": "x"}, "AttemptFinished"),
            ({"test": 7}, "test of a AttemptFinished is a int"),
            ({"failures": [3]}, "AttemptFinished"),
            (
                {"sql": [{"at": 0, "alias": 7, "role": "primary", "sql": "", "duration": 0}]},
                "alias of a Statement is a int",
            ),
        ],
    )
    def test_a_line_of_another_protocol_is_refused(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(CodecError, match=message):
            codec.decode(json.dumps({**json.loads(LINE), **change}))

    @pytest.mark.parametrize(
        ("missing", "message"),
        [
            ("v", "version None"),
            ("type", "type None"),
            ("seq", "'seq'"),
            ("at", "'at'"),
            ("slot", "'slot'"),
            ("test", "'test'"),
            ("outcome", "'outcome'"),
        ],
    )
    def test_a_missing_field_is_named(self, missing: str, message: str) -> None:
        raw = json.loads(LINE)
        del raw[missing]
        with pytest.raises(CodecError, match=message):
            codec.decode(json.dumps(raw))

    def test_a_type_that_cannot_be_decoded_is_refused(self) -> None:
        @dataclasses.dataclass
        class Odd:
            value: dict[str, int]

        with pytest.raises(TypeError, match="does not carry"):
            codec._decoder(Odd)
