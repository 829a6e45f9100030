"""The end of a run that cannot write a file: exit code, ``summary.json`` and the console agree."""

import io
import json
import os
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.load import load
from harness.host.run.environment import Environment
from harness.host.run.record import Record
from harness.protocol import codec
from harness.report.artifacts import Artifacts
from harness.report.model.typed_command import TypedCommand
from tests.golden.journals import JOURNALS

FULL = "No space left on device"


def ended(folder: Path, spoil, journal: str = "green", step_summary: Path | None = None):
    """The exit code, ``summary.json`` and the terminal's text of a run; *spoil* makes its artifacts fail."""
    folder.mkdir()
    config = load({"project": str(folder)}, {}, folder, need_settings=False)
    terminal = io.StringIO()
    environment = Environment(
        folder, terminal, False, False, step_summary is not None, step_summary, "", TypedCommand(("harness", "ci"))
    )
    with Artifacts.open(folder / ".harness") as artifacts:
        record = Record(config, environment, artifacts, environment.console(config))
        spoil(artifacts)
        for envelope in JOURNALS[journal]().envelopes:
            record.hear(codec.encode(envelope).encode())
        code = record.finish()
    path = folder / ".harness" / "summary.json"
    return code, json.loads(path.read_text()) if path.is_file() else None, terminal.getvalue()


def full_journal(artifacts: Artifacts) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, artifacts._journal)
    os.close(full)


def no_folder(name: str):
    return lambda artifacts: (artifacts.root / name).write_text("in the way")


def no_file(name: str):
    return lambda artifacts: (artifacts.root / name).mkdir()


@pytest.mark.parametrize(
    ("spoil", "unwritten"),
    [
        (full_journal, "journal.ndjson"),
        (no_folder("sql"), "sql/queries.ndjson"),
        (no_file("junit.xml"), "junit.xml"),
        (no_file("summary.json"), "summary.json"),
    ],
    ids=["journal", "sql", "junit", "summary"],
)
@pytest.mark.parametrize(("journal", "tests"), [("green", "2 passed"), ("failfast", "1 failed")])
def test_a_report_that_cannot_be_written_makes_the_run_red(
    tmp_path: Path, spoil, unwritten: str, journal: str, tests: str
) -> None:
    code, summary, said = ended(tmp_path / "shop", spoil, journal)
    assert code == ExitCode.USAGE
    assert f"Cannot write to {tmp_path}/shop/.harness/{unwritten}" in said
    (verdict,) = [line for line in said.splitlines() if line.startswith("ABORTED ")]
    assert tests in verdict
    assert verdict.endswith("; exit code 2")
    (listed,) = [line for line in said.splitlines() if line.startswith("artifacts ")]
    assert unwritten not in listed
    if unwritten == "summary.json":
        assert summary is None
    else:
        assert (summary["exit_code"], summary["verdict"]) == (2, "aborted")


def test_a_step_summary_that_cannot_be_written_makes_the_run_red(tmp_path: Path) -> None:
    code, summary, said = ended(tmp_path / "shop", lambda _: None, step_summary=tmp_path / "no" / "summary.md")
    assert code == summary["exit_code"] == 2
    assert f"Cannot write to {tmp_path}/no/summary.md" in said


def test_what_can_be_written_is_as_it_always_is(tmp_path: Path) -> None:
    code, summary, said = ended(tmp_path / "shop", lambda _: None, step_summary=tmp_path / "summary.md")
    assert code == summary["exit_code"] == 0
    assert "Cannot write" not in said
    assert "2 passed" in (tmp_path / "summary.md").read_text()


def test_a_run_goes_on_when_the_disk_is_full_and_says_so_at_once(tmp_path: Path) -> None:
    _, _, said = ended(tmp_path / "shop", full_journal)
    lines = said.splitlines()
    notice = next(n for n, line in enumerate(lines) if line.startswith("   notice Cannot write"))
    assert lines[notice].endswith(f"{FULL}. The run goes on.")
    assert notice < next(n for n, line in enumerate(lines) if line.startswith("     plan"))


def test_no_file_is_named_that_was_not_written(tmp_path: Path) -> None:
    _, _, said = ended(tmp_path / "shop", no_folder("sql"), "outcomes")
    assert "statements:" not in said
    _, _, said = ended(tmp_path / "other", lambda _: None, "outcomes")
    assert "  7 statements: .harness/sql/shop.tests.test_orders.OrderTests.test_fails.sql" in said
