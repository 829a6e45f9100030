from collections.abc import Sequence

import pytest

from harness.runner.databases.mysql_session import encode, fetch, noted, printable


class Rows:
    """A cursor of a connection that returns bytes."""

    def __init__(self, *rows: Sequence[bytes | None]) -> None:
        self.rows = rows

    def fetchall(self) -> Sequence[Sequence[bytes | None]]:
        return self.rows


def test_bytes_that_are_not_utf8_are_sent_as_they_were() -> None:
    raw = [b"DEFAULT '\xff\xfe\\0'", "é😀".encode(), b"4"]
    ((*read, nothing),) = fetch(Rows([*raw, None]))
    assert [encode(text) for text in read] == raw
    assert read[1:] == ["é😀", "4"]
    assert nothing is None


def test_a_note_is_text_that_a_file_can_hold() -> None:
    assert printable(b"SET @x = '\xff\xc3\xa9'") == printable("SET @x = '\udcffé'") == "SET @x = '\ufffdé'"
    with pytest.raises(ValueError, match="refused") as caught, noted("SET @x = '\udcff'"):
        raise ValueError("refused")
    assert caught.value.__notes__ == ["SET @x = '\ufffd'"]
