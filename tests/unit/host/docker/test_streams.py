"""The engine's framing of a container's output."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from harness.host.docker.streams import STDERR, STDOUT, demultiplex

FRAMES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=300)), max_size=8)


def wire(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BxxxL", stream, len(data)) + data for stream, data in frames)


@given(FRAMES, st.integers(1, 40))
def test_frames_survive_any_cut(frames: list[tuple[int, bytes]], size: int) -> None:
    data = wire(frames)
    assert list(demultiplex(data[start : start + size] for start in range(0, len(data), size))) == frames


def test_a_frame_comes_once_it_is_whole() -> None:
    whole = wire([(STDOUT, b"hello")])
    assert list(demultiplex([whole[:-1]])) == []
    assert next(demultiplex([whole[:-1], whole[-1:]])) == (STDOUT, b"hello")
