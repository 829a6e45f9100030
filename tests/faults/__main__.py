"""The table of faults: ``python -m tests.faults [--db postgres] [--only SCENE]``. Exits with 1 unless all is as expected."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from tests.faults import in_django, in_engine, in_runs, in_servers, in_tests
from tests.faults.row import Row, table

MODULES = ("test_workers", "test_times", "test_results", "test_full")
SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {
    **{module: partial(in_tests.scene, module) for module in MODULES},
    **in_runs.SCENES,
    **in_servers.SCENES,
    **in_django.SCENES,
    **in_engine.SCENES,
}


@click.command()
@click.option("--db", multiple=True, default=["postgres"], show_default=True, help="As harness ci takes it.")
@click.option("--only", multiple=True, type=click.Choice(list(SCENES)), help="This scene alone; may be given again.")
def main(db: Sequence[str], only: Sequence[str]) -> None:
    """Inject every fault into real runs, and print what came of each."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for backend in db:
            for name in only or SCENES:
                place = Path(folder) / f"{backend.replace(':', '-')}-{name}"
                place.mkdir()
                found = list(SCENES[name](backend, place))
                print(table(found), flush=True)
                rows += found
    bad = [row for row in rows if not row.is_as_expected]
    print(f"{len(rows)} faults, {len(rows) - len(bad)} as expected")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
