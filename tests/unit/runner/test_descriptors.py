"""Memory that outlives the process that writes to it."""

import os

import pytest

from harness.runner.descriptors import MemoryFile, Note


def test_text_is_taken_once() -> None:
    file = MemoryFile("test")
    assert file.take() == ""
    for text in ("one\n", "two\n"):
        os.write(file.fd, text.encode())
        assert file.take() == text
    assert file.take() == ""
    assert file.text() == "one\ntwo\n"
    file.close()


@pytest.mark.parametrize(
    "text", ["", "its tear-down", "\udc80", "x" * 10_000], ids=["nothing", "a word", "no text", "much"]
)
def test_a_note_of_a_dead_process_is_there(text: str) -> None:
    note = Note()
    note.write("the note before it, which is longer")
    pid = os.fork()
    if not pid:
        note.write(text)
        os._exit(0)
    os.waitpid(pid, 0)
    assert note.text() == text.encode(errors="backslashreplace").decode()[:4094]
    note.clear()
    assert note.text() == ""
    note.close()
