"""The two consoles: plain lines for logs, a live display for terminals. Both fold the same events as all reports.

Owns what is written to the terminal and when. A console never ends a run: if its output is closed, it stops writing.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TextIO, cast

from rich.console import Console as RichConsole
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.protocol.events import Envelope
from harness.report.formats.github import resume_commands, stop_commands
from harness.report.model.run_report import RunReport
from harness.report.model.text import one_line
from harness.report.model.verdict import Verdict
from harness.report.terminal.final_summary import final_summary
from harness.report.terminal.progress import Progress, RunningTest
from harness.report.terminal.style import LABEL_WIDTH, ConsoleOptions, clip_start, encodable

PROGRESS_EVERY_S = 10.0
PHASE_EVERY_S = 5.0
"""Seconds between two progress lines of a log: while tests run, and before."""
REFRESH_HZ = 8
SLOTS_SHOWN = 12


class Console(Protocol):
    """The console of a session. Calls come in this order: ``handle`` for each event, ``finish`` once, ``close`` always."""

    def handle(self, envelope: Envelope) -> None:
        """Take one event."""

    def finish(
        self,
        report: RunReport,
        verdict: Verdict,
        *,
        artifacts: Sequence[str] = (),
        rerun: str = "",
        replay: str = "",
        sql_paths: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Print the final summary; the arguments are those of ``final_summary``."""

    def close(self) -> None:
        """Restore the terminal. Safe to call twice."""


