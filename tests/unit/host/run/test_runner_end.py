"""The errors for ends of the runner's process that contradict its journal."""

from __future__ import annotations

import pytest

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.launch.conversation import Ended
from harness.host.run.runner_end import end_error
from harness.protocol.events import RunAborted, RunFinished

ABORTED = RunAborted(ExitCode.PROJECT, "The settings cannot be loaded.")


@pytest.mark.parametrize(
    ("end", "status"), [(RunFinished(0), 0), (RunFinished(2), 0), (ABORTED, 4)], ids=["green", "red", "aborted"]
)
def test_a_status_that_agrees_with_the_journal_is_no_error(end: RunFinished | RunAborted, status: int) -> None:
    assert end_error(end, Ended(status), "") is None


@pytest.mark.parametrize(("end", "status"), [(RunFinished(0), 1), (RunFinished(2), -9), (ABORTED, 0)])
def test_a_status_that_contradicts_the_journal_is_a_bug(end: RunFinished | RunAborted, status: int) -> None:
    error = end_error(end, Ended(status), "Traceback")
    assert isinstance(error, HarnessError)
    assert error.exit_code == ExitCode.INTERNAL
    assert error.message == f"The runner reported {type(end).__name__} and then ended with status {status}."
    assert error.evidence == "Traceback"


class TestWithoutAnEndInTheJournal:
    def test_a_full_memory_is_the_cause(self) -> None:
        error = end_error(None, Ended(-9, oom_killed=True), "")
        assert isinstance(error, ServerError)
        assert error.message == "The runner's container ran out of memory."

    def test_a_signal_is_the_cause(self) -> None:
        error = end_error(None, Ended(-9), "")
        assert isinstance(error, ServerError)
        assert error.message == "The runner was ended by SIGKILL before it reported the end of the run."

    @pytest.mark.parametrize(
        ("stderr", "begin"), [("", "journal.ndjson"), ("Traceback", "The end of its error stream")]
    )
    def test_a_status_is_a_bug(self, stderr: str, begin: str) -> None:
        error = end_error(None, Ended(0), stderr)
        assert isinstance(error, HarnessError)
        assert (error.exit_code, error.evidence) == (ExitCode.INTERNAL, stderr)
        assert error.message == "The runner ended with status 0 before it reported the end of the run."
        assert error.hint.startswith(begin)
