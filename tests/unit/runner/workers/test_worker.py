"""The exit code of a worker that could not start."""

import pytest
from django.db import InterfaceError, OperationalError

from harness.errors import ExitCode
from harness.runner.workers.worker import start_code


@pytest.mark.parametrize(
    ("error", "fault", "code"),
    [
        (OperationalError("Lost connection to server"), "harness", ExitCode.SERVERS),
        (InterfaceError("connection already closed"), "harness", ExitCode.SERVERS),
        (OperationalError("no such table"), "project", ExitCode.PROJECT),
        (RuntimeError("no broker"), "project", ExitCode.PROJECT),
        (AttributeError("a bug"), "harness", ExitCode.INTERNAL),
    ],
)
def test_a_server_that_goes_while_a_worker_starts_is_no_bug(error, fault: str, code: ExitCode) -> None:
    assert start_code(error, fault) is code
