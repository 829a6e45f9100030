"""The table of faults itself: what it says of rows, and of scenes that break off."""

from collections.abc import Iterator
from pathlib import Path

from tests.faults.__main__ import rows_of
from tests.faults.declared import read
from tests.faults.row import Row, table


def test_a_row_is_as_expected_without_difference_and_remains() -> None:
    assert Row("a fault", "exit 1", "exit 1").is_as_expected
    assert not Row("a fault", "exit 1", "exit 0").is_as_expected
    assert not Row("a fault", "exit 1", "exit 1", ("harness-1-runner",)).is_as_expected


def test_what_differs_is_shown() -> None:
    shown = table([Row("a fault", "exit 1", "exit 0", ("harness-1-runner",))])
    assert shown.splitlines() == [
        "  1  NOT AS EXPECTED  a fault",
        "     expected: exit 1",
        "     seen:     exit 0",
        "     left:     harness-1-runner",
    ]


def test_a_scene_that_breaks_off_keeps_its_rows() -> None:
    def scene() -> Iterator[Row]:
        yield Row("a fault", "exit 1", "exit 1")
        raise TimeoutError("no end")

    first, last = rows_of(scene())
    assert first.is_as_expected
    assert not last.is_as_expected
    assert "TimeoutError: no end" in last.seen


def test_classes_of_a_module_say_what_they_expect(tmp_path: Path) -> None:
    module = tmp_path / "test_some.py"
    module.write_text(
        """
class Before:
    '''what classes share'''
    expected = {"test_1": "CRASHED"}

class Inherits(Before):
    '''a fault

    and more of it
    '''
    shows = {"test_1": "a word", "test_2": ("one", "two")}

class Other:
    pass
"""
    )
    (found,) = read(module)
    assert (found.name, found.fault, found.expected) == ("Inherits", "a fault", {"test_1": "CRASHED"})
    assert found.shows == {"test_1": ("a word",), "test_2": ("one", "two")}
