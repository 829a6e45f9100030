from pathlib import Path

import pytest

from harness.protocol import codec
from harness.protocol.events import Envelope, Notice
from harness.report.artifacts import Artifacts
from harness.report.journal import JournalReader, read_journal

EVENTS = [Envelope(codec.VERSION, 1, 2.0, 0, Notice("a", "b")), Envelope(codec.VERSION, 2, 2.5, 0, Notice("c", "d"))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.ndjson"


def test_a_torn_end_is_left_out(path: Path) -> None:
    whole = "".join(codec.encode(envelope) for envelope in EVENTS)
    path.write_text(whole + codec.encode(EVENTS[0])[:20])
    assert list(read_journal(path)) == EVENTS
    path.write_bytes(whole.encode() + b'{"v":1,"text":"\xc3')
    assert list(read_journal(path)) == EVENTS


def test_lines_after_a_torn_one_are_read(path: Path) -> None:
    with Artifacts.open(path.parent) as artifacts:
        artifacts.append(codec.encode(EVENTS[0]).encode())
        artifacts.append(codec.encode(EVENTS[0])[:20].encode())
        artifacts.append(codec.encode(EVENTS[1]).encode())
    assert list(read_journal(path)) == EVENTS


@pytest.mark.parametrize("line", ['{"v":2}', '{"v":1,"type":"Nobody"}', '{"v":1,"type":"Notice"}', "[]"])
def test_a_line_of_another_protocol_is_an_error(path: Path, line: str) -> None:
    path.write_text(f"{line}\n{codec.encode(EVENTS[0])}")
    with pytest.raises(codec.CodecError):
        list(read_journal(path))


def test_a_growing_journal_is_read_piece_by_piece(path: Path) -> None:
    reader = JournalReader(path)
    with pytest.raises(FileNotFoundError):
        list(reader.read(is_ended=False))
    first, second = (codec.encode(envelope) for envelope in EVENTS)
    path.write_text(first + second[:20])
    assert list(reader.read(is_ended=False)) == EVENTS[:1]
    assert list(reader.read(is_ended=False)) == []
    path.write_text(first + second)
    assert list(reader.read(is_ended=False)) == EVENTS[1:]
    path.write_text(first + second + first.rstrip("\n"))
    assert list(reader.read(is_ended=True)) == EVENTS[:1]
