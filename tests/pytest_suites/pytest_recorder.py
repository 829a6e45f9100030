"""A plugin of pytest that prints the result of each test as JSON at the end of the run.

Not imported: it is copied into the container with ``recorder.py`` of Django's suite, and ``PYTEST_PLUGINS`` names it. With
pytest-xdist the process that distributes prints. ``tests`` has the calls of each test by its node id, ``fixtures`` those of
tear-downs and modules that failed. A call has its kind, the subtest, the type and the message.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from typing import Any

import pytest
from recorder import print_record, type_name  # type: ignore[import-not-found]  # beside this file in the container

RECORDING = "PYTEST_RECORDER"
"""A variable that is set while a process records, so that a pytest that a test starts does not."""
STRICT, UNEXPECTED = "[XPASS(strict)]", "Unexpected success"
"""The texts with which pytest fails a test that has passed against its mark, and one against unittest's."""


class Recorder:
    """Records the results of one session."""

    def __init__(self) -> None:
        self._tests: dict[str, list[list[str]]] = {}
        self._fixtures: dict[str, list[list[str]]] = {}
        self._exit_code = 0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._fixtures[report.nodeid] = [["error", "", "", _message(report)]]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        calls = self._tests.setdefault(report.nodeid, [])
        kind, cls = _kind(report), getattr(report, "recorded_type", "")
        if kind == "error" and report.when == "teardown":
            place = f"{report.nodeid}::teardown"
            self._fixtures.setdefault(place, []).append([kind, "", cls, _message(report)])
        elif kind:
            calls.append([kind, "", cls if kind in ("error", "failure") else "", _message(report)])

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._exit_code = int(exitstatus)

    def pytest_unconfigure(self) -> None:
        record = {"tests": self._tests, "fixtures": self._fixtures, "exit_code": self._exit_code}
        print_record(json.dumps(record))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add the exception's type, which a report has in its text alone. pytest-xdist sends such attributes."""
    report = yield
    report.recorded_type = type_name(call.excinfo.type) if call.excinfo else ""
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Record this session, unless it belongs to a test or to a worker of pytest-xdist."""
    if RECORDING not in os.environ and not hasattr(config, "workerinput"):
        os.environ[RECORDING] = "1"
        config.pluginmanager.register(Recorder())


def _kind(report: pytest.TestReport) -> str:
    """The kind of the call that unittest would make for *report*; empty for a phase that changes nothing."""
    is_expected = hasattr(report, "wasxfail")
    if report.skipped:
        return "expected failure" if is_expected else "skip"
    if report.failed:
        text = str(report.longrepr).strip()
        if text.startswith(STRICT) or text == UNEXPECTED:
            return "unexpected success"
        return "failure" if report.when == "call" else "error"
    if report.when != "call" or hasattr(report, "context"):  # pytest's subtests have a context
        return ""
    return "success"


def _message(report: pytest.CollectReport | pytest.TestReport) -> str:
    """The reason of a skip or an expected failure, or the exception in one text."""
    if isinstance(report.longrepr, tuple) and not hasattr(report, "wasxfail"):
        return report.longrepr[2].removeprefix("Skipped: ")
    if report.outcome != "failed":
        return str(getattr(report, "wasxfail", ""))
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr)
