"""The console for several runs at once: lines labelled with the backend or, on a terminal, one row per backend.

Owns what is written to the terminal while backends are tested side by side, and when. Folds their journals as the consoles
of a single run do; like these, it never ends a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.protocol.events import Envelope
from harness.report.formats.github import resume_commands, stop_commands
from harness.report.terminal.console import REFRESH_HZ, Sink, clock_face, is_due, phases_line, rich_console
from harness.report.terminal.progress import Progress
from harness.report.terminal.style import ConsoleOptions, labelled


class _Row:
    """The state of one backend's run."""

    def __init__(self, options: ConsoleOptions) -> None:
        self.progress = Progress(options)
        self.seen_at = 0.0
        self.told_at: float | None = None
        self.end: Text | None = None


class BackendsConsole:
    """Takes the events of several runs, each under its backend's *label*. Always call ``close``."""

    def __init__(
        self,
        out: TextIO,
        options: ConsoleOptions,
        labels: Sequence[str],
        *,
        is_live: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = Sink(out)
        self._options = options
        self._clock = clock
        self._width = max(map(len, labels), default=0)
        self._rows = {label: _Row(options) for label in labels}
        self._console = rich_console(self._out, options)
        self._is_closed = False
        self._live: Live | None = None
        if options.guard:
            self._write(stop_commands(options.guard))
        if is_live:
            self._live = Live(
                console=self._console,
                get_renderable=self._render,
                refresh_per_second=REFRESH_HZ,
                transient=True,
                vertical_overflow="crop",
            )
            self._live.start()

    @property
    def is_quiet(self) -> bool:
        """Whether only the final results are printed."""
        return self._options.quiet

    def handle(self, label: str, envelope: Envelope) -> None:
        """Print the lines for *envelope*, and a progress line when one is due; the time is the event's own."""
        row = self._rows[label]
        lines = row.progress.take(envelope)
        row.seen_at = self._clock()
        if row.told_at is None:
            row.told_at = envelope.at
        elif is_due(row.progress, envelope.at - row.told_at, self._options):
            row.told_at = envelope.at
            if self._live is None:
                lines += filter(None, [row.progress.log_line()])
        self._print(self._named(label, line) for line in lines)

    def say(self, label: str, text: str) -> None:
        """Print a line about *label* that is in no journal; an empty *label* means the command itself."""
        if not self._options.quiet:
            self._print([self._named(label, labelled("", text, "dim"))])

    def end(self, label: str, word: Text, lines: Iterable[Text]) -> None:
        """Mark the run of *label* as ended with *word*, and print *lines*, without the label before them."""
        self._rows[label].end = word
        self._print(lines)

    def finish(self, lines: Iterable[Text]) -> None:
        """Remove the live display and print the command's last lines."""
        self._stop()
        self._print(lines)

    def close(self) -> None:
        """Restore the terminal, and let GitHub's runner accept commands again. Safe to call twice."""
        self._stop()
        if not self._is_closed and self._options.guard:
            self._write(resume_commands(self._options.guard))
        self._is_closed = True

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _named(self, label: str, line: Text) -> Text:
        return Text.assemble((f"{label:{self._width}} ", "cyan"), line) if self._width else line

    def _print(self, lines: Iterable[Text]) -> None:
        listed = list(lines)
        if not listed:
            return
        if self._live is None and not self._options.colour:
            self._write("".join(f"{line.plain.rstrip()}\n" for line in listed))
            return
        self._console.print(Text("\n").join(listed), soft_wrap=True)
        self._out.flush()

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _render(self) -> RenderableType:
        """The current display; rich's own thread calls it several times a second."""
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column()
        table.add_column(ratio=1)
        for label, row in self._rows.items():
            table.add_row(Text(label, "cyan"), *self._cells(row))
        return table

    def _cells(self, row: _Row) -> tuple[RenderableType, ...]:
        progress = row.progress
        if row.end is not None:
            return row.end, Text(f"{progress.done}/{progress.planned}" if progress.planned else ""), Text(), Text()
        if not progress.started_at:
            return Text("waiting", "dim"), Text(), Text(), Text()
        now = progress.at + max(self._clock() - row.seen_at, 0.0)
        age = Text(clock_face(now - progress.started_at), "dim")
        if not progress.can_run:
            return phases_line(progress, now), Text(), Text(), age
        bar = ProgressBar(
            total=progress.planned,
            completed=min(progress.done, progress.planned),
            style="bright_black",
            complete_style="red" if progress.red else "green",
            finished_style="red" if progress.red else "green",
        )
        standing = Text(progress.standing(), "bold red" if progress.red else "yellow")
        return bar, Text(f"{progress.done}/{progress.planned}", "bold"), standing, age
