"""The live display on a terminal: a bar and the test in each slot for one run, a row each for several.

Pure: the console passes the state of the runs, and decides when to draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.report.model.text import one_line
from harness.report.terminal.progress import Progress, RunningTest
from harness.report.terminal.style import LABEL_WIDTH, clip_start

SLOTS_SHOWN = 12


@dataclass(slots=True)
class ShownRun:
    """A run on the console. ``seen_at``: the console's clock at the last event; ``printed_at``: the time of the event that
    had the last progress line. ``end`` is the verdict of a run that has ended before others.
    """

    progress: Progress
    seen_at: float
    printed_at: float | None = None
    end: Text | None = None

    def now(self, clock: float) -> float:
        """The time in seconds since the epoch, counted on from the last event."""
        return self.progress.at + max(clock - self.seen_at, 0.0)


def render(runs: Mapping[str, ShownRun], clock: float, width: int) -> RenderableType:
    """The display of *runs* at *clock*; it gets a few lines for a single run, one line each for several."""
    if len(runs) == 1:
        (run,) = runs.values()
        return _single(run.progress, run.now(clock), width)
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column()
    table.add_column(ratio=1)
    for name, run in runs.items():
        table.add_row(Text(name, "cyan"), *_row(run, clock))
    return table


def phases_line(progress: Progress, now: float) -> Text:
    """The open phases, or the elapsed time without one; shown while no test runs."""
    phases = [progress.phase_text(name, now) for name in dict(progress.open_phases)]
    elapsed = _clock_face(now - progress.started_at) if progress.started_at else ""
    return Text(f"{'':{LABEL_WIDTH}} {', '.join(phases) or elapsed}", "dim")


def _single(progress: Progress, now: float, width: int) -> RenderableType:
    if not progress.can_run:
        return phases_line(progress, now)
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(ratio=1)
    head.add_row(*_cells(progress, now))
    parts: list[RenderableType] = [head, *list(progress.newest_reds)]
    if running := sorted(dict(progress.running).items()):
        parts.append(_slots(running, now, width))
    elif progress.open_phases:
        parts.append(phases_line(progress, now))
    return Group(*parts)


def _row(run: ShownRun, clock: float) -> tuple[RenderableType, ...]:
    progress, now = run.progress, run.now(clock)
    if run.end is not None:
        return run.end, Text(f"{progress.done}/{progress.planned}" if progress.planned else "")
    if not progress.started_at:
        return (Text("waiting", "dim"),)
    if not progress.can_run:
        return phases_line(progress, now), Text(), Text(), Text(_clock_face(now - progress.started_at), "dim")
    return _cells(progress, now)


def _cells(progress: Progress, now: float) -> tuple[RenderableType, ...]:
    """A bar of the finished tests, their number, the counts of those that did not simply pass, and the elapsed time."""
    style = "red" if progress.red else "green"
    return (
        ProgressBar(
            total=progress.planned,
            completed=min(progress.done, progress.planned),
            style="bright_black",
            complete_style=style,
            finished_style=style,
        ),
        Text(f"{progress.done}/{progress.planned}", "bold"),
        Text(progress.standing(), "bold red" if progress.red else "yellow"),
        Text(_clock_face(now - progress.started_at), "dim"),
    )


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


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    return f"{minutes}:{rest:02}"
