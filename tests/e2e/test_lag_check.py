"""``--lag-check`` finds every planted mistake with its lines, and nothing else, on each engine and kind of servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.host.local.binaries import Binaries
from tests.e2e.command import ROOT, Ended, environment, harness

FOLDER = ROOT / "tests" / "projects" / "replica_bugs"
LAG_S = 0.7
"""More than a request takes on a busy machine: there it would miss nothing."""
REFUSED = "refused_write"
"""The mistake that no lag shows: a replica refuses it, in every run."""
RED = {REFUSED, "fails"}
RED_OUTCOMES = ("FAILED", "ERRORED")
_MARK = re.compile(r"# (?:.*\b)?(write|read|refused): ([\w, ]+)")

Finding = tuple[str, str, str]
"""The name of a mistake, the line of its write and that of its read, each as ``file:line``."""


def marked() -> Iterator[tuple[str, str, str]]:
    """The kind, the name and the place of each mark in the project: a comment by itself is of the line below it."""
    for path in sorted(FOLDER.rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for kind, names in _MARK.findall(line):
                place = number + line.lstrip().startswith("#")
                for name in names.split(","):
                    yield kind, name.strip(), f"{path.relative_to(FOLDER)}:{place}"


def planted() -> set[Finding]:
    places = {(kind, name): place for kind, name, place in marked()}
    names = {name for _, name in places if name != REFUSED}
    return {(name, places["write", name], places["read", name]) for name in names}


def found(ended: Ended) -> set[Finding]:
    return {
        (
            bug["test"].rpartition(".test_")[2],
            f"{bug['write']['file']}:{bug['write']['line']}",
            f"{bug['read']['file']}:{bug['read']['line']}",
        )
        for bug in ended.summary["lag_check"]["bugs"]
    }


def assert_as_planted(ended: Ended) -> None:
    """Assert that *ended* has found the mistakes, each with its lines, and no look-alike."""
    assert ended.code == 1, ended.output
    red = {test.rpartition(".test_")[2] for test, outcome in ended.outcomes.items() if outcome in RED_OUTCOMES}
    assert red == RED
    (refused,) = (place for kind, _, place in marked() if kind == "refused")
    assert f"Sent by {refused} in archive: UPDATE" in ended.output
    assert "Refused: 'replica' is a mirror of 'default'" in ended.output
    expected = planted()
    assert len(expected) >= 16
    assert found(ended) == expected
    assert min(bug["arrived_s"] for bug in ended.summary["lag_check"]["bugs"]) > LAG_S * 0.9


def run(tmp_path: Path, db: str, *options: str, **variables: str) -> Ended:
    engine = "postgresql" if db == "postgres" else "mysql"
    state = tmp_path / "state"
    state.mkdir()
    env = environment(REPLICA_BUGS_ENGINE=engine, REPLICA_BUGS_STATE=str(state), **variables)
    words = ("--project", str(FOLDER), "--db", db, "--lag-check", f"{LAG_S:g}s", "--parallel", "2", "--runner", "host")
    return harness(*words, *options, artifacts=tmp_path / "artifacts", env=env)


@pytest.mark.parametrize("db", ["postgres", "mariadb"])
def test_local_servers(tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries], db: str) -> None:
    local_binaries(db)
    assert_as_planted(run(tmp_path, db, "--servers", "local", HARNESS_CACHE=str(local_cache)))


@pytest.mark.docker
@pytest.mark.parametrize("db", ["postgres", "mysql", "mariadb"])
def test_containers(tmp_path: Path, db: str) -> None:
    assert_as_planted(run(tmp_path, db, "--servers", "docker"))
