"""The project ``pytest_shop`` on SQLite, by pytest itself and by the runner, with pytest 8 and 9.

The run by pytest shows that the project's table of expectations is complete and true; the runner has to agree with it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.protocol.events import AttemptFinished, Notice, RetryCalledOff
from harness.protocol.messages import RunSpec
from tests.environments import python_with
from tests.pytest_shop import EXPECTED, SHOP
from tests.runner.conversation import Journal, is_final, run

PATIENCE_S = 180
SETTINGS = "config.sqlite"


@dataclass(frozen=True)
class Runs:
    """The outcomes of both runs. The folders have the lives of fixtures, a file for each process."""

    version: int
    plain: dict[str, str]
    plain_scopes: Path
    journal: Journal
    scopes: Path


def python_of(version: int) -> Path:
    """A Python with a major version of pytest, and the plugins of the project."""
    requirements = SHOP / "requirements-test.txt"
    return python_with(
        f"pytest-shop-{version}", "-r", str(requirements), "django>=5.2", "tblib", f"pytest=={version}.*"
    )


def run_shop(*labels: str, scopes: Path | None = None, version: int = 9, **spec: object) -> Journal:
    """The journal of *labels* in two workers."""
    env = {"PYTHONDONTWRITEBYTECODE": "1", **({"SHOP_SCOPES": str(scopes)} if scopes else {})}
    spec = {"framework": "pytest", "settings": SETTINGS, "workers": 2, "timeout_s": 60.0, **spec}
    return run(SHOP, RunSpec(labels=labels, **spec), python=str(python_of(version)), env=env)  # type: ignore[arg-type]  # of RunSpec


def outcomes(journal: Journal) -> dict[str, str]:
    events: list[AttemptFinished | RetryCalledOff] = [*journal.attempts, *journal.all(RetryCalledOff)]
    return {event.test: event.outcome.value for event in events if is_final(event)}


@pytest.fixture(scope="module", params=[8, 9])
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    version: int = request.param
    folder = tmp_path_factory.mktemp(f"pytest{version}")
    for name in ("base", "plain", "ours"):
        (folder / name).mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))}
    environment |= {"SHOP_OUTCOMES": str(folder / "outcomes.json"), "SHOP_SCOPES": str(folder / "plain")}
    options = ("-n", "0", "-p", "plain_outcomes", "--ds", SETTINGS, "-m", "not topology", "-q")
    places = ("-o", f"cache_dir={folder / 'cache'}", "--basetemp", str(folder / "base" / "run"))
    process = subprocess.run(
        [python_of(version), "-m", "pytest", *options, *places, "--continue-on-collection-errors"],
        cwd=SHOP,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE_S,
    )
    assert process.returncode == 1, process.stdout[-5000:]
    plain = json.loads((folder / "outcomes.json").read_text())
    journal = run_shop(scopes=folder / "ours", version=version)
    return Runs(version, plain, folder / "plain", journal, folder / "ours")


def check_scopes(folder: Path, killed: int = 0) -> None:
    """Assert that each fixture was set up once and torn down once in each process, but for *killed* processes."""
    left: list[set[tuple[str, ...]]] = []
    for file in folder.iterdir():
        lives = Counter(tuple(line.split(" ", 3)[1:]) for line in file.read_text().splitlines())
        assert set(lives.values()) == {1}, lives
        ups, downs = ({life[1:] for life in lives if life[0] == word} for word in ("up", "down"))
        left.append(ups - downs)
    assert left
    assert len([each for each in left if each]) <= killed, left


class TestWhole:
    def test_every_item_has_its_expected_outcome_under_pytest(self, runs: Runs) -> None:
        assert runs.plain == EXPECTED.expected("sqlite", runs.version, is_plain=True)

    def test_every_item_has_its_expected_outcome(self, runs: Runs) -> None:
        assert outcomes(runs.journal) == EXPECTED.expected("sqlite", runs.version)

    def test_every_fixture_is_torn_down_once_for_each_set_up(self, runs: Runs) -> None:
        check_scopes(runs.plain_scopes)
        check_scopes(runs.scopes, killed=list(outcomes(runs.journal).values()).count("TIMED_OUT"))

    def test_workers_share_a_folder_and_an_id(self, runs: Runs) -> None:
        found = [each.properties for each in runs.journal.attempts if "::test_testrun_uid[" in each.test]
        assert len(found) == 3
        assert len(set(found)) == 1


class TestVariants:
    def test_other_options_change_no_outcome(self) -> None:
        """Another import mode, and the order of pytest-randomly; marks of plugins that are switched off."""
        switched_off = ("-p", "no:timeout", "-p", "no:rerunfailures")
        options = ("--import-mode=importlib", "-p", "randomly", "-m", "not ordered", *switched_off)
        found = outcomes(run_shop(pytest_args=options))
        expected = EXPECTED.expected("sqlite", 9)
        left_out = set(expected) - set(found)
        assert found == {item: word for item, word in expected.items() if item not in left_out}
        assert {item.partition("::")[0] for item in left_out} == set(EXPECTED.ORDERED)


class TestApart:
    def test_a_test_with_the_mark_is_tried_again(self) -> None:
        names = ("test_passes_when_it_is_run_again", "test_mocker", "test_snapshot", "test_asyncio")
        found = outcomes(run_shop(*(f"tests/test_plugins.py::{name}" for name in names)))
        assert (len(found), set(found.values())) == (len(names), {"PASSED"})

    def test_an_exit_leaves_out_the_tests_after_it(self) -> None:
        journal = run_shop("apart/exits.py", workers=1)
        words = {item.partition("::")[2]: word for item, word in outcomes(journal).items()}
        assert words == {"test_before": "PASSED", "test_exits": "ERRORED", "test_after": "NOT_RUN"}
        assert any("enough for today" in each.text for each in journal.all(Notice))
        assert journal.status == 1

    def test_an_error_at_the_end_of_the_session_is_an_item(self) -> None:
        journal = run_shop("apart/session_tear_down.py", workers=1)
        found = outcomes(journal)
        assert (found.pop("session::teardown"), set(found.values())) == ("ERRORED", {"PASSED"})
        assert journal.status == 1


def test_expectations_of_reports_name_items_of_the_table() -> None:
    assert {*EXPECTED.OUTPUT, *EXPECTED.PROPERTIES, *EXPECTED.ATTRIBUTES} <= set(EXPECTED.EXPECTED)
