"""Runs of the project ``mirrors``: two primaries, three replicas, and every way in which tests read them.

``python -m tests.mirror_runs --rounds 20`` repeats its tests, and ends with 1 if an outcome is not the expected one in any round.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from tests.e2e.command import PROJECTS, Ended, environment, harness
from tests.environments import packages_in

PROJECT = PROJECTS / "mirrors"
SHARED = "shop.tests.test_shared"
TOPOLOGIES = "shop.tests.test_topologies"
SERVERS = {
    "postgres": ("--servers", "local", "--db", "postgres"),
    "mariadb": ("--servers", "local", "--db", "mariadb"),
    "mysql": ("--runner", "host", "--db", "mysql"),
}
"""The options for each kind of server; MySQL's are in containers."""
RED = {f"{SHARED}.{cls}.test_fails_and_shows_its_sql" for cls in ("ReadTests", "AnyTests")}
"""The tests that fail in each run: a test reads their SQL."""
PACKAGES = (
    *("django-multidb-router==0.11", "django-replicated==2.7", "six==1.17.0"),
    *("psycopg-pool==3.3.3", "pytest-django==4.14.0"),
)


def run(
    kind: str, *arguments: str, artifacts: Path, cache: str, project: Path = PROJECT, options: object = None
) -> Ended:
    """Run *project* on the servers of *kind*, with *options* as ``OPTIONS`` of its databases. *cache*: ``HARNESS_CACHE``."""
    env = environment(
        HARNESS_CACHE=cache,
        PYTHONPATH=str(packages_in("mirrors", *PACKAGES)),
        MIRRORS_ENGINE="postgresql" if kind == "postgres" else "mysql",
        MIRRORS_OPTIONS=json.dumps(options or {}),
    )
    return harness("--project", str(project), *SERVERS[kind], *arguments, artifacts=artifacts, env=env)


def red(ended: Ended) -> dict[str, str]:
    """The message of each red test by its name."""
    cases = ET.parse(ended.artifacts / "junit.xml").iter("testcase")
    return {
        f"{case.get('classname')}.{case.get('name')}": each.get("message", "")
        for case in cases
        for each in (*case.iter("failure"), *case.iter("error"))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--kind", choices=SERVERS, action="append", help="by default those that run without containers")
    asked = parser.parse_args()
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.kind or ("postgres", "mariadb"):
            for number in range(1, asked.rounds + 1):
                wrong.update(f"{kind} {each}" for each in _round(kind, number, asked.parallel, Path(folder)))
    for name, count in wrong.most_common():
        print(f"{count} of {asked.rounds}: {name}")
    return 1 if wrong else 0


def _round(kind: str, number: int, parallel: int, folder: Path) -> list[str]:
    """Run the tests once; what was not as expected, which is printed too."""
    began = time.monotonic()
    flags = (SHARED, TOPOLOGIES, "--parallel", str(parallel))
    ended = run(kind, *flags, artifacts=folder / f"{kind}-{number}", cache=str(folder / "cache"))
    found = red(ended)
    differing = sorted(found.keys() ^ RED)
    print(
        f"{kind} {number}: exit {ended.code}, {time.monotonic() - began:.1f} s, {differing or 'as expected'}",
        flush=True,
    )
    for test in differing:
        print(f"  {test}: {found.get(test, 'passed')}")
    if ended.code != 1:
        print(ended.output)
        differing.append(f"exit {ended.code}")
    return differing


if __name__ == "__main__":
    sys.exit(main())
