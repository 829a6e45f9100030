"""The table of faults: every row as expected, and nothing left behind. ``python -m tests.faults`` prints it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.__main__ import ALONE, AT_ONCE, SCENES, account, begin, make_images
from tests.junit_check import check

pytestmark = pytest.mark.docker

ON_THE_OTHERS = ("disk", "test_times", "test_full", "lost", "early", "late", "stalled")
"""Scenes that a server has a part in; the longest first."""


@pytest.fixture(scope="module")
def scenes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """The scenes of all chosen tests, begun: by their parameters, their folder and what will have come of them."""
    chosen = [item.callspec.params for item in request.session.items if item.path == request.path]
    make_images(sorted({each["db"] for each in chosen}))
    pool = ThreadPoolExecutor(AT_ONCE)
    begun = {}
    for each in chosen:
        folder = tmp_path_factory.mktemp("faults") / f"{each['db']}-{each['scene']}"
        begun[each["db"], each["scene"]] = folder, begin(pool, each["db"], each["scene"], folder)
    yield begun
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(
    ("db", "scene"),
    [
        *(("postgres", scene) for scene in SCENES if scene != ALONE),
        *((db, scene) for db in ("mysql", "mariadb") for scene in ON_THE_OTHERS),
    ],
)
def test_every_fault_comes_to_what_it_must(db, scene, scenes) -> None:
    folder, begun = scenes[db, scene]
    rows = begun.result()
    assert rows
    assert all(row.is_as_expected for row in rows), account(rows, folder)
    for report in folder.glob("*/junit.xml"):
        if report.is_file():
            check(report)
