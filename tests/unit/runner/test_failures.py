"""The party at fault for an exception, and exceptions that fail to be described."""

import json
from typing import Never

import pytest

from harness.errors import HarnessError, ProjectError
from harness.runner import failures
from harness.runner.failures import FailureDescriber, format_error, own_work


def raised(source, file):
    """The exception that *source*, as the code of *file*, raises."""
    names = {"json": json}
    try:
        exec(compile(source, file, "exec"), names)
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt is one of the cases
        error.__traceback__ = error.__traceback__.tb_next  # without the frame of this function
        return error
    raise AssertionError("nothing was raised")


OURS = f"{failures._OWN_FOLDER}worker.py"


@pytest.mark.parametrize(
    ("source", "file", "fault"),
    [
        ("{}[1]", "/project/shop/broker.py", "project"),
        ("{}[1]", OURS, "harness"),
        ("json.loads('no')", OURS, "harness"),
        ("json.loads('no')", "/project/shop/broker.py", "project"),
        ("raise KeyboardInterrupt", OURS, "project"),
        ("{}[1]", "/project/.venv/lib/site-packages/broker.py", "harness"),
    ],
)
def test_the_innermost_frame_of_ours_or_of_the_project_says_whose_fault_it_is(source: str, file, fault: str) -> None:
    assert FailureDescriber("/project").fault_of(raised(source, file)) == fault


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


def test_an_exception_that_resists_is_told_all_the_same() -> None:
    assert "Unspeakable" in format_error(Unspeakable())


def test_what_our_own_work_raises_is_a_bug_of_ours() -> None:
    with pytest.raises(HarnessError, match="A bug in the harness: KeyError: 1") as caught, own_work():
        {}[1]
    assert caught.value.exit_code == 70
    assert "Traceback" in caught.value.evidence


def test_an_error_that_says_whose_it_is_stays_as_it_is() -> Never:
    with pytest.raises(ProjectError), own_work():
        raise ProjectError("settings")