class Sink(io.TextIOBase):
    """The terminal or file: accepts text that its encoding cannot carry, and drops everything once it is closed or full.

    The exit code and the artifacts of the run stay the same in that case.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_read = True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute there
        return self._out.encoding or "utf-8"

    def isatty(self) -> bool:
        return self._is_read and self._out.isatty()

    def write(self, text: str) -> int:
        if self._is_read:
            try:
                self._out.write(encodable(text, self.encoding))
            except (OSError, ValueError):
                self._fall_silent()
        return len(text)

    def flush(self) -> None:
        if self._is_read:
            try:
                self._out.flush()
            except (OSError, ValueError):
                self._fall_silent()

    def _fall_silent(self) -> None:
        """Stop writing, since the pipe or file is closed or full. Buffered text would raise again when the interpreter exits."""
        self._is_read = False
        with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as null:
            os.dup2(null.fileno(), self._out.fileno())


class PlainConsole:
    """Prints lines as events arrive, and a progress line at intervals: for logs and outputs that are no terminal."""

    def __init__(self, out: TextIO, options: ConsoleOptions) -> None:
        self._out = Sink(out)
        self._options = options
        self._progress = Progress(options)
        self._paint = rich_console(self._out, options) if options.colour else None
        self._last_at: float | None = None
        self._is_closed = False
        if options.guard:
            self._write(stop_commands(options.guard))

    def handle(self, envelope: Envelope) -> None:
        """Print the lines for *envelope*, and a progress line when one is due; the time is the event's own."""
        lines = self._progress.take(envelope)
        if self._last_at is None:
            self._last_at = envelope.at
        elif is_due(self._progress, envelope.at - self._last_at, self._options):
            self._last_at = envelope.at
            lines += filter(None, [self._progress.log_line()])
        if lines:
            self._print(lines)

    def finish(
        self,
        report: RunReport,
        verdict: Verdict,
        *,
        artifacts: Sequence[str] = (),
        rerun: str = "",
        replay: str = "",
        sql_paths: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Print the final summary."""
        self._print(
            final_summary(
                report, verdict, self._options, artifacts=artifacts, rerun=rerun, replay=replay, sql_paths=sql_paths
            )
        )

    def close(self) -> None:
        """Let GitHub's runner accept commands again."""
        if not self._is_closed and self._options.guard:
            self._write(resume_commands(self._options.guard))
        self._is_closed = True

    def _print(self, lines: Sequence[Text]) -> None:
        if self._paint is None:
            self._write("".join(f"{line.plain.rstrip()}\n" for line in lines))
            return
        with self._paint.capture() as captured:
            for line in lines:
                self._paint.print(line, soft_wrap=True)
        self._write(captured.get())

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class LiveConsole:
    """A live display: a bar of finished tests and the test in each slot; the lines of events scroll above it."""

    def __init__(self, out: TextIO, options: ConsoleOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._progress = Progress(options)
        self._clock = clock
        self._seen_at = clock()
        self._console = rich_console(Sink(out), options)
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=REFRESH_HZ,
            transient=True,
            vertical_overflow="crop",
        )
        self._live.start()

    def handle(self, envelope: Envelope) -> None:
        """Count *envelope*, and print its lines above the display."""
        lines = self._progress.take(envelope)
        self._seen_at = self._clock()
        if lines:
            self._console.print(Text("\n").join(lines), soft_wrap=True)

    def finish(
        self,
        report: RunReport,
        verdict: Verdict,
        *,
        artifacts: Sequence[str] = (),
        rerun: str = "",
        replay: str = "",
        sql_paths: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Remove the live display and print the final summary."""
        self.close()
        for line in final_summary(
            report, verdict, self._options, artifacts=artifacts, rerun=rerun, replay=replay, sql_paths=sql_paths
        ):
            self._console.print(line, soft_wrap=True)

    def close(self) -> None:
        """Remove the live display."""
        self._live.stop()

    def _render(self) -> RenderableType:
        """The current display; rich's own thread calls it several times a second."""
        progress = self._progress
        now = progress.at + max(self._clock() - self._seen_at, 0.0)
        if not progress.can_run:
            return phases_line(progress, now)
        running = sorted(dict(progress.running).items())
        head = Table.grid(padding=(0, 2), expand=True)
        head.add_column(ratio=1)
        head.add_row(
            ProgressBar(
                total=progress.planned,
                completed=min(progress.done, progress.planned),
                style="bright_black",
                complete_style="red" if progress.red else "green",
                finished_style="red" if progress.red else "green",
            ),
            Text(f"{progress.done}/{progress.planned}", "bold"),
            Text(progress.standing(), "bold red" if progress.red else "yellow"),
            Text(clock_face(now - progress.started_at), "dim"),
        )
        width = self._console.width
        reds = [_clipped(red, width) for red in list(progress.newest_reds)]
        if not running:
            return Group(head, *reds, phases_line(progress, now)) if progress.open_phases else Group(head, *reds)
        return Group(head, *reds, _slots(running, now, width))


def is_due(progress: Progress, since_s: float, options: ConsoleOptions) -> bool:
    """Whether a log gets a progress line, *since_s* seconds after the last one."""
    if options.quiet or options.verbosity == 0:
        return False
    if progress.can_run:
        return since_s >= PROGRESS_EVERY_S
    return min([since_s, *(progress.at - since for since in progress.open_phases.values())]) >= PHASE_EVERY_S


def _clipped(line: Text, width: int) -> Text:
    clipped = line.copy()
    clipped.truncate(width, overflow="ellipsis")
    return clipped


def _slots(running: list[tuple[int, RunningTest]], now: float, width: int) -> Table:
    table = Table.grid(padding=(0, 1))
    for slot, test in running[:SLOTS_SHOWN]:
        style = "yellow" if test.is_slow else ""
        table.add_row(
            Text(f"{slot:>4}", "cyan"),
            Text(f"{max(now - test.since, 0.0):7.1f}s", "bold yellow" if test.is_slow else "dim"),
            Text(clip_start(one_line(test.id, 1000), max(width - 16, 10)), style, no_wrap=True),
        )
    if len(running) > SLOTS_SHOWN:
        table.add_row("", "", Text(f"and {len(running) - SLOTS_SHOWN} more slots", "dim"))
    return table


def phases_line(progress: Progress, now: float) -> Text:
    """The open phases, or the elapsed time without one; shown while no test runs."""
    phases = dict(progress.open_phases)
    if not phases:
        return Text(f"{'':{LABEL_WIDTH}} {clock_face(now - progress.started_at) if progress.started_at else ''}", "dim")
    parts = [progress.phase_text(name, now) for name in phases]
    return Text(f"{'':{LABEL_WIDTH}} {', '.join(parts)}", "dim")


def clock_face(seconds: float) -> str:
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    return f"{minutes}:{rest:02}"


def rich_console(out: Sink, options: ConsoleOptions) -> RichConsole:
    """A rich console that takes its settings from *options* and none from the environment."""
    return RichConsole(
        file=cast("TextIO", out),
        width=options.width,
        color_system="standard" if options.colour else None,
        no_color=not options.colour,
        force_terminal=True,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
