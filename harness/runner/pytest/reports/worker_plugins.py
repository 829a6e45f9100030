"""Plugins of pytest in a worker: they count warnings, keep properties, and send reports to the plugins of the coordinator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ....protocol.events import Event, PluginDataSent, ReportsMade, SuitePropertyRecorded
from ....protocol.results import Property
from ...processes import warning_counts
from .. import pytest_internals
from . import encoding
from .listeners import data_takers


class Recorder:
    """Stands in a worker for pytest's own JUnit: fixtures such as ``record_testsuite_property`` call it.

    It is false: hypothesis asks for that, and would add its statistics. ``attributes`` are those of the test that runs.
    """

    def __init__(self, send: Callable[[Event], None], family: str) -> None:
        self.family = family
        self.attributes: list[Property] = []
        self._send = send

    def __bool__(self) -> bool:
        return False

    def add_global_property(self, name: str, value: object) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name parameter needs to be a string, but {type(name).__name__} given")
        self._send(SuitePropertyRecorded(name, str(value)))

    def node_reporter(self, _nodeid: str) -> Recorder:
        return self

    def add_attribute(self, name: str, value: object) -> None:
        self.attributes.append(Property(str(name), str(value)))


class Warnings:
    """Counts the warnings that pytest catches, which Python therefore does not show."""

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        warning_counts.add(warning_message)


class ReportSender:
    """Sends the reports and the warnings of each test."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reports: list[Any] = []
        self._warnings: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        self._reports.append(report)

    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str, location: Any) -> None:
        self._warnings.append(encoding.plain_warning(warning_message, when, nodeid, location))

    def take(self) -> str:
        """The reports and warnings since the last call."""
        reports = [encoding.plain_report(self._config, report) for report in self._reports]
        text = encoding.encode({"reports": reports, "warnings": self._warnings})
        self._reports.clear()
        self._warnings.clear()
        return text


class WorkerPlugins:
    """The plugins of this worker. *has_listeners*: plugins of the coordinator need the reports."""

    def __init__(self, session: pytest.Session, send: Callable[[Event], None], *, has_listeners: bool) -> None:
        self._session = session
        self._send = send
        config = session.config
        self.recorder = Recorder(send, pytest_internals.junit_family(config))
        pytest_internals.use_junit(config, self.recorder)
        config.pluginmanager.register(Warnings(), "harness-warnings")
        self._sender = ReportSender(config) if has_listeners else None
        if self._sender is not None:
            config.pluginmanager.register(self._sender, "harness-report-sender")

    def send_reports(self, test: str, n: int) -> None:
        """Send the reports of the attempt that ends, if the coordinator needs them."""
        if self._sender is not None:
            self._send(ReportsMade(test, n, self._sender.take()))

    def take_attributes(self) -> tuple[Property, ...]:
        if not self.recorder.attributes:
            return ()
        taken = tuple(self.recorder.attributes)
        self.recorder.attributes.clear()
        return taken

    def end(self) -> None:
        """Send the data that plugins hand over by ``workeroutput``, as under pytest-xdist.

        A plugin that takes such data in the coordinator is told that this worker's session ends: then it sends the data.
        """
        config: Any = self._session.config
        manager = config.pluginmanager
        modules = {_module_of(each.plugin) for each in data_takers(config)}
        if modules:
            others = [plugin for plugin in manager.get_plugins() if _module_of(plugin) not in modules]
            manager.subset_hook_caller("pytest_sessionfinish", others)(session=self._session, exitstatus=0)
        if config.workeroutput:
            self._send(PluginDataSent(encoding.encode(config.workeroutput)))


def _module_of(plugin: object) -> str:
    """The name of the module that is *plugin*, or that has its class."""
    return str(getattr(plugin, "__name__", None) or type(plugin).__module__)


def properties_of(pairs: Sequence[Any]) -> tuple[Property, ...]:
    """The ``user_properties`` of an item as plain texts."""
    return tuple(Property(_text(name), _text(value)) for name, value in pairs)


def _text(value: object) -> str:
    try:
        return str(value)
    except BaseException as error:  # noqa: BLE001 - a __str__ of the project's may do anything
        return f"<{type(value).__qualname__}, whose str raised {type(error).__qualname__}>"
