"""Passes each event of a run to the journal, the ledger and the console, in this order.

Owns the host's own events (``seq`` 0) and the end of a run: verdict, reports, exit code.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Iterator

from harness.errors import ExitCode, HarnessError
from harness.host.config.options import Config
from harness.host.planning.backends import backends_of
from harness.host.run.environment import Environment
from harness.protocol import codec
from harness.protocol.events import Envelope, Event, Notice, PhaseFinished, PhaseStarted, RunAborted, RunStarted
from harness.report.artifacts import SUMMARY, Artifacts
from harness.report.formats import github, replay
from harness.report.model.ledger import Ledger
from harness.report.model.verdict import verdict, with_unwritten
from harness.report.terminal.console import Console
from harness.report.terminal.final_summary import condensed, final_summary, rerun_command, sql_paths

TELL_EVERY_S = 3.0


def started(config: Config, environment: Environment) -> RunStarted:
    """The first event of a run with *config*."""
    is_here = config.runner == "host"
    return RunStarted(
        backend=backends_of(config.db)[0].name,
        project=environment.prefix,
        settings=config.settings or "",
        python=".".join(map(str, sys.version_info[:2])) if is_here else config.python,
        fail_on_flaky=config.fail_on_flaky,
    )


class Record:
    """Takes events from any thread."""

    def __init__(self, config: Config, environment: Environment, artifacts: Artifacts, console: Console) -> None:
        self._config = config
        self._environment = environment
        self._artifacts = artifacts
        self._console = console
        self._ledger = Ledger()
        self._lock = threading.Lock()
        self._secret = b""
        self._has_problem = False
        self._aborts: set[str] = set()
        self._told_at: dict[str, float] = {}
        self.tell(started(config, environment))

    def hide(self, secret: str) -> None:
        """Remove *secret*, the run's password, from all that the runner writes: a test may print its settings."""
        self._secret = secret.encode()

    def tell(self, event: Event) -> None:
        """Record an event of the host's own."""
        envelope = Envelope(codec.VERSION, 0, time.time(), 0, event)
        with self._lock:
            self._artifacts.record(envelope)
            self._fold(envelope)
            self._tell_problem()

    def hear(self, line: bytes) -> Envelope:
        """Record an event of the runner's, given as its line. Raises ``codec.CodecError`` for a line that is no event."""
        if self._secret and self._secret in line:
            line = line.replace(self._secret, b"***")
        envelope = codec.decode(line)
        with self._lock:
            self._artifacts.append(line)
            self._fold(envelope)
            self._tell_problem()
        return envelope

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record the begin and the end of a phase that the host does."""
        start = time.monotonic()
        self.tell(PhaseStarted(name))
        try:
            yield
        finally:
            self.tell(PhaseFinished(name, round(time.monotonic() - start, 6)))

    def told(self, image: str, line: str) -> None:
        """Show a progress line of an image: on the console alone, and at most one line of each image every few seconds."""
        now = time.monotonic()
        if now - self._told_at.get(image, 0.0) >= TELL_EVERY_S:
            self._told_at[image] = now
            self._show(f"{image}: {line}")

    def show(self, data: bytes) -> None:
        """Show output of the runner's error stream on the console alone."""
        for line in data.decode(errors="replace").splitlines():
            self._show(line)

    def _show(self, text: str) -> None:
        with self._lock:
            self._console.handle(Envelope(codec.VERSION, 0, time.time(), 0, Notice("progress", text)))

    def abort(self, error: BaseException) -> None:
        """Record that the run cannot go on because of *error*. One that is no ``HarnessError`` is a bug of ours."""
        if not isinstance(error, HarnessError):
            text = "".join(traceback.format_exception(error))
            error = HarnessError(f"A bug in the harness: {type(error).__name__}: {error}", "Please report it.", text)
        evidence = "\n".join([error.evidence, *getattr(error, "__notes__", ())]).strip()
        if self._secret:
            evidence = evidence.replace(self._secret.decode(), "***")
        self.tell(RunAborted(error.exit_code, error.message, error.hint, evidence))

    def finish(self) -> ExitCode:
        """Write every report, print the summary, and return the exit code, never green when a report could not be written."""
        config, artifacts, environment = self._config, self._artifacts, self._environment
        prefix = environment.prefix
        with self._lock:
            report = self._ledger.report()
            result = verdict(report, fail_on_flaky=config.fail_on_flaky)
            artifacts.write_reports(report, result, prefix=prefix, strict=config.junit_strict)
            folder = environment.relative(artifacts.root)
            rerun = rerun_command(environment.command, report)
            if environment.step_summary is not None:
                paths = condensed(folder, (*artifacts.paths, SUMMARY))
                text = github.step_summary(
                    report,
                    with_unwritten(result, artifacts.problems),
                    prefix=prefix,
                    artifacts=paths,
                    rerun=rerun,
                    sql_paths=sql_paths(report, folder, artifacts.paths),
                    durations=config.durations,
                )
                artifacts.append_step_summary(environment.step_summary, text)
            result = artifacts.write_summary(report, result)
            lines = final_summary(
                report,
                result,
                self._console.options,
                artifacts=condensed(folder, artifacts.paths),
                rerun=rerun,
                replay="" if config.replay else replay.command(environment.command, folder, report, artifacts.paths),
                sql_paths=sql_paths(report, folder, artifacts.paths),
            )
            self._console.finish(lines)
            self._console.close()
            if environment.is_github:
                environment.say(github.annotate(report, result, prefix=prefix))
        return result.exit_code

    def _tell_problem(self) -> None:
        """Report at once that the journal cannot be written: the run goes on, but its reports may be incomplete."""
        if self._artifacts.problems and not self._has_problem:
            self._has_problem = True
            text = f"{self._artifacts.problems[0].message} The run goes on."
            self._console.handle(Envelope(codec.VERSION, 0, time.time(), 0, Notice("unwritable", text)))

    def _fold(self, envelope: Envelope) -> None:
        self._ledger.fold(envelope)
        if isinstance(envelope.event, RunAborted):
            # the runner echoes the reason that the host sent with ``Stop`` as its own abort
            if envelope.event.message in self._aborts:
                return
            self._aborts.add(envelope.event.message)
        self._console.handle(envelope)
