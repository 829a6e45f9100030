"""A run's record: which events the journal and the console get, and the end of a run that cannot write a file."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode, Interrupted, ServerError
from harness.host.config.load import load
from harness.host.interrupts import interruptible
from harness.host.run.environment import Environment
from harness.host.run.record import Record
from harness.protocol import codec
from harness.protocol.events import Envelope, Event, RunAborted
from harness.report.artifacts import Artifacts
from harness.report.model.typed_command import TypedCommand
from tests.golden.journals import JOURNALS
from tests.signals import default_signals
from tests.trace_check import Trace

FULL = "No space left on device"


class Run:
    """A record with real artifacts in *folder*, and its console's output."""

    def __init__(self, folder: Path, step_summary: Path | None = None, *, began: float = 0.0) -> None:
        folder.mkdir()
        self.artifacts = Artifacts.open(folder / ".harness")
        self._terminal = io.StringIO()
        config = load({"project": str(folder)}, {}, folder, need_settings=False)
        environment = Environment(
            cwd=folder,
            out=self._terminal,
            is_terminal=False,
            has_colour=False,
            is_github=step_summary is not None,
            step_summary=step_summary,
            prefix="",
            command=TypedCommand(("harness", "ci")),
            began=began,
        )
        self.record = Record(config, environment, self.artifacts, environment.console(config))

    def take(self, event: Event) -> None:
        """Pass on *event* as one of the runner's."""
        self.record.add_line(codec.encode(Envelope(codec.VERSION, 1, 0.0, 0, event)).encode())
        self.record.flush()

    @property
    def output(self) -> str:
        return self._terminal.getvalue()

    @property
    def journal(self) -> str:
        return (self.artifacts.root / "journal.ndjson").read_text()

    @property
    def summary(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.artifacts.root / "summary.json").read_text())
        return document


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "shop")
    with made.artifacts:
        yield made


class TestAborts:
    def test_the_runners_echo_is_recorded_and_not_shown(self, run: Run) -> None:
        run.record.abort(ServerError("The primary is gone.", "See its log."))
        run.take(RunAborted(ExitCode.SERVERS, "The primary is gone.", is_echo=True))
        assert run.journal.count("The primary is gone.") == 2
        assert run.output.count("ABORTED") == 1

    def test_two_aborts_of_one_text_are_both_shown(self, run: Run) -> None:
        run.record.abort(ServerError("The replica is gone."))
        run.take(RunAborted(ExitCode.SERVERS, "The replica is gone."))
        assert run.output.count("ABORTED") == 2

    def test_a_second_interrupt_is_not_recorded(self, run: Run) -> None:
        for name in ("SIGINT", "SIGTERM"):
            run.record.abort(Interrupted(f"{name} ended the run."))
        assert "SIGINT" in run.journal
        assert "SIGTERM" not in run.journal + run.output

    def test_an_unexpected_exception_is_a_bug_with_its_traceback(self, run: Run) -> None:
        error = run.record.abort(KeyError("shop"))
        assert error.message == "A bug in the harness: KeyError: 'shop'"
        assert "KeyError: 'shop'" in error.evidence
        assert run.record.finish() == ExitCode.INTERNAL

    def test_the_password_is_hidden(self, run: Run) -> None:
        run.record.hide("secret")
        run.record.abort(ServerError("A server failed.", evidence="password=secret"))
        assert "password=***" in run.journal


class TestConsoleAlone:
    def test_lines_of_standard_error_are_shown_and_no_event(self, run: Run) -> None:
        run.record.show("one\ntwo\n")
        assert [line.split() for line in run.output.splitlines()] == [["notice", "one"], ["notice", "two"]]
        assert "two" not in run.journal

    def test_an_image_shows_one_line_in_a_few_seconds(self, run: Run) -> None:
        for image, line in (("runner", "step 1"), ("runner", "step 2"), ("postgres 17", "step 1")):
            run.record.show_image_progress(image, line)
        assert [line.split(maxsplit=1)[1] for line in run.output.splitlines()] == [
            "runner: step 1",
            "postgres 17: step 1",
        ]


Spoil = Callable[[Artifacts], object]


def finished(folder: Path, spoil: Spoil, journal: str = "green", step_summary: Path | None = None) -> tuple[int, Run]:
    """The exit code of a run with *journal*, and the run; *spoil* makes its artifacts fail."""
    run = Run(folder, step_summary)
    with run.artifacts:
        spoil(run.artifacts)
        for envelope in JOURNALS[journal]().envelopes:
            run.record.add_line(codec.encode(envelope).encode())
            run.record.flush()
        return run.record.finish(), run


