"""The evidence of a worker that has died or was ended."""

import pytest

from harness.protocol.results import Outcome
from harness.runner.schedule.commands import Blame
from harness.runner.workers.output_capture import Capture
from harness.runner.workers.postmortem import WorkerRecord, blamed_attempt


@pytest.mark.parametrize(
    ("outcome", "why", "message"),
    [
        (Outcome.CRASHED, "", "worker 1 (pid 7) died with SIGKILL while running this test, in its set-up"),
        (Outcome.TIMED_OUT, "timed out after 3 s", "timed out after 3 s, in its set-up"),
        (Outcome.ERRORED, "the server is gone", "waited for an answer when the run was ended: the server is gone"),
    ],
)
def test_the_place_of_a_death_is_named(outcome: Outcome, why: str, message: str) -> None:
    capture = Capture(1)
    blame = Blame(1, "a.py::test", 1, outcome, 1.0, is_fixture=False, is_final=True, why=why)
    attempt = blamed_attempt(blame, WorkerRecord(7, -9), capture, lambda file: file, "its set-up")
    assert [failure.message for failure in attempt.failures] == [message]
    capture.close()
