"""The party at fault for an exception, and exceptions that fail to be described."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError, ProjectError
from harness.runner import failures
from harness.runner.failures import FailureDescriber, format_error, own_work


def raised(source: str, file: str) -> BaseException:
    """The exception that *source* raises as the code of *file*."""
    try:
        exec(compile(source, file, "exec"), {"json": json})
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt is one of the cases
        own_frame = error.__traceback__
        return error.with_traceback(own_frame and own_frame.tb_next)
    raise AssertionError("nothing was raised")


OURS = str(Path(failures.__file__).parent / "worker.py")


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
def test_the_innermost_frame_decides_the_fault(source: str, file: str, fault: str) -> None:
    assert FailureDescriber("/project").fault_of(raised(source, file)) == fault


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


def test_an_exception_without_a_message_can_be_formatted() -> None:
    assert "Unspeakable" in format_error(Unspeakable())


def test_an_error_in_own_work_is_a_bug_of_the_harness() -> None:
    with pytest.raises(HarnessError, match="A bug in the harness: KeyError: 1") as caught, own_work():
        raise KeyError(1)
    assert caught.value.exit_code == 70
    assert "Traceback" in caught.value.evidence


def test_own_work_keeps_a_harness_error() -> None:
    with pytest.raises(ProjectError), own_work():
        raise ProjectError("settings")
