"""A session that a plugin has made red at its end."""

import pytest

from harness.runner.pytest.reports.session_end import failure_of


@pytest.mark.parametrize(("status", "failed", "red"), [(0, 0, 0), (1, 2, 2), (5, 0, 0), (1, 0, 3)])
def test_tests_alone_make_no_failure_of_the_session(status: int, failed: int, red: int) -> None:
    assert failure_of(status, failed, red, "FAIL of another kind") is None


@pytest.mark.parametrize(("status", "failed", "red"), [(1, 1, 0), (1, 3, 2), (1, 0, 0), (3, 0, 0)])
def test_a_status_that_no_test_explains_is_a_failure(status: int, failed: int, red: int) -> None:
    failure = failure_of(status, failed, red, "")
    assert failure is not None
    assert failure.message == f"a plugin of pytest has made the session end with exit status {status}"


def test_the_reason_is_the_line_that_says_so() -> None:
    text = "TOTAL 83%\nFAIL Required test coverage of 90% not reached. Total coverage: 83.33%\n"
    failure = failure_of(1, 1, 0, text)
    assert failure is not None
    assert failure.message == "Required test coverage of 90% not reached. Total coverage: 83.33%"
    assert failure.traceback == text
