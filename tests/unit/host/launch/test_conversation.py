"""What both ways to run inside share."""

from hypothesis import given
from hypothesis import strategies as st

from harness.host.launch.conversation import Tail, whole_lines


def test_lines_keep_their_newline_and_a_torn_one_has_none() -> None:
    assert list(whole_lines([b"one\ntw", b"o\n", b"\nthr", b"ee"])) == [b"one\n", b"two\n", b"\n", b"three"]


def test_nothing_is_no_line() -> None:
    assert list(whole_lines([])) == []
    assert list(whole_lines([b""])) == []


@given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"x", b"\n"))))
def test_no_byte_is_lost_or_added(chunks) -> None:
    lines = list(whole_lines(chunks))
    assert b"".join(lines) == b"".join(chunks)
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(line.count(b"\n") <= 1 for line in lines)


def test_a_line_is_given_out_as_soon_as_it_is_whole() -> None:
    def chunks():
        yield b"first\nsec"
        raise AssertionError("the second chunk was asked for before the first line was used")

    assert next(whole_lines(chunks())) == b"first\n"


def test_a_tail_keeps_the_end_and_hands_all_of_it_on() -> None:
    seen = []
    tail = Tail(seen.append, limit_bytes=10)
    for piece in (b"aaaa", b"bbbb", b"cccc", b"dddd"):
        tail.write(piece)
    assert tail.text() == "bbccccdddd"
    assert b"".join(seen) == b"aaaabbbbccccdddd"


def test_a_tail_keeps_the_end_of_a_single_piece_and_survives_bytes_that_are_no_text() -> None:
    tail = Tail(None, limit_bytes=4)
    tail.write(b"0123456\xff")
    assert tail.text() == "456�"


@given(st.lists(st.binary(max_size=9)), st.integers(1, 20))
def test_a_tail_is_the_end_of_all_that_was_written(pieces, limit) -> None:
    tail = Tail(None, limit_bytes=limit)
    for piece in pieces:
        tail.write(piece)
    assert tail.text() == b"".join(pieces)[-limit:].decode(errors="replace")
