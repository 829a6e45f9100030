"""``python -m tests.django_suite --db postgres``: the counts of each app, and the differences; ends with 1 if one is unexplained.

The apps are those of Django's suite that depend most on databases, runners of tests and servers; ``LABEL`` names others. The
first run makes an image, in one or two minutes. Each way to run these apps takes as long again.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tests.django_suite.compare import EXPLAINED, report, table
from tests.django_suite.running import REQUIREMENT, by_django, by_harness, prepare

APPS = (
    "aggregation",
    "backends",
    "db_functions",
    "migrations",
    "multiple_database",
    "queries",
    "servers",
    "test_runner",
    "test_utils",
    "transactions",
)
HARNESS = "harness ci"


@click.command()
@click.argument("labels", metavar="[LABEL ...]", nargs=-1)
@click.option("--db", multiple=True, default=["postgres"], show_default=True, help="As harness ci takes it.")
@click.option(
    "--parallel",
    type=int,
    multiple=True,
    default=[1, 2],
    show_default=True,
    help="Processes of runtests.py; a run each.",
)
@click.option("--workers", default=2, show_default=True, help="Workers of the harness.")
@click.option("--keep", type=click.Path(path_type=Path), help="An empty folder for sources and artifacts, which stays.")
def main(labels: Sequence[str], db: Sequence[str], parallel: Sequence[int], workers: int, keep: Path | None) -> None:
    """Run Django's own suite by runtests.py and by the harness, and print what differs."""
    labels, unexplained = labels or APPS, 0
    with tempfile.TemporaryDirectory(prefix="django-suite-") as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        root = prepare(folder)
        for backend in db:
            print(f"\n## {REQUIREMENT} on {backend}\n", flush=True)
            runs = {f"runtests.py --parallel {each}": by_django(root, backend, each, labels) for each in parallel}
            runs[HARNESS] = by_harness(root, backend, workers, labels)
            print(table(runs))
            text, number = report(runs, EXPLAINED, HARNESS)
            print(text)
            unexplained += number
    sys.exit(int(unexplained > 0))


if __name__ == "__main__":
    main()
