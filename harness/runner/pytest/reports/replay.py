"""Calls the plugins of the coordinator for each test that a worker has run, as pytest would have done."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ....protocol.events import AttemptFinished
from ....protocol.results import PlannedTest
from ...failures import message_of, type_name
from .. import pytest_internals
from ..after_fork import worker_name
from . import encoding
from .listeners import data_takers


class Replay:
    """The reports of each test are kept until its outcome is final, and then replayed together.

    ``error`` is the first exception that a plugin has raised: no plugin is called after it. *items* are those of *tests*.
    """

    def __init__(
        self,
        session: pytest.Session,
        tests: Sequence[PlannedTest],
        items: Sequence[Any],
        notify: Callable[[str, str], None],
        *,
        has_listeners: bool,
    ) -> None:
        self.error: BaseException | None = None
        self._session = session
        self._items = {test.id: item for test, item in zip(tests, items, strict=True)}
        self._notify = notify
        self._has_listeners = has_listeners
        self._kept: dict[str, str] = {}

    def reports_made(self, test: str, reports: str) -> None:
        """Keep the *reports* of *test*, in place of those of an earlier attempt."""
        self._kept[test] = reports

    def attempt_finished(self, test: str, *, is_final: bool) -> str:
        """Replay the reports of *test* if its outcome is final. Returns why the run has to stop; empty if it has not."""
        text = self._kept.pop(test, None)
        item = self._items.get(test)
        if text is None or item is None or not is_final or self.error is not None:
            return ""
        try:
            self._replay(item, encoding.decode(text))
        except BaseException as error:  # noqa: BLE001 - the project's plugins may raise anything
            self.error = error
            return f"a plugin raised {type(error).__name__}"
        return str(self._session.shouldstop or self._session.shouldfail or "")

    def attempt_blamed(self, event: AttemptFinished) -> None:
        """Report a test whose worker has died, or was ended, as pytest-xdist does: one failed report."""
        self._kept.pop(event.test, None)
        item = self._items.get(event.test)
        if item is None or self.error is not None or not self._has_listeners:
            return
        message = event.failures[0].message if event.failures else event.reason or event.outcome.value
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", message, "call", duration=event.duration)
        try:
            self._call(item, [report])
        except BaseException as error:  # noqa: BLE001 - the same
            self.error = error

    def property_recorded(self, name: str, value: str) -> None:
        """Add a property of the suite to pytest's own JUnit, if it is written."""
        pytest_internals.add_junit_property(self._session.config, name, value)

    def plugin_data_sent(self, output: str, slot: int) -> None:
        """Hand the data that a worker's plugins have sent to those of the coordinator."""
        config: Any = self._session.config
        for taker in data_takers(config):
            try:
                node = types.SimpleNamespace(
                    config=config, workeroutput=encoding.decode(output), workerinput={"workerid": worker_name(slot)}
                )
                known = {"node": node, "error": None}
                taker.function(*(known[name] for name in taker.argnames))
            except BaseException as error:  # noqa: BLE001 - the same
                self._notify(
                    "plugin-data",
                    f"{taker.function.__module__} could not take the data of {worker_name(slot)}: "
                    f"{type_name(type(error))}: {message_of(error)}",
                )

    def _replay(self, item: Any, made: Any) -> None:
        config = self._session.config
        for each in made["warnings"]:
            config.hook.pytest_warning_recorded.call_historic(
                kwargs={
                    "warning_message": encoding.warning_of(each),
                    "when": str(each["when"]),
                    "nodeid": str(each["nodeid"]),
                    "location": each["location"] and tuple(each["location"]),
                }
            )
        self._call(item, encoding.reports_of(config, made["reports"], item.nodeid))

    def _call(self, item: Any, reports: Sequence[Any]) -> None:
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
