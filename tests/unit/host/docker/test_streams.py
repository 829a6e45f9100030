"""The engine's framing of a container's output."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from harness.host.docker.streams import STDERR, STDOUT, Demultiplexer

FRAMES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=300)), max_size=8)


def wire(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BxxxL", stream, len(data)) + data for stream, data in frames)


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1))
def test_frames_survive_any_cut(frames: list[tuple[int, bytes]], sizes: list[int]) -> None:
    data, demultiplexer, seen = wire(frames), Demultiplexer(), []
    position = turn = 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        seen += demultiplexer.feed(data[position : position + size])
        position, turn = position + size, turn + 1
    assert seen == frames


def test_a_frame_that_is_torn_is_kept_back() -> None:
    demultiplexer = Demultiplexer()
    whole = wire([(STDOUT, b"hello")])
    assert demultiplexer.feed(whole[:-1]) == []
    assert demultiplexer.feed(whole[-1:]) == [(STDOUT, b"hello")]
