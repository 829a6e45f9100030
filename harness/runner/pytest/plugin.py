"""The plugin with which pytest hands the tests over: it plans what pytest has collected, and workers run the plan."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from .. import unpatched
from ..processes import warning_counts
from . import after_fork, pytest_internals
from .reports.files import written_files

XDIST = {"numprocesses": 0, "dist": "no", "tx": [], "maxprocesses": None}
MARKS = (
    "timeout(seconds): the longest that the test may take",
    "flaky(reruns=1): the test is tried again where it fails",
    "xdist_group(name): the tests of a group run in one worker",
    'harness_mirrors(mode): how mirror aliases are connected, "replica" or "primary"; "auto" is by the fixtures of the test',
)


class Coordinator:
    """The hooks of the process that collects the tests. *run_tests* runs those of a session; *before_collection* is called when
    pytest is configured.

    ``error`` is the exception that ended the session, ``collected`` are the reports of collectors that failed or were skipped,
    ``distribution`` is the option by which xdist was asked for, ``failed`` is the number of tests that pytest and its plugins
    have counted as failed, and ``written`` are the files that plugins have written.
    """

    def __init__(
        self, run_tests: Callable[[pytest.Session], None], before_collection: Callable[[pytest.Session], None]
    ) -> None:
        self.error: BaseException | None = None
        self.collected: list[pytest.CollectReport] = []
        self.distribution = ""
        self.failed = 0
        self.written: tuple[str, ...] = ()
        self.has_run = self.is_running = False
        self._run_tests = run_tests
        self._before_collection = before_collection
        self._sections: list[str] = []
        self._text = unpatched.io.StringIO()

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> None:
        self._turn_off_xdist(early_config.known_args_namespace)

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> None:
        self._turn_off_xdist(config.option)

    def _turn_off_xdist(self, options: Any) -> None:
        number, dist = getattr(options, "numprocesses", None), getattr(options, "dist", "no")
        if not self.distribution and (number or getattr(options, "tx", None) or dist != "no"):
            self.distribution = f"-n {number}" if number else f"--dist {dist}"
        for name, value in XDIST.items():
            if hasattr(options, name):
                setattr(options, name, value)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Any) -> None:
        pytest_internals.silence(config, self._text)
        for mark in MARKS:
            config.addinivalue_line("markers", mark)
        config.harness_testrun_uid = uuid.uuid4().hex
        if not config.pluginmanager.hasplugin("xdist"):
            config.pluginmanager.register(WorkerFixtures(), "harness-worker-fixtures")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        pytest_internals.silence(session.config, self._text)  # a plugin may have put its own reporter in place

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        self._before_collection(session)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed or report.skipped:
            self.collected.append(report)

    def distinct_collected(self) -> list[pytest.CollectReport]:
        """The reports in ``collected``; one of each kind where a file is collected twice, as for its tests and its doctests."""
        kinds = {
            (each.nodeid, each.outcome, each.longreprtext.strip().rpartition("\n")[2]): each for each in self.collected
        }
        return list(kinds.values())

    def pytest_warning_recorded(self, warning_message: Any) -> None:
        if not self.is_running:  # a worker has counted those of its tests
            warning_counts.add(warning_message)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object:
        self.has_run = self.is_running = True
        try:
            self._run_tests(session)
        except BaseException as error:  # noqa: BLE001 - raised again after pytest has ended
            self.error = self.error or error
        self.is_running = False
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.failed = session.testsfailed

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        self.error = self.error or excinfo.value
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.error = self.error or excinfo.value

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        self.written = written_files(config)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_terminal_summary(self) -> Any:
        start = self._text.tell()
        result = yield
        self._sections.append(self._text.getvalue()[start:])
        return result

    @property
    def summary(self) -> str:
        """The sections that plugins have written at the end of pytest's report: coverage, snapshots."""
        return "".join(self._sections)


class WorkerFixtures:
    """The fixtures of pytest-xdist by which projects recognise their worker, where it is not installed."""

    @pytest.fixture(scope="session")
    def worker_id(self, request: pytest.FixtureRequest) -> str:
        """The name of the worker: ``gw0`` and so on, or ``master``."""
        workerinput = getattr(request.config, "workerinput", {"workerid": "master"})
        return str(workerinput["workerid"])

    @pytest.fixture(scope="session")
    def testrun_uid(self, request: pytest.FixtureRequest) -> str:
        """An id that all workers of the run have in common."""
        return after_fork.testrun_uid(request.config)
