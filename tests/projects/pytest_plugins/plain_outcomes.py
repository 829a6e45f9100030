"""A plugin that writes the outcome of each test under plain pytest, in the words of ``expected.py``.

``pytest -n 0 -p plain_outcomes --ds config.sqlite -m "not topology"`` writes ``{id: outcome}`` to the file that
``SHOP_OUTCOMES`` names, or else prints it.
"""

import json
import os
from pathlib import Path

import pytest


def pytest_configure(config):
    config.pluginmanager.register(Outcomes(), "plain_outcomes_of_this_run")


class Outcomes:
    def __init__(self):
        self.found = {}

    def pytest_collectreport(self, report):
        if not report.passed:
            self.found[report.nodeid] = "ERRORED" if report.failed else "SKIPPED"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report):
        yield
        if report.when == "teardown" and report.failed:
            self.found[f"{report.nodeid}::teardown"] = "ERRORED"
        elif report.when == "setup" and not report.passed:
            self.found[report.nodeid] = outcome(report, "ERRORED")
        elif report.when == "call" and report.outcome != "rerun":
            word = outcome(report, "FAILED")
            is_subtest = type(report).__name__ == "SubtestReport"
            if word == "FAILED" or (not is_subtest and self.found.get(report.nodeid) != "FAILED"):
                self.found[report.nodeid] = word

    def pytest_sessionfinish(self):
        text = json.dumps(dict(sorted(self.found.items())), indent=1)
        if name := os.environ.get("SHOP_OUTCOMES"):
            Path(name).write_text(text)
        else:
            print(text)


def outcome(report, failed):
    if report.skipped:
        return "XFAILED" if hasattr(report, "wasxfail") else "SKIPPED"
    if report.passed:
        return "PASSED"
    said = str(report.longrepr)
    return "XPASSED" if said.startswith(("[XPASS(strict)]", "Unexpected success")) else failed
