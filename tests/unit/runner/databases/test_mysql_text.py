"""Definitions with bytes that are not UTF-8 are sent as they were read, and shown as text that any report can hold."""

from typing import Never

import pytest

from harness.runner.databases.mysql_schema import noted
from harness.runner.databases.mysql_text import encode, fetch, printable


class Rows:
    """A cursor of a connection that returns bytes."""

    def __init__(self, *rows) -> None:
        self.rows = rows

    def fetchall(self):
        return self.rows


def test_what_is_read_is_sent_as_it_was() -> None:
    raw = [b"DEFAULT '\xff\xfe\\0'", "é😀".encode(), b"4"]
    ((*read, nothing),) = fetch(Rows([*raw, None]))
    assert [encode(text) for text in read] == raw
    assert read[1:] == ["é😀", "4"]
    assert nothing is None


def test_a_statement_is_told_in_characters_that_a_file_takes() -> Never:
    assert printable(b"SET @x = '\xff\xc3\xa9'") == printable("SET @x = '\udcffé'") == "SET @x = '\ufffdé'"
    with pytest.raises(ValueError, match="refused") as caught, noted("SET @x = '\udcff'"):
        raise ValueError("refused")
    assert caught.value.__notes__ == ["SET @x = '\ufffd'"]
