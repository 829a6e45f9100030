"""The exit code of a worker that could not start."""

from typing import Literal

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
def test_a_lost_server_is_no_bug(error: Exception, fault: Literal["project", "harness"], code: ExitCode) -> None:
    assert start_code(error, fault) is code
