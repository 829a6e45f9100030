"""Tables as aligned lines of text and as Markdown, and the tables that the summaries of one run have in common. Pure.

A line of text is one ``Text`` of any length: ``rich.table`` would wrap the id of a test at the width of a console.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from harness.report.formats.markdown import plain, within
from harness.report.model.run_report import RunReport
from harness.report.model.text import one_line, plural

TABLE_BYTES = 200_000
SLOW_S = 5.0
"""Seconds from which a test is listed among the slowest by default."""
SLOWEST = 5
LEAST_WAIT_S = 0.01
"""Seconds from which a wait is named."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; *width* is its least width in text, in characters. Numbers are aligned to the right."""

    title: str = ""
    width: int = 0
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain or styled cells."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Text]]

    def lines(self) -> list[Text]:
        """The rows without the titles; the last column is not padded."""
        cells = [[Text(cell) if isinstance(cell, str) else cell.copy() for cell in row] for row in self.rows]
        last = len(self.columns) - 1
        for index, column in enumerate(self.columns):
            width = max([column.width, *(row[index].cell_len for row in cells)])
            for row in cells:
                if column.is_number:
                    row[index].pad_left(width - row[index].cell_len)
                elif index < last:
                    row[index].pad_right(width - row[index].cell_len)
        lines = [Text("  ").join(row) for row in cells]
        for line in lines:
            line.rstrip()
        return lines

    def markdown(self, file: str = "junit.xml", budget: int = TABLE_BYTES) -> Iterator[str]:
        """The titles and as many rows as *budget* bytes allow; *file* has the others. Markup in a cell is text."""
        yield _row([plain(column.title) for column in self.columns])
        yield f"|{'|'.join('---:' if column.is_number else '---' for column in self.columns)}|"
        more = [f"+{{}} more, see {file}" if column.title == "test" else "" for column in self.columns]
        yield from within(self.rows, lambda row: _row([plain(str(cell)) for cell in row]), budget, _row(more))
        yield ""


def phase_times(report: RunReport) -> Table:
    """The seconds of each phase, of the slots that were recycled, and of the run."""
    rows = [
        (phase.name, f"{phase.seconds:.3f}s", "" if phase.is_finished else "(not finished)") for phase in report.phases
    ]
    if report.recycles:
        rows.append(("recycled", f"{report.recycle_s:.3f}s", f"{plural(report.recycles, 'slot')}, within tests"))
    rows.append(("total", f"{report.total_s:.3f}s", ""))
    return Table((Column("phase", 8), Column("time", 10, is_number=True), Column("note")), rows)


def waiting_times(report: RunReport) -> list[str]:
    """The time from the command to the first test, and from the last test to the end, each by what the run waited for."""
    times, lines = report.times, []
    for title, found in (("before the first test", times.before_tests), ("after the last test", times.after_tests)):
        if parts := ", ".join(f"{wait.name} {wait.seconds:.2f}s" for wait in found if wait.seconds >= LEAST_WAIT_S):
            lines.append(f"{title} {sum(wait.seconds for wait in found):.2f}s: {parts}")
    return lines


def slowest_tests(report: RunReport, number: int | None, least_s: float = 0.0) -> Table:
    """The *number* slowest tests that took at least *least_s* seconds, 0 for all; for ``None`` up to five slow ones."""
    least_s, number = (max(least_s, SLOW_S), SLOWEST) if number is None else (least_s, number or len(report.cases))
    slow = [case for case in report.cases if case.attempts and case.duration >= least_s]
    shown = sorted(slow, key=lambda case: -case.duration)[:number]
    rows = [(Text(f"{case.duration:.3f}s", "dim"), one_line(case.test.id)) for case in shown]
    return Table((Column("slowest", 9, is_number=True), Column("test")), rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
