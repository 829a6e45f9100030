"""The table of faults: ``python -m tests.faults [--db postgres] [--only SCENE]``. Exits with 1 unless all is as expected."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click

from tests.e2e.command import ROOT, environment
from tests.faults import in_chance, in_django, in_engine, in_pytest, in_runs, in_servers, in_tests
from tests.faults.row import Row, table
from tests.faults.running import PROJECT
from tests.faults.where import LOCAL

MODULES = ("test_workers", "test_times", "test_results", "test_full", "test_forgery")
ALONE = "engine"
"""Stops every container on the engine, of whoever has some: with no other beside it."""
SCENES: dict[str, Callable[[str, Path], Iterator[Row]]] = {
    **{module: partial(in_tests.scene, module) for module in MODULES},
    **in_runs.SCENES,
    **in_servers.SCENES,
    **in_chance.SCENES,
    **in_django.SCENES,
    **in_engine.SCENES,
    **in_pytest.SCENES,
}
AT_ONCE = 2
"""How many scenes go on side by side: most of the time they wait."""

OUTPUT_LINES = 60


def make_images(db: Sequence[str]) -> None:
    """Make what the runs need, where it is missing: that takes minutes, which no scene waits for."""
    each = [word for backend in db if not backend.startswith(LOCAL) for word in ("--db", backend)]
    if not each:
        return
    for project in (PROJECT, in_pytest.PROJECT):
        command = [sys.executable, "-m", "harness", "images", "build", *each, "--project", str(project)]
        subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, check=True, timeout=1800)


def begin(pool: ThreadPoolExecutor, db: str, scene: str, folder: Path) -> Future[list[Row]]:
    """The rows of a scene that begins as soon as *pool* has room; its artifacts are in *folder*."""
    folder.mkdir()
    return pool.submit(rows_of, SCENES[scene](db, folder))


def rows_of(scene: Iterator[Row]) -> list[Row]:
    """The rows of *scene*; where it breaks off, a last one that says why, and is not as expected."""
    rows = []
    try:
        for row in scene:
            rows.append(row)
    except Exception:  # noqa: BLE001 - whatever it is, the other scenes go on
        rows.append(Row("the scene itself", "ends", traceback.format_exc()))
    return rows


def account(rows: Sequence[Row], folder: Path) -> str:
    """The rows as a table; where one is not as expected, also the ends of what the runs of *folder* printed."""
    lines = [table(rows)]
    if not all(row.is_as_expected for row in rows):
        for printed in sorted(folder.glob("*.out")):
            lines += [f"--- {printed.name}", *printed.read_text(errors="replace").splitlines()[-OUTPUT_LINES:]]
    return "\n".join(lines)


def _can_have(backend: str, scene: str) -> bool:
    """Whether the servers of *backend* have a part in *scene* that is their own: local ones only in theirs."""
    return not backend.startswith(LOCAL) or scene in in_servers.SCENES


@click.command()
@click.option(
    "--db",
    multiple=True,
    default=["postgres"],
    show_default=True,
    help="As harness ci takes it, or 'local postgres'.",
)
@click.option("--only", multiple=True, type=click.Choice(list(SCENES)), help="This scene alone; may be given again.")
@click.option("--at-once", default=AT_ONCE, show_default=True, help="Scenes that go on side by side.")
def main(db: Sequence[str], only: Sequence[str], at_once: int) -> None:
    """Inject every fault into real runs, and print what came of each."""
    make_images(db)
    rows = []
    chosen = [(backend, name) for backend in db for name in only or SCENES if _can_have(backend, name)]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for is_alone in (False, True):
            with ThreadPoolExecutor(1 if is_alone else at_once) as pool:
                folders = {
                    (backend, name): Path(folder) / f"{re.sub('[: ]', '-', backend)}-{name}"
                    for backend, name in chosen
                    if (name == ALONE) is is_alone
                }
                began = {key: begin(pool, *key, folders[key]) for key in folders}
                for (backend, name), scene in began.items():
                    found = scene.result()
                    print(f"{name} on {backend}\n{account(found, folders[backend, name])}", flush=True)
                    rows += found
    bad = [row for row in rows if not row.is_as_expected]
    print(f"{len(rows)} faults, {len(rows) - len(bad)} as expected")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
