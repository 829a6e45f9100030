"""``python -m tests.pytest_suites FOLDER --db postgres``: the counts of a suite and the differences; ends with 1 if it has any.

``FOLDER`` is a checkout whose ``[tool.harness]`` names what the harness needs; ``harness init`` writes it. Each ``--command`` is
run by bash in the image of the project and gives a column; the first is what the others are compared with. In it
``$PLAIN_HOST`` and ``$PLAIN_PASSWORD`` are those of a server of ``--db``, for settings that read variables:

    --command 'DATABASE_URL=postgres://harness:$PLAIN_PASSWORD@$PLAIN_HOST/app pytest -p no:xdist'

The same command twice shows the tests that differ by themselves. ``OPTION`` are those of ``harness ci``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tests.django_suite.compare import report, table
from tests.pytest_suites.running import by_harness, by_pytest, folder_of
from tests.random_suites.compare import Seen

HARNESS = "harness ci"


@click.command()
@click.argument(
    "root", metavar="FOLDER", type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True)
)
@click.argument("options", metavar="[-- OPTION ...]", nargs=-1)
@click.option("--db", multiple=True, default=["postgres"], show_default=True, help="As harness ci takes it.")
@click.option(
    "--command",
    "commands",
    multiple=True,
    default=["pytest -p no:xdist"],
    show_default=True,
    help="The project's own command; a run each.",
)
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for the artifacts of the harness, which stays.")
def main(root: Path, options: Sequence[str], db: Sequence[str], commands: Sequence[str], keep: Path | None) -> None:
    """Run the suite of the project in FOLDER by its own command and by the harness, and print what differs."""
    different = 0
    with tempfile.TemporaryDirectory(prefix="pytest-suites-") as temporary:
        for backend in db:
            print(f"\n## {root.name} on {backend}\n", flush=True)
            runs: dict[str, Seen] = {}
            seconds: dict[str, float] = {}
            for number, each in enumerate(commands, start=1):
                title = f"command {number}"
                print(f"{title}: {each}", flush=True)
                runs[title], seconds[title] = by_pytest(root, backend, each)
            artifacts = (keep or Path(temporary)) / f"{root.name}-{backend}.harness"
            runs[HARNESS], seconds[HARNESS] = by_harness(root, backend, options, artifacts)
            print(f"\n{table(runs, 'folder', folder_of)}\n")
            print("\n".join(f"{title}: {took:.1f} s" for title, took in seconds.items()))
            text, number = report(runs, {}, HARNESS)
            print(text, flush=True)
            different += number
    sys.exit(int(different > 0))


if __name__ == "__main__":
    main()
