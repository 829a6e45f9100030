"""The engine's framing of a container's output, and a connection for another process."""

import os
import socket
import struct
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from harness.host.docker.streams import STDERR, STDOUT, Connection, demultiplex

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


class TestGiveAway:
    def test_another_process_holds_the_connection(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            given = Connection(SimpleNamespace(_sock=ours)).give_away()
            assert given is not None
            theirs.settimeout(5)
            os.write(given, b"held")
            assert theirs.recv(10) == b"held"
            os.close(given)
            assert theirs.recv(10) == b""

    def test_one_over_ssh_is_not_given(self) -> None:
        class SSHSocket(socket.socket):
            """As that of the Docker client, it speaks through a process."""

        ours, theirs = socket.socketpair()
        with theirs, SSHSocket(fileno=ours.detach()) as over_ssh:
            assert Connection(over_ssh).give_away() is None
            assert over_ssh.fileno() > 0
