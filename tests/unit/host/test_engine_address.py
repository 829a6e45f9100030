"""An engine that answers at its socket, and the reasons why none does."""

import socket
import threading
from pathlib import Path

import pytest

from harness.host.engine_address import silence


def serve(path: Path, answer: bytes) -> threading.Thread:
    """A server at *path* that gives one *answer*; none where that is empty."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)

    def answer_once() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            connection.recv(1024)
            if answer:
                connection.sendall(answer)
            else:
                connection.recv(1)  # until the client gives up

    thread = threading.Thread(target=answer_once, daemon=True)
    thread.start()
    return thread


class TestSilence:
    def test_an_engine_that_answers_is_not_silent(self, tmp_path: Path) -> None:
        serve(tmp_path / "s", b"HTTP/1.0 200 OK\r\n\r\nOK")
        assert silence(tmp_path / "s") == ""

    def test_there_may_be_none(self, tmp_path: Path) -> None:
        assert silence(tmp_path / "s") == "no Docker engine answers on this machine"

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 500 Internal Server Error\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
    def test_it_may_not_work(self, tmp_path: Path, answer: bytes) -> None:
        serve(tmp_path / "s", answer)
        assert silence(tmp_path / "s") == "the Docker engine on this machine does not work"

    def test_it_may_hang(self, tmp_path: Path) -> None:
        thread = serve(tmp_path / "s", b"")
        assert silence(tmp_path / "s", 0.1) == "the Docker engine on this machine does not answer within 0.1 s"
        thread.join()
