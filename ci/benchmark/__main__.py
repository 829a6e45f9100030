"""``python -m ci.benchmark``: measures figures, prints the table, writes the JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click

from ci.benchmark import (
    backends,
    cli,
    clones,
    clones_mysql,
    empty,
    lag_check,
    makespan,
    mirrors,
    pair,
    pair_local,
    pytest_runs,
    recovery,
    report,
    routers,
    scale,
    seeds,
    suite,
)
from ci.benchmark.figures import Comparison, Figure
from ci.benchmark.ground import ROOT, WORKERS, Ground, machine
from ci.benchmark.race import Sides, race
from harness.cli import format_error
from harness.errors import HarnessError

LOADFILE, WORKSTEAL = (("-n", str(WORKERS), "--dist", name) for name in ("loadfile", "worksteal"))
Prepare = Callable[[Ground], AbstractContextManager[Sides]]

FIGURES: tuple[tuple[Comparison, Prepare], ...] = (
    *((figure, pair.pair(engine, other)) for figure, engine, other in pair.FIGURES),
    (pair_local.PAIR_LOCAL, pair_local.pair_local),
    (suite.SUITE, suite.suite),
    (suite.SUITE_LOCAL, suite.suite_local),
    (suite.PACKAGE, suite.package),
    (suite.SERVICES, suite.services),
    *seeds.FIGURES,
    *mirrors.FIGURES,
    *lag_check.FIGURES,
    *((backends.comparison(backend), backends.storefront(backend)) for backend in backends.BACKENDS),
    *((clones.comparison(slots), clones.clones(slots)) for slots in clones.SLOTS),
    *((figure, clones_mysql.clones(engine)) for figure, engine in clones_mysql.FIGURES),
    (routers.ROUTERS, routers.routers),
    (cli.CLI, cli.cli),
    (empty.EMPTY, empty.empty),
    (empty.PYTEST, empty.pytest),
    (makespan.MAKESPAN, makespan.makespan),
    (pytest_runs.EMPTY_XDIST, pytest_runs.against(pytest_runs.empty_files, "-n", str(WORKERS))),
    (pytest_runs.EMPTY_PLAIN, pytest_runs.against(pytest_runs.empty_files, "-p", "no:xdist")),
    (pytest_runs.SLOW_LOADFILE, pytest_runs.against(pytest_runs.slow_files, *LOADFILE)),
    (pytest_runs.SLOW_WORKSTEAL, pytest_runs.against(pytest_runs.slow_files, *WORKSTEAL)),
    (pytest_runs.CRASH, pytest_runs.crash),
    (recovery.RECOVERY, recovery.recovery),
    (scale.MEMORY, scale.memory),
    (scale.CAPTURE, scale.capture),
)
NAMES = tuple(comparison.id for comparison, _ in FIGURES)
WORK = ROOT / ".harness-bench"


@click.command(help=f"Measure the figures of docs/reference/benchmark.md: {', '.join(NAMES)}.")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="This figure alone; may be given again.")
@click.option("--repeat", type=click.IntRange(min=1), default=5, show_default=True, help="Rounds of each figure.")
@click.option(
    "--json",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    default=WORK / "bench.json",
    help="Where the JSON goes; by default .harness-bench/bench.json.",
)
def main(only: tuple[str, ...], repeat: int, target: Path) -> None:
    """Measure every figure that is asked for, one after the other."""
    figures = []
    try:
        with Ground(WORK, tell) as ground:
            for comparison, prepare in FIGURES:
                if not only or comparison.id in only:
                    figures.append(_measure(ground, comparison, prepare, repeat))
    except HarnessError as error:
        print(format_error(error), file=sys.stderr)
        sys.exit(error.exit_code)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(report.document(figures, machine(repeat)), "utf-8")
    print(report.table(figures), end="")
    print(f"written to {target}")


def _measure(ground: Ground, comparison: Comparison, prepare: Prepare, repeat: int) -> Figure:
    tell(f"{comparison.id}: {comparison.ours}, against {comparison.theirs}")
    with prepare(ground) as sides:
        rounds, details = race(sides, repeat, lambda line: tell(f"{comparison.id}: {line}"))
    return Figure(comparison, rounds, details)


def tell(line: str) -> None:
    """Print progress to standard error; standard output has the table alone."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
