"""Runs read back from their folders, and ``harness merge`` as people type it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode, UsageError
from harness.host.backends.merge import find_runs, read_expected, read_run
from harness.host.planning.backends import Job, matrix_document
from harness.protocol import codec
from harness.protocol.events import RunFinished
from harness.protocol.results import Outcome, PlannedTest
from harness.report.artifacts import Artifacts
from harness.report.journal import read_journal
from harness.report.model import ledger
from harness.report.model.verdict import Verdict, verdict
from tests.golden.backends import ADDS, BAD, FAILS, on_mysql, on_postgres, started
from tests.golden.journals import Journal, failure, planned
from tests.junit_check import check

REPOSITORY = Path(__file__).parents[4]


def write(folder: Path, journal: Journal) -> Path:
    """The artifacts of a run, as it would have left them."""
    with Artifacts.open(folder) as artifacts:
        for envelope in journal.envelopes:
            artifacts.append(codec.encode(envelope).encode())
        report = ledger.fold(journal.envelopes)
        artifacts.write_reports(report, verdict(report))
        artifacts.write_summary(report, verdict(report))
    return folder


def sqlite(*tests: PlannedTest, outcome: Outcome = Outcome.PASSED) -> Journal:
    journal = started("sqlite").plan(*tests)
    for test in tests:
        journal.attempt(test, outcome, failures=() if outcome is Outcome.PASSED else (failure("no"),))
    return journal.end()


def merge(cwd: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "GITHUB_"))}
    return subprocess.run(
        [sys.executable, "-m", "harness", "merge", *arguments],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(REPOSITORY), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


class TestReading:
    def test_a_run_is_what_its_journal_says(self, tmp_path: Path) -> None:
        run = read_run(write(tmp_path / "a", on_postgres()), tmp_path / "out")
        assert (run.name, run.folder, run.project) == ("postgres-17-py3.13", "../a/", ("shop/", "shop.settings"))
        assert run.verdict == verdict(run.report)

    def test_a_worse_exit_code_than_the_journals_counts(self, tmp_path: Path) -> None:
        folder = write(tmp_path, sqlite(ADDS))
        content = json.loads((folder / "summary.json").read_text())
        (folder / "summary.json").write_text(json.dumps({**content, "exit_code": 2}))
        run = read_run(folder, tmp_path)
        assert run.verdict.exit_code == ExitCode.USAGE
        assert run.verdict.cause is not None
        assert "exit code 2" in run.verdict.cause.message

    def test_a_better_exit_code_than_the_journals_does_not(self, tmp_path: Path) -> None:
        folder = write(tmp_path, sqlite(ADDS, outcome=Outcome.FAILED))
        content = json.loads((folder / "summary.json").read_text())
        (folder / "summary.json").write_text(json.dumps({**content, "exit_code": 0}))
        assert read_run(folder, tmp_path).verdict.exit_code == ExitCode.TESTS_FAILED

    def test_a_run_that_was_killed_is_red(self, tmp_path: Path) -> None:
        folder = write(tmp_path, started("sqlite").plan(ADDS))
        (folder / "summary.json").unlink()
        assert read_run(folder, tmp_path).verdict.exit_code == ExitCode.INTERNAL

    def test_the_last_line_may_be_torn(self, tmp_path: Path) -> None:
        folder = write(tmp_path, sqlite(ADDS))
        with (folder / "journal.ndjson").open("a") as journal:
            journal.write('{"v":1,"seq":99')
        assert read_run(folder, tmp_path).verdict == Verdict("passed", ExitCode.GREEN)

    @pytest.mark.parametrize(
        ("file", "text", "message"),
        [
            (
                "journal.ndjson",
                '{"v":2,"seq":1,"at":1,"slot":0,"type":"RunFinished","failures":0}\n',
                "another version",
            ),
            ("summary.json", '{"version": 2, "exit_code": 0}', "is of version 2, this is 1"),
            ("summary.json", "no json", "cannot be read"),
            ("summary.json", '{"version": 1, "exit_code": 99}', "cannot be read"),
        ],
    )
    def test_artifacts_of_another_version_are_refused(self, tmp_path: Path, file: str, text: str, message: str) -> None:
        folder = write(tmp_path, sqlite(ADDS))
        (folder / file).write_text(text)
        with pytest.raises(UsageError, match=message) as caught:
            read_run(folder, tmp_path)
        assert caught.value.hint

    def test_a_journal_without_a_backend_is_of_another_version(self, tmp_path: Path) -> None:
        folder = write(tmp_path, Journal().plan(ADDS).attempt(ADDS, Outcome.PASSED).runner(RunFinished(0)))
        with pytest.raises(UsageError, match="does not say which backend"):
            read_run(folder, tmp_path)

    def test_runs_are_found_in_given_folders_and_below(self, tmp_path: Path) -> None:
        one, two = write(tmp_path / "one", sqlite(ADDS)), write(tmp_path / "jobs" / "sqlite", sqlite(ADDS))
        three = write(tmp_path / "jobs" / "both" / "postgres-17", on_postgres())
        assert find_runs([one, tmp_path / "jobs", one]) == [one, three, two]

    def test_a_folder_without_a_run_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "empty", tmp_path / "not-there"):
            with pytest.raises(UsageError, match=r"no journal\.ndjson in"):
                find_runs([folder])


class TestExpected:
    def test_names_come_from_the_output_of_matrix(self, tmp_path: Path) -> None:
        text = json.dumps(
            matrix_document([Job("sqlite", "3.12", "sqlite-py3.12"), Job("sqlite", "3.13", "sqlite-py3.13")])
        )
        assert read_expected(text) == ["sqlite-py3.12", "sqlite-py3.13"]
        (tmp_path / "matrix.json").write_text(text)
        assert read_expected(str(tmp_path / "matrix.json")) == ["sqlite-py3.12", "sqlite-py3.13"]

    @pytest.mark.parametrize("text", ["{}", "{", '{"include": [{}]}', "not-there.json", '{"include": 3}'])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="--expect"):
            read_expected(text)

    def test_a_missing_run_is_named_and_red(self, tmp_path: Path) -> None:
        write(tmp_path / "a", sqlite(ADDS))
        expected = json.dumps({"include": [{"name": "sqlite-py3.13"}, {"name": "postgres-17-py3.13"}]})
        ended = merge(tmp_path, "a", "--expect", expected, "--artifacts", "out")
        assert ended.returncode == ExitCode.INTERNAL
        assert "missing: postgres-17-py3.13: none of the folders has it" in ended.stdout
        assert check(tmp_path / "out" / "junit.xml").bad == 1


class TestCommand:
    def test_it_merges_prints_and_exits_with_the_worst(self, tmp_path: Path) -> None:
        write(tmp_path / "a", on_postgres())
        write(tmp_path / "b", on_mysql())
        summary = tmp_path / "step.md"
        ended = merge(tmp_path, "a", "b", "--artifacts", "out", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
        assert ended.returncode == ExitCode.TESTS_FAILED, ended.stderr
        assert "postgres-17  mysql-9.7  fails on some backends only (2)" in ended.stdout
        assert {path.name for path in (tmp_path / "out").iterdir()} == {
            *(".lock", "junit.xml", "summary.json", "trace.json", "differences.md")
        }
        assert check(tmp_path / "out" / "junit.xml").bad >= 3
        assert summary.read_text() == (tmp_path / "out" / "differences.md").read_text()
        # the jobs that made the runs have shown each failure
        assert "::error" not in ended.stdout.replace("::stop-commands::", "")
        assert list(read_journal(tmp_path / "a" / "journal.ndjson"))

    def test_runs_in_the_folder_of_the_merged_reports_stay(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path / "all", has_journal=False) as artifacts:
            write(artifacts.adopt("sqlite"), sqlite(ADDS, FAILS))
            write(artifacts.adopt("postgres-17"), on_postgres())
        for _ in range(2):
            ended = merge(tmp_path, "all", "--artifacts", "all")
            assert ended.returncode == ExitCode.TESTS_FAILED, ended.stderr
            assert len(json.loads((tmp_path / "all" / "summary.json").read_text())["backends"]) == 2

    def test_a_run_is_not_overwritten(self, tmp_path: Path) -> None:
        write(tmp_path / "a", sqlite(ADDS))
        ended = merge(tmp_path, "a", "--artifacts", "a")
        assert ended.returncode == ExitCode.USAGE
        assert "holds a run of its own" in ended.stderr
        assert (tmp_path / "a" / "journal.ndjson").exists()

    def test_unrelated_runs_are_an_error_and_nothing_is_written(self, tmp_path: Path) -> None:
        write(tmp_path / "a", sqlite(ADDS, BAD))
        write(tmp_path / "b", sqlite(BAD))
        ended = merge(tmp_path, "a", "b", "--artifacts", "out")
        assert ended.returncode == ExitCode.USAGE
        assert "../a and ../b are both of sqlite-py3.13, and have 1 test in common" in ended.stderr
        assert not (tmp_path / "out").exists()

    def test_without_a_folder_there_is_nothing_to_merge(self, tmp_path: Path) -> None:
        assert merge(tmp_path).returncode == ExitCode.USAGE

    @pytest.mark.parametrize("redirections", [">&-", ">/dev/full", "| true", "<&- >&- 2>&-", "2>&-"])
    @pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED])
    def test_the_exit_code_is_the_summarys_on_a_broken_pipe(
        self, tmp_path: Path, redirections: str, outcome: Outcome
    ) -> None:
        write(tmp_path / "run", sqlite(planned("test_one"), outcome=outcome))
        command = f"{sys.executable} -m harness merge run --artifacts merged {redirections}; exit ${{PIPESTATUS[0]}}"
        process = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, timeout=60
        )
        summary = json.loads((tmp_path / "merged" / "summary.json").read_text())
        assert process.returncode == summary["exit_code"] == (outcome is Outcome.FAILED)

    def test_a_merged_report_that_cannot_be_written_makes_it_red(self, tmp_path: Path) -> None:
        write(tmp_path / "run", sqlite(planned("test_one")))
        (tmp_path / "merged" / "differences.md.part").mkdir(parents=True)
        process = subprocess.run(
            [sys.executable, "-m", "harness", "merge", "run", "--artifacts", "merged"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        summary = json.loads((tmp_path / "merged" / "summary.json").read_text())
        assert process.returncode == summary["exit_code"] == ExitCode.USAGE
        assert f"unwritten: Cannot write to {tmp_path}/merged/differences.md" in process.stdout
        assert process.stdout.splitlines()[-1].split() == [
            "artifacts",
            "merged/:",
            "junit.xml,",
            "summary.json,",
            "trace.json",
        ]
