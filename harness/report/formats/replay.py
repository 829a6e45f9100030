"""The tests that a worker ran up to a failure, as a file for ``harness ci --replay``. Pure.

A line is a test's id; a line that begins with ``#`` is a comment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.protocol import naming
from harness.report.model.run_report import RunReport
from harness.report.model.text import one_line
from harness.report.model.typed_command import TypedCommand


def files(report: RunReport) -> Iterator[tuple[str, str]]:
    """The path and the text of a file for each failure that came after other tests of its worker."""
    for order in report.orders:
        head = f"# What one worker ran, up to {one_line(order[-1])}: harness ci --replay THIS_FILE\n"
        yield naming.replay_file(order[-1]), head + "".join(f"{test}\n" for test in order)


def parse(text: str) -> tuple[str, ...]:
    """The ids in the text of such a file, in order; of duplicates the first counts."""
    lines = [line.strip() for line in text.splitlines()]
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def command(typed: TypedCommand, folder: str, report: RunReport, paths: Collection[str]) -> str:
    """*typed* with the replay file of the first failure, below *folder*; empty if it is not in *paths*, the written files."""
    file = naming.replay_file(report.orders[0][-1]) if report.orders else ""
    return typed.replaying(f"{folder}/{file}") if file in paths else ""
