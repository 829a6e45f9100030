"""Passes each event of a run to the journal, the ledger and the console, in this order.

Owns the host's own events (``seq`` 0) and the end of a run: verdict, reports, exit code.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from harness.errors import ExitCode, HarnessError, Interrupted
from harness.host.config.options import Config
from harness.host.interrupts import uninterrupted
from harness.host.planning.backends import backends_of
from harness.host.run.environment import Environment
from harness.protocol import codec
from harness.protocol.events import Envelope, Event, PhaseFinished, PhaseStarted, RunAborted, RunStarted
from harness.report.artifacts import SUMMARY, TRACE, Artifacts, condensed
from harness.report.formats import github, replay, sql, step_summary
from harness.report.model.ledger import Ledger
from harness.report.model.run_report import RunReport
from harness.report.model.typed_command import rerun_command
from harness.report.model.verdict import Verdict, verdict, with_unwritten
from harness.report.terminal.console import Console
from harness.report.terminal.final_summary import final_summary

IMAGE_LINE_EVERY_S = 3.0
"""The least time, in seconds, between two progress lines of an image."""


def run_started(config: Config, environment: Environment) -> RunStarted:
    """The first event of a run with *config*."""
    is_here = config.runner == "host"
    return RunStarted(
        backend=backends_of(config.db, config.django)[0].name,
        project=environment.prefix,
        settings=config.settings or "",
        python=".".join(map(str, sys.version_info[:2])) if is_here else config.python,
        fail_on_flaky=config.fail_on_flaky,
        django=config.run_django,
        fail_on_lag=config.fail_on_lag,
    )


def throttled(show: Callable[[str], None]) -> Callable[[str, str], None]:
    """A function that calls *show* with a line about an image, and at most with one of each image every few seconds."""
    shown_at: dict[str, float] = {}

    def show_progress(image: str, line: str) -> None:
        now = time.monotonic()
        if now - shown_at.get(image, 0.0) >= IMAGE_LINE_EVERY_S:
            shown_at[image] = now
            show(f"{image}: {line}")

    return show_progress


class Record:
    """Takes events from any thread. ``report`` is there after ``finish``."""

    def __init__(self, config: Config, environment: Environment, artifacts: Artifacts, console: Console) -> None:
        self._config = config
        self._environment = environment
        self._artifacts = artifacts
        self._console = console
        self._ledger = Ledger()
        self.report = RunReport()
        self._lock = threading.RLock()
        self._secret = ""
        self._has_shown_problem = False
        self._is_interrupted = False
        self.show_image_progress = throttled(self.show)
        self.add(run_started(config, environment))
        if environment.began:
            self.add(PhaseFinished("start", round(time.monotonic() - environment.began, 6)))

    def hide(self, secret: str) -> None:
        """Replace *secret*, the run's password, in all that the runner writes: a test may print its settings."""
        self._secret = secret

    def add(self, event: Event) -> None:
        """Record an event of the host's own."""
        envelope = Envelope(codec.VERSION, 0, time.time(), 0, event)
        with self._lock:
            self._record(envelope, codec.encode(envelope).encode())
            self._artifacts.flush()
            self._show_problem()

    def add_line(self, line: bytes) -> Event:
        """Record an event of the runner, given as its line; ``flush`` writes it to the journal.

        Raises ``codec.CodecError`` for a line that is no event.
        """
        if self._secret:
            line = line.replace(self._secret.encode(), b"***")
        envelope = codec.decode(line)
        with self._lock:
            self._record(envelope, line)
        return envelope.event

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record the begin and the end of a phase of the host's own."""
        start = time.monotonic()
        self.add(PhaseStarted(name))
        try:
            yield
        finally:
            self.add(PhaseFinished(name, round(time.monotonic() - start, 6)))

    def show(self, text: str) -> None:
        """Show the lines of *text* on the console alone."""
        with self._lock:
            for line in text.splitlines():
                self._console.notice(line)

    def abort(self, error: BaseException) -> HarnessError:
        """Record that *error* ends the run, and return it; as a bug of the harness if it is no ``HarnessError``."""
        error = HarnessError.of(error)
        if isinstance(error, Interrupted) and self._is_interrupted:  # a second signal only ends the wait for the runner
            return error
        evidence = error.evidence.strip()
        if self._secret:
            evidence = evidence.replace(self._secret, "***")
        with uninterrupted():  # a second signal comes when the first one is recorded
            self._is_interrupted |= isinstance(error, Interrupted)
            self.add(RunAborted(error.exit_code, error.message, error.hint, evidence))
        return error

    def finish(self) -> ExitCode:
        """Write every report, print the summary, and return the exit code, never green when a report could not be written."""
        config, artifacts, environment = self._config, self._artifacts, self._environment
        with self._lock:
            artifacts.flush()
            with self.phase("reports"):
                report = self.report = self._ledger.report()
                result = verdict(report, fail_on_flaky=config.fail_on_flaky)
                artifacts.write_reports(report, result, prefix=environment.prefix, strict=config.junit_strict)
                rerun = rerun_command(environment.command, report)
                self._append_step_summary(report, result, rerun)
            result = artifacts.write_summary(self._ledger.timed(), result)
            folder = environment.relative(artifacts.root)
            lines = final_summary(
                report,
                result,
                self._console.options,
                artifacts=condensed(folder, artifacts.paths),
                rerun=rerun,
                replay="" if config.replay else replay.command(environment.command, folder, report, artifacts.paths),
                sql_paths=sql.paths(report, folder, artifacts.paths),
            )
            self._console.finish(lines)
            self._console.close()
            if environment.is_github:
                environment.try_print(github.annotate(report, result, prefix=environment.prefix))
        return result.exit_code

    def _append_step_summary(self, report: RunReport, result: Verdict, rerun: str) -> None:
        artifacts, environment = self._artifacts, self._environment
        if environment.step_summary is None:
            return
        folder = environment.relative(artifacts.root)
        text = step_summary.build(
            report,
            with_unwritten(result, artifacts.problems),
            prefix=environment.prefix,
            artifacts=condensed(folder, (*artifacts.paths, TRACE, SUMMARY)),
            rerun=rerun,
            sql_paths=sql.paths(report, folder, artifacts.paths),
            durations=self._config.durations,
        )
        artifacts.append_step_summary(environment.step_summary, text)

    def flush(self) -> None:
        """Write the lines of the runner that were recorded since the last time to the journal."""
        with self._lock:
            self._artifacts.flush()
            self._show_problem()

    def _record(self, envelope: Envelope, line: bytes) -> None:
        self._artifacts.add(line)
        self._ledger.fold(envelope)
        self._console.handle(envelope)

    def _show_problem(self) -> None:
        if self._artifacts.problems and not self._has_shown_problem:
            self._has_shown_problem = True
            self._console.notice(f"{self._artifacts.problems[0].message} The run goes on.")
