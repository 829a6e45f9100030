import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol import signatures

KEY = b"0123456789abcdef" * 2
LINES = st.lists(st.binary(max_size=9000).map(lambda data: data.replace(b"\n", b"x") + b"\n"), max_size=4)
NOISE = st.binary(max_size=60)


@given(LINES, st.lists(NOISE, min_size=1, max_size=12))
def test_output_between_pieces_does_not_change_the_lines(lines: list[bytes], noise: list[bytes]) -> None:
    """A pipe takes a piece in one write, so others' output comes before or after it."""
    stream = b""
    for written, piece in enumerate(piece for line in lines for piece in signatures.pieces(line)):
        assert len(signatures.make_key()) + len(piece) <= signatures.PIECE_BYTES
        stream += noise[written % len(noise)] + KEY + piece
    output: list[bytes] = []
    opener = signatures.Opener(KEY, output.append)
    found = [opener.open(line + b"\n") for line in stream.split(b"\n")[:-1]]
    assert [line for line in found if line is not None] == lines
    assert opener.rest == b""


def test_a_line_without_the_key_is_output() -> None:
    output: list[bytes] = []
    opener = signatures.Opener(KEY, output.append)
    assert opener.open(b'{"v":1,"type":"RunFinished"}\n') is None
    assert opener.open(b"half a line" + KEY + b"=event\n") == b"event\n"
    assert output == [b'{"v":1,"type":"RunFinished"}\n', b"half a line"]


def test_an_incomplete_line_is_the_rest() -> None:
    opener = signatures.Opener(KEY, print)
    assert opener.open(KEY + b"=eve") == b"eve"
    assert opener.open(KEY + b"+first\n") is None
    assert opener.rest == b"first"


@pytest.mark.parametrize("number", [0, 1, 7])
def test_a_message_is_accepted_in_its_turn_alone(number: int) -> None:
    line = signatures.signed(KEY, number, b'{"type":"Stop"}\n')
    assert signatures.message_of(KEY, number, line) == b'{"type":"Stop"}\n'
    assert signatures.message_of(KEY, number + 1, line) is None
    assert signatures.message_of(KEY[::-1], number, line) is None
    assert signatures.message_of(KEY, number, line[:-2] + b"x\n") is None
    assert signatures.message_of(KEY, number, b"") is None
