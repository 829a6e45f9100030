"""The output of a runner, in lines and as the end of its standard error."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from harness.host.launch.output import Tail, whole_lines


class TestLines:
    def test_keep_their_newline_which_a_torn_one_lacks(self) -> None:
        assert list(whole_lines([b"one\ntw", b"o\n", b"\nthr", b"ee"])) == [b"one\n", b"two\n", b"\n", b"three"]

    def test_of_no_output_are_none(self) -> None:
        assert list(whole_lines([])) == []
        assert list(whole_lines([b""])) == []

    @given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"x", b"\n"))))
    def test_have_each_byte_once(self, chunks: list[bytes]) -> None:
        lines = list(whole_lines(chunks))
        assert b"".join(lines) == b"".join(chunks)
        assert all(line.endswith(b"\n") for line in lines[:-1])
        assert all(line.count(b"\n") <= 1 for line in lines)

    def test_come_as_soon_as_they_are_whole(self) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"first\nsec"
            raise AssertionError("the second chunk was read before the first line was used")

        assert next(whole_lines(chunks())) == b"first\n"


class TestTail:
    def test_keeps_the_end_and_forwards_all(self) -> None:
        seen: list[bytes] = []
        tail = Tail(seen.append, limit_bytes=10)
        for piece in (b"aaaa", b"bbbb", b"cccc", b"dddd"):
            tail.write(piece)
        assert tail.text() == "bbccccdddd"
        assert b"".join(seen) == b"aaaabbbbccccdddd"

    def test_cuts_a_single_piece_and_takes_bytes_that_are_no_text(self) -> None:
        tail = Tail(None, limit_bytes=4)
        tail.write(b"0123456\xff")
        assert tail.text() == "456\ufffd"

    @given(st.lists(st.binary(max_size=9)), st.integers(1, 20))
    def test_is_the_end_of_all_output(self, pieces: list[bytes], limit: int) -> None:
        tail = Tail(None, limit_bytes=limit)
        for piece in pieces:
            tail.write(piece)
        assert tail.text() == b"".join(pieces)[-limit:].decode(errors="replace")

    def test_has_the_answer_to_a_request_alone(self) -> None:
        tail = Tail(None)
        tail.write(b"before ")
        assert tail.answer(lambda: tail.write(b"the stacks")) == "the stacks"
