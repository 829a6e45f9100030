"""A project with many plugins of pytest: outcomes, reports and coverage are those of pytest itself, with 8 and with 9."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.protocol.events import FilesWritten, PluginsSummarised, SuitePropertyRecorded, WarningsCounted
from harness.protocol.messages import RunSpec
from harness.protocol.results import Property
from tests.environments import python_with
from tests.runner.conversation import PROJECTS, Journal, run

PROJECT = PROJECTS / "pytest_plugins"
PATIENCE_S = 120
WRITERS = ("--cov", "--cov-fail-under=100", "--junitxml=report.xml", "--html=report.html", "--json-report")


@dataclass(frozen=True)
class Runs:
    """The project's folder after both runs, the outcomes and the summary of pytest itself, and the journal of the harness."""

    folder: Path
    plain: dict[str, str]
    text: str
    journal: Journal

    @property
    def summary(self) -> str:
        """The text of plugins at the end of the run of the harness."""
        return self.journal.one(PluginsSummarised).text


@functools.cache
def python_of(version: int) -> Path:
    more = ["pytest-subtests"] if version == 8 else []
    return python_with(
        f"pytest-plugins-{version}", "-r", str(PROJECT / "requirements.txt"), f"pytest=={version}.*", *more
    )


@pytest.fixture(scope="module", params=[8, 9])
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    python = python_of(request.param)
    folder = tmp_path_factory.mktemp("plugins") / "project"
    shutil.copytree(PROJECT, folder)
    shutil.copy(PROJECT.with_name("pytest_shop") / "plain_outcomes.py", folder)
    environment = {"PATH": f"{python.parent}:{os.environ['PATH']}", "SHOP_OUTCOMES": str(folder / "plain.json")}
    command = (python, "-m", "pytest", "-n", "0", "-p", "plain_outcomes", "--continue-on-collection-errors", "--cov")
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert process.returncode == 1, process.stdout[-3000:]
    spec = RunSpec(framework="pytest", workers=2, timeout_s=60.0, pytest_args=WRITERS)
    journal = run(folder, spec, python=str(python), env={"PATH": environment["PATH"]})
    return Runs(folder, json.loads((folder / "plain.json").read_text()), process.stdout, journal)


def summary_of(text: str) -> dict[str, Any]:
    """The line that the project's conftest.py writes at the end."""
    (line,) = [line for line in text.splitlines() if line.startswith('{"data":')]
    return dict(json.loads(line))


def test_each_item_has_the_outcome_of_pytest(runs: Runs) -> None:
    assert runs.journal.status == 1
    assert {event.test: event.outcome.value for event in runs.journal.attempts if event.final} == runs.plain


def test_plugins_of_the_coordinator_hear_of_each_test(runs: Runs) -> None:
    plain, ours = summary_of(runs.text), summary_of(runs.summary)
    assert ours["data"] == ["gw0", "gw1"]
    for key in ("heard", "passed", "failed", "skipped", "xfailed", "xpassed", "error"):
        assert ours[key] == plain[key], key


def test_coverage_is_complete_as_with_pytest(runs: Runs) -> None:
    for text in (runs.text, runs.summary):
        assert "shop/prices.py         6      0      2      0   100%" in text
    assert "Required test coverage of 100% reached" in runs.summary


def test_junit_of_pytest_itself_has_each_test(runs: Runs) -> None:
    suite = ET.parse(runs.folder / "report.xml").getroot().find("testsuite")
    assert suite is not None
    found = Counter((case.get("classname"), case.get("name")) for case in suite.iter("testcase"))
    assert found["checks.check_prices", "test_rounded"] == 1
    assert int(suite.get("tests", "0")) >= len(runs.plain)
    assert [each.attrib for each in suite.iterfind("properties/property")] == [{"name": "arch", "value": "arm64"}]


def test_other_reports_are_written(runs: Runs) -> None:
    assert runs.journal.one(FilesWritten).paths == ("report.xml", "report.html", ".report.json", ".coverage")
    assert json.loads((runs.folder / ".report.json").read_text())["summary"]["failed"] > 10
    assert "check_async.py::test_fails" in (runs.folder / "report.html").read_text()


def test_snapshots_of_all_workers_are_accounted_for(runs: Runs) -> None:
    assert "1 snapshot failed. 1 snapshot passed." in runs.text
    assert "1 snapshot failed. 1 snapshot passed." in runs.summary


def test_recorded_properties_are_in_the_journal(runs: Runs) -> None:
    (event,) = [event for event in runs.journal.attempts if event.test.endswith("test_rounded")]
    assert (event.properties, event.attributes) == ((Property("ticket", "A-12"),), (Property("assertions", "1"),))
    assert SuitePropertyRecorded("arch", "arm64") in runs.journal.all(SuitePropertyRecorded)


def test_records_and_warnings_have_places_of_their_own(runs: Runs) -> None:
    (event,) = [event for event in runs.journal.attempts if event.test.endswith("test_records")]
    assert (event.stdout, event.stderr) == ("printed\n", "")
    assert event.log.startswith("WARNING  shop:check_failures.py:")
    counts = Counter[str]()
    for counted in runs.journal.all(WarningsCounted):
        counts.update({each.category: each.count for each in counted.warnings})
    assert counts["UserWarning"] == 2
    places = [place for counted in runs.journal.all(WarningsCounted) for place in counted.places]
    assert ("checks/check_failures.py", "careful") in [(place.file, place.message) for place in places]


def test_a_collection_error_names_the_exception(runs: Runs) -> None:
    messages = {event.test: event.failures[0].message for event in runs.journal.attempts if event.failures}
    assert (
        messages["checks/check_broken_import.py"] == "ModuleNotFoundError: No module named 'a_module_that_is_missing'"
    )
    assert messages["checks/check_broken_syntax.py"] == "SyntaxError: invalid syntax"
    assert messages["checks/check_broken_class.py::TestArguments"].endswith("function uses no argument 'missing'")
