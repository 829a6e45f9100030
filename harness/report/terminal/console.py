"""The console of a command, for one run or several at once: lines for logs, a live display for terminals.

It never ends a run: if its output is closed, it stops writing.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from harness.protocol.events import Envelope
from harness.report.formats.github import resume_commands, stop_commands
from harness.report.model.text import one_line
from harness.report.terminal.live_display import ShownRun, render
from harness.report.terminal.progress import Progress
from harness.report.terminal.style import ConsoleOptions, encodable, labelled

PROGRESS_EVERY_S = 10.0
PHASE_EVERY_S = 5.0
"""Seconds between two progress lines of a log: while tests run, and before."""
REFRESH_HZ = 8


class Console:
    """Shows the events of *runs*. Lines are printed as events arrive; those of several runs begin with the run's name.

    With *is_live*, a display below the lines shows the state, else a progress line comes at intervals. Always call ``close``.
    """

    def __init__(
        self,
        out: TextIO,
        options: ConsoleOptions,
        runs: Sequence[str] = ("",),
        *,
        is_live: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self._out = Sink(out)
        self._clock = clock
        self._runs = {name: ShownRun(Progress(options), clock()) for name in runs}
        self._width = max(map(len, runs), default=0)
        self._cleanup = contextlib.ExitStack()
        self._rich = RichConsole(
            file=cast("TextIO", self._out),
            width=options.width,
            color_system="standard" if options.colour else None,
            no_color=not options.colour,
            force_terminal=True,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
            _environ={},  # all settings come from the options
        )
        if options.guard:
            self._write(stop_commands(options.guard))
            self._cleanup.callback(self._write, resume_commands(options.guard))
        self._live: Live | None = None
        if is_live:
            self._live = Live(
                console=self._rich,
                get_renderable=lambda: render(self._runs, self._clock(), self._rich.width),
                refresh_per_second=REFRESH_HZ,
                transient=True,
                vertical_overflow="crop",
            )
            self._cleanup.enter_context(self._live)

    def handle(self, envelope: Envelope, run: str = "") -> None:
        """Print the lines for *envelope*, and a progress line when one is due; the time is the event's own."""
        shown = self._runs[run]
        lines = shown.progress.take(envelope)
        shown.seen_at = self._clock()
        if shown.printed_at is None:
            shown.printed_at = envelope.at
        elif self._live is None and _is_due(shown.progress, envelope.at - shown.printed_at, self.options):
            shown.printed_at = envelope.at
            lines += filter(None, [shown.progress.log_line()])
        if lines:
            self._print(self._named(line, run) for line in lines)

    def say(self, text: str) -> None:
        """Print a line that is in no journal."""
        if not self.options.quiet:
            self._print([self._named(labelled("", text, "dim"), "")])

    def notice(self, text: str) -> None:
        """Print *text*, which is in no journal, as a notice."""
        if not self.options.quiet:
            self._print([self._named(labelled("notice", one_line(text, 2000), "", "bold yellow"), "")])

    def end(self, run: str, word: Text, lines: Iterable[Text]) -> None:
        """Show that *run* has ended with *word*, and print *lines* without its name."""
        self._runs[run].end = word
        self._print(lines)

    def finish(self, lines: Iterable[Text]) -> None:
        """Remove the live display and print the command's last lines."""
        if self._live is not None:
            self._live.stop()
        self._print(lines)

    def close(self) -> None:
        """Restore the terminal, and let GitHub's runner accept commands again. Safe to call twice."""
        self._cleanup.close()

    def _named(self, line: Text, run: str) -> Text:
        return Text.assemble((f"{run:{self._width}} ", "cyan"), line) if self._width else line

    def _print(self, lines: Iterable[Text]) -> None:
        listed = list(lines)
        if not listed:
            return
        if self._live is None and not self.options.colour:
            self._write("".join(f"{line.plain.rstrip()}\n" for line in listed))
            return
        self._rich.print(Text("\n").join(listed), soft_wrap=True)
        self._out.flush()

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class Sink(io.TextIOBase):
    """The terminal or file: accepts text that its encoding cannot carry, and drops everything once it is closed or full.

    The exit code and the artifacts of the run stay the same in that case.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_open = True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute there
        return self._out.encoding or "utf-8"

    def isatty(self) -> bool:
        return self._is_open and self._out.isatty()

    def write(self, text: str) -> int:
        self._try(lambda: self._out.write(encodable(text, self.encoding)))
        return len(text)

    def flush(self) -> None:
        self._try(self._out.flush)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            if self._is_open:
                action()
        except (OSError, ValueError):  # closed or full; buffered text would raise again when the interpreter exits
            self._is_open = False
            with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as null:
                os.dup2(null.fileno(), self._out.fileno())


def _is_due(progress: Progress, since_s: float, options: ConsoleOptions) -> bool:
    """Whether a log gets a progress line, *since_s* seconds after the last one."""
    if options.quiet or options.verbosity == 0:
        return False
    if progress.can_run:
        return since_s >= PROGRESS_EVERY_S
    return min([since_s, *(progress.at - since for since in progress.open_phases.values())]) >= PHASE_EVERY_S
