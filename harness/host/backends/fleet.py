"""``harness ci`` on several backends: one run each, in a process of its own, as many at once as fit.

Owns these processes and their display. Each is a whole ``harness ci``, with artifacts of its own below those of the
command; ``merge`` merges their results.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from rich.text import Text

from harness.errors import ExitCode, HarnessError, Interrupted
from harness.host.backends.backend_process import RunRequest, reported_error
from harness.host.backends.merge import run_of, unreadable, with_exit_code, write
from harness.host.config import command_line
from harness.host.config.options import Config
from harness.host.interrupts import handling
from harness.host.planning.backends import Backend, at_once, backends_of, workers_each
from harness.host.run.environment import Environment, read_environment
from harness.host.run.record import run_started, throttled
from harness.protocol import codec
from harness.protocol.events import Envelope, RunAborted, RunStarted
from harness.report.artifacts import JOURNAL, Artifacts, condensed
from harness.report.backends import merged_reports
from harness.report.backends.merge import Missing, Run, merge
from harness.report.formats import sql
from harness.report.journal import JournalReader
from harness.report.model.ledger import Ledger
from harness.report.model.phrases import case_headline
from harness.report.model.run_report import RunReport
from harness.report.model.typed_command import rerun_command
from harness.report.model.verdict import verdict
from harness.report.terminal.console import Console
from harness.report.terminal.final_summary import final_summary

POLL_S = 0.1
EXIT_S = 60.0
"""The longest time, in seconds, between the request to end a run and its kill."""
_STDERR_BYTES = 20_000


def run_several(config: Config) -> ExitCode:
    """Run the suite on every backend of *config*, and return the worst of their exit codes.

    Each run reads the configuration itself, from the flags that *config* was made from.
    """
    backends = backends_of(config.db, config.django)
    environment = read_environment(config, os.environ)
    console = environment.console(config, [backend.name for backend in backends])
    with contextlib.closing(console), Artifacts.open(config.artifacts, has_journal=False) as artifacts:
        fleet = _Fleet(config, environment, artifacts, console)
        with fleet.processes():
            fleet.prepare()
            runs, missing = fleet.run(backends)
            code = ExitCode.GREEN if fleet.interrupt is None else ExitCode(128 + fleet.interrupt)
            merged = merge(runs, missing, code)
            code = write(merged, artifacts, environment, console, strict=config.junit_strict)
            if environment.is_github:
                environment.try_print(merged_reports.annotate_all(merged))
            return code


class _Fleet:
    """The processes of the runs."""

    def __init__(self, config: Config, environment: Environment, artifacts: Artifacts, console: Console) -> None:
        self.interrupt: int | None = None
        self._config = config
        self._environment = environment
        self._artifacts = artifacts
        self._console = console
        self._children: dict[str, _Child] = {}
        self._interrupts = 0
        self._is_preparing = False
        self._known: set[tuple[str, str]] = set()

    @contextlib.contextmanager
    def processes(self) -> Iterator[None]:
        """Pass each signal that ends a run on to every run; each ends itself as it would alone. At the end, all are gone."""
        with handling(self._interrupt):
            try:
                yield
            finally:
                for child in self._children.values():
                    child.end()

    def _interrupt(self, signum: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        signum = signal.SIGTERM if signum == signal.SIGHUP else signum
        # the command ends with the most severe signal
        self.interrupt = max(self.interrupt or 0, signum)
        for child in list(self._children.values()):
            child.signal(signum if self._interrupts < 3 else signal.SIGKILL)
        if self._is_preparing:
            raise Interrupted(f"{signal.Signals(signum).name} ended the command.", ExitCode(128 + signum))

    def prepare(self) -> None:
        """Make the images that the runs need, each once, before they start."""
        self._is_preparing = True
        try:
            if self._config.server_kind != "local":  # nothing of Docker is imported where no engine is needed
                from harness.host.images import commands

                commands.make_images(self._config, self._config.db, throttled(self._console.say))
        except HarnessError:
            pass  # each run that needs the image raises the error itself; or it was an interrupt
        finally:
            self._is_preparing = False

    def run(self, backends: Sequence[Backend]) -> tuple[list[Run], list[Missing]]:
        """The runs in the order of *backends*, and those that did not begin because an interrupt ended the others."""
        cores, memory_bytes = self._resources()
        most = at_once(backends, cores, memory_bytes, self._config.parallel)
        workers = workers_each(most, cores, self._config.parallel)
        waiting = deque(backends)
        ended: dict[str, Run] = {}
        while self._children or (waiting and self.interrupt is None):
            while waiting and len(self._children) < most and self.interrupt is None:
                backend = waiting.popleft()
                self._children[backend.name] = self._start(backend, workers)
            for name, child in list(self._children.items()):
                status = child.process.poll()
                for envelope in child.read_events(is_ended=status is not None):
                    self._console.handle(envelope, name)
                if status is not None:
                    ended[name] = self._ended(child, exit_code_of(status))
                    del self._children[name]
            time.sleep(POLL_S if self._children else 0)
        missing = [Missing(backend.name, "interrupted before it began") for backend in waiting]
        return [ended[backend.name] for backend in backends if backend.name in ended], missing

    def _resources(self) -> tuple[int, int]:
        """The number of cores and the memory in bytes: the engine's, or this machine's."""
        if self._config.runner == "host":
            pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            return len(os.sched_getaffinity(0)), pages
        from harness.host.docker.client import connect

        with contextlib.closing(connect()) as client:
            info = client.info()
        return int(info.get("NCPU", 1)), int(info.get("MemTotal", 0))

    def _start(self, backend: Backend, workers: int) -> _Child:
        folder = self._artifacts.adopt(backend.name)
        given = {**self._config.given, **_flags(backend)}
        flags = {**given, "artifacts": str(folder), "parallel": str(workers), "server_kind": self._config.server_kind}
        command = command_line.typed(given)
        return _Child(backend, folder, RunRequest(flags, str(self._artifacts.root), command))

    def _ended(self, child: _Child, code: ExitCode) -> Run:
        """The run as its journal records it; without one, its exit *code* and its error stream."""
        try:
            if child.unreadable is not None:
                raise unreadable(child.folder, child.unreadable)
            run = run_of(child.ledger.report(), code, child.folder, self._artifacts.root)
        except HarnessError as error:
            asked = run_started(
                replace(self._config, db=child.backend.db, django=tuple(filter(None, [child.backend.django]))),
                self._environment,
            )
            run = _unread(child, asked, code, error)
        self._print_summary(child, run)
        child.close()
        return run

    def _print_summary(self, child: _Child, run: Run) -> None:
        options = self._console.options
        folder, paths = self._environment.relative(child.folder), _files(child.folder)
        lines = final_summary(
            run.report,
            run.verdict,
            options,
            artifacts=condensed(folder, paths),
            rerun=rerun_command(child.request.command, run.report),
            sql_paths=sql.paths(run.report, folder, paths),
            known=self._known,
        )
        self._known |= {(case.test.id, case_headline(case)) for case in run.report.red}
        self._known |= {(each.code, each.text) for each in run.report.advice}
        style = "green" if run.verdict.exit_code == 0 else "bold red"
        head = Text(f"═══ {child.backend.name} ".ljust(min(options.width or 100, 100), "═"), "bold")
        shown = [] if options.quiet and run.verdict.exit_code == 0 else [Text(), head, *lines, Text()]
        self._console.end(child.backend.name, Text(run.verdict.word, style), shown)


class _Child:
    """One run's process. It has a session of its own: an interrupt of the terminal reaches it only through this process."""

    def __init__(self, backend: Backend, folder: Path, request: RunRequest) -> None:
        self.backend = backend
        self.folder = folder
        self.request = request
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has ended
        self.ledger = Ledger()
        self.unreadable: OSError | codec.CodecError | None = None
        self._journal = JournalReader(folder / JOURNAL)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.host.backends.backend_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process is dead already, and its error stream says why
            self.process.stdin.write(request.to_line())
            self.process.stdin.flush()  # left open: its end would tell the child that the parent is gone

    def read_events(self, *, is_ended: bool) -> Iterator[Envelope]:
        """The events in its journal since the last call, each added to ``ledger``."""
        try:
            for envelope in self._journal.read(is_ended=is_ended):
                self.ledger.fold(envelope)
                yield envelope
        except (OSError, codec.CodecError) as error:
            # before the run has begun, there is no journal yet
            self.unreadable = None if isinstance(error, FileNotFoundError) and not is_ended else error

    def signal(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)

    def error_text(self) -> str:
        """The end of its error stream."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size - _STDERR_BYTES, 0))
        return self._errors.read().decode(errors="replace").strip()

    def end(self) -> None:
        """End a process that still runs: ask it first, kill it after ``EXIT_S`` seconds."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(EXIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.close()

    def close(self) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self._errors.close()


def _flags(backend: Backend) -> dict[str, list[str]]:
    """The flags that choose *backend*, without those that it does not need."""
    flags = {"db": [str(spec) for spec in backend.db], "django": [backend.django] if backend.django else []}
    return {key: values for key, values in flags.items() if values}


def exit_code_of(code: int) -> ExitCode:
    """A process's exit status as an ``ExitCode``; ``INTERNAL`` for one that was killed."""
    try:
        return ExitCode(code)
    except ValueError:
        return ExitCode.INTERNAL


def _unread(child: _Child, asked: RunStarted, code: ExitCode, error: HarnessError) -> Run:
    """A run that left no journal: only its error stream and its exit status are known."""
    code = code or ExitCode.INTERNAL
    errors = child.error_text()
    abort = reported_error(errors) or RunAborted(code, error.message, error.hint, errors)
    report = RunReport(aborts=(abort,), asked=asked)
    return Run(report, with_exit_code(verdict(report), code), f"{child.folder.name}/")


def _files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    )
