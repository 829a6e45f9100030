"""A plugin that keeps what an error of pytest needs for its explanation, and ends a session that could run no test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ...failures import project_root
from .. import pytest_internals
from . import modes


class Observer:
    """The options of pytest and its plugins, and the reports of all collectors, which pytest drops where a node id is unknown."""

    def __init__(self) -> None:
        self._parser: pytest.Parser | None = None
        self._reports: list[pytest.CollectReport] = []

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        self._parser = parser

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        if refusal := modes.refusal(config, project_root()):
            raise refusal

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Any:
        report = yield
        self._reports.append(report)
        return report

    def options(self) -> list[str]:
        return pytest_internals.options_known(self._parser) if self._parser is not None else []

    def node_ids(self) -> Iterator[str]:
        """The ids of all nodes that were collected."""
        for report in self._reports:
            if report.passed:
                yield from (node.nodeid for node in report.result)

    def failed(self) -> dict[str, str]:
        """The text of the error of each collector that failed, by its node id."""
        return {report.nodeid: report.longreprtext for report in self._reports if report.failed}
