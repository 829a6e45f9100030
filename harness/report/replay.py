"""What a worker had run before a test failed, as a file that ``harness ci --replay`` takes. Pure.

A line is a test's id; a line that begins with ``#`` is for the reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.contract import naming
from harness.report.runreport import RunReport
from harness.report.text import one_line
from harness.report.typed import Typed


def files(report: RunReport) -> Iterator[tuple[str, str]]:
    """For each failure that came after other tests of its worker: the failed test's id, and the text of its file."""
    for order in report.orders:
        head = f"# What one worker ran, up to {one_line(order[-1])}: harness ci --replay THIS_FILE\n"
        yield order[-1], head + "".join(f"{test}\n" for test in order)


def parse(text: str) -> tuple[str, ...]:
    """The ids in the text of such a file, in order; one that is there twice counts once, where it comes first."""
    lines = [line.strip() for line in text.splitlines()]
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def command(typed: Typed, folder: str, report: RunReport, paths: Collection[str]) -> str:
    """*typed* with the file of the first failure, below *folder*; empty where none of *paths*, which were written, is that."""
    files = [naming.replay_file(order[-1]) for order in report.orders[:1]]
    return typed.replaying(f"{folder}/{files[0]}") if files and files[0] in paths else ""
