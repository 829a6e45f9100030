"""``python -m ci.local_suites``: runs the storefront and the outcomes on local servers, and compares the results.

The servers are of the programs that the machine has or fetches. Needs no Docker and no root.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from harness.report.journal import read_journal
from harness.report.model.ledger import fold

ROOT = Path(__file__).parents[1]
PROJECTS = ROOT / "tests" / "projects"
SUITES = (("storefront", "mariadb"), ("outcomes", "postgres"), ("outcomes", "mariadb"))
"""The projects and their engines; ``ci/demo`` runs the storefront on PostgreSQL."""
STOREFRONT = {"PASSED": 301, "SKIPPED": 1}
"""The number of each outcome of the storefront on MariaDB."""
PROOF = "reports.tests.test_topology.RealReplicaTests.test_another_process_answers"
"""The ``TransactionTestCase`` that proves that the replica is another server process."""
SETTINGS = "import pymysql\n\npymysql.install_as_MySQLdb()\n\nfrom config.settings import *\n"
"""Settings with a driver of MySQL that needs no compiler."""


def main() -> int:
    """Print a line for each suite; 1 if one of them differs."""
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "with_pymysql.py").write_text(SETTINGS)
        for project, engine in SUITES:
            problem = _suite(project, engine, folder)
            print(f"{project} on local {engine}: {problem or 'as expected'}", flush=True)
            problems += [problem] if problem else []
    return 1 if problems else 0


def _suite(project: str, engine: str, folder: Path) -> str:
    """The difference of a suite from the expected result; empty if there is none."""
    artifacts = folder / f"{project}-{engine}"
    command = [
        sys.executable,
        "-m",
        "harness",
        "ci",
        "--servers",
        "local",
        "--db",
        engine,
        "--artifacts",
        str(artifacts),
    ]
    command += ["--project", str(PROJECTS / project), "--settings", "with_pymysql"]
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    journal = artifacts / "journal.ndjson"
    found = {case.test.id: case.outcome.value for case in fold(read_journal(journal)).cases} if journal.exists() else {}
    if project == "storefront":
        counts = Counter(found.values())
        is_expected = (done.returncode, counts, found.get(PROOF)) == (0, STOREFRONT, "PASSED")
        return "" if is_expected else f"exit {done.returncode}, {dict(counts)}\n{done.stdout[-5000:]}"
    expected = json.loads((PROJECTS / project / "expected.json").read_text())
    expected |= json.loads((PROJECTS / project / "expected_on.json").read_text()).get(engine, {})
    different = [
        f"{test}: {expected.get(test)} expected, {found.get(test)}"
        for test in sorted(expected.keys() | found.keys())
        if expected.get(test) != found.get(test)
    ]
    is_expected = done.returncode == 1 and not different
    return "" if is_expected else "\n".join([f"exit {done.returncode}", *different, done.stdout[-5000:]])


if __name__ == "__main__":
    sys.exit(main())
