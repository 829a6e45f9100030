"""``python -m tests.random_suites --db sqlite --suites 200 --seed 1``: prints what differs, and how to see it again."""

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.random_suites.generate import generate
from tests.random_suites.running import Server, compare, postgres, write


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.random_suites", description=__doc__)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--suites", type=int, default=20, metavar="N", help="how many suites, of as many seeds")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first seed")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many suites run side by side")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the suite of --seed into DIR, and run nothing")
    options = parser.parse_args()
    if options.write:
        suite = generate(options.seed, options.db)
        write(suite, options.write)
        print("options:", *suite.own, *suite.shared, *suite.labels)
        return 0
    seeds = range(options.seed, options.seed + options.suites)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres()) if options.db == "postgres" else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = stack.enter_context(ThreadPoolExecutor(options.at_once))
        run = functools.partial(_compare, options.db, folder, server)
        different = sum(_tell(options.db, seed, found) for seed, found in zip(seeds, pool.map(run, seeds), strict=True))
    print(f"{len(seeds)} suites on {options.db}, {different} of them with differences")
    return int(different > 0)


def _compare(db: str, folder: Path, server: Server | None, seed: int) -> list[str]:
    try:
        return compare(seed, db, folder / str(seed), server)
    except Exception as error:  # noqa: BLE001 - the other suites go on
        return [f"{type(error).__name__}: {error}"]


def _tell(db: str, seed: int, found: list[str]) -> bool:
    for line in found:
        print(f"seed {seed}: {line}", flush=True)
    if found:
        print(f"  again: python -m tests.random_suites --db {db} --suites 1 --seed {seed}", flush=True)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
