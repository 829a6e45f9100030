"""The table of faults: every row as expected, and nothing left behind. ``python -m tests.faults`` prints it."""

import pytest

from tests.faults.__main__ import SCENES
from tests.faults.row import table
from tests.junit_check import check

pytestmark = pytest.mark.docker

ALONE = "engine"
"""Stops every container on the engine, of whoever has some: by hand only."""
ON_THE_OTHERS = ("test_times", "test_full", "lost", "stalled")
"""Scenes that a server has a part in."""


@pytest.mark.parametrize(
    ("db", "scene"),
    [
        *(("postgres", scene) for scene in SCENES if scene != ALONE),
        *((db, scene) for db in ("mysql", "mariadb") for scene in ON_THE_OTHERS),
        ("mysql", "disk"),  # MariaDB takes a minute to find that nobody makes room: by hand
    ],
)
def test_every_fault_comes_to_what_it_must(db, scene, tmp_path):
    rows = list(SCENES[scene](db, tmp_path))
    assert rows
    assert all(row.is_as_expected for row in rows), table(rows)
    for report in tmp_path.glob("*/junit.xml"):
        if report.is_file():
            check(report)