def full_journal(artifacts: Artifacts) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, artifacts._journal)
    os.close(full)


def no_folder(name: str) -> Spoil:
    return lambda artifacts: (artifacts.root / name).write_text("in the way")


def no_file(name: str) -> Spoil:
    return lambda artifacts: (artifacts.root / name).mkdir()


def nothing(_: Artifacts) -> None:
    pass


class TestUnwritableFiles:
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
    def test_make_the_run_red(self, tmp_path: Path, spoil: Spoil, unwritten: str, journal: str, tests: str) -> None:
        code, run = finished(tmp_path / "shop", spoil, journal)
        assert code == ExitCode.USAGE
        assert f"Cannot write to {tmp_path}/shop/.harness/{unwritten}" in run.output
        (verdict,) = [line for line in run.output.splitlines() if line.startswith("ABORTED ")]
        assert tests in verdict
        assert verdict.endswith("; exit code 2")
        (listed,) = [line for line in run.output.splitlines() if line.startswith("artifacts ")]
        assert unwritten not in listed
        if unwritten != "summary.json":
            assert (run.summary["exit_code"], run.summary["verdict"]) == (2, "aborted")

    def test_a_step_summary_is_one_of_them(self, tmp_path: Path) -> None:
        code, run = finished(tmp_path / "shop", nothing, step_summary=tmp_path / "no" / "summary.md")
        assert code == run.summary["exit_code"] == 2
        assert f"Cannot write to {tmp_path}/no/summary.md" in run.output

    def test_a_run_that_can_write_all_is_green(self, tmp_path: Path) -> None:
        code, run = finished(tmp_path / "shop", nothing, step_summary=tmp_path / "summary.md")
        assert code == run.summary["exit_code"] == 0
        assert "Cannot write" not in run.output
        assert "2 passed" in (tmp_path / "summary.md").read_text()

    def test_a_full_disk_is_reported_at_once_and_the_run_goes_on(self, tmp_path: Path) -> None:
        _, run = finished(tmp_path / "shop", full_journal)
        lines = run.output.splitlines()
        notice = next(n for n, line in enumerate(lines) if line.startswith("   notice Cannot write"))
        assert lines[notice].endswith(f"{FULL}. The run goes on.")
        assert notice < next(n for n, line in enumerate(lines) if line.startswith("     plan"))

    def test_the_summary_names_written_files_alone(self, tmp_path: Path) -> None:
        _, run = finished(tmp_path / "shop", no_folder("sql"), "outcomes")
        assert "statements:" not in run.output
        _, run = finished(tmp_path / "other", nothing, "outcomes")
        assert "  7 statements: .harness/sql/shop.tests.test_orders.OrderTests.test_fails.sql" in run.output


def test_a_second_signal_does_not_hide_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tmp_path / "shop")
    flush = run.artifacts.flush

    def interrupted_flush() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        flush()

    monkeypatch.setattr(run.artifacts, "flush", interrupted_flush)
    with default_signals(), pytest.raises(Interrupted), interruptible():
        run.record.abort(Interrupted("SIGINT ended the run.", ExitCode.SIGINT))
    monkeypatch.undo()
    run.record.abort(Interrupted("SIGTERM ended the run.", ExitCode.SIGTERM))
    events = [codec.decode(line).event for line in run.journal.encode().splitlines(keepends=True)]
    assert [event.exit_code for event in events if isinstance(event, RunAborted)] == [ExitCode.SIGINT]


class TestTimes:
    def test_the_command_began_before_its_journal(self, tmp_path: Path) -> None:
        made = Run(tmp_path / "shop", began=time.monotonic() - 2.0)
        with made.artifacts:
            made.record.finish()
        assert made.summary["phases"]["start"] >= 2.0
        assert made.summary["phases"]["total"] >= made.summary["phases"]["start"]
        assert [line.partition('"phase":"')[2].partition('"')[0] for line in made.journal.splitlines()] == [
            *("", "start", "reports", "reports"),
        ]

    def test_the_trace_ends_with_the_reports(self, run: Run) -> None:
        with run.record.phase("removal"):
            pass
        run.record.finish()
        trace = Trace((run.artifacts.root / "trace.json").read_text())
        assert trace.names("phase") == ["removal", "reports"]
