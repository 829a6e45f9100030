"""The table of faults: every row as expected, and nothing left behind. ``python -m tests.faults`` prints it."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults import in_servers
from tests.faults.__main__ import ALONE, AT_ONCE, SCENES, account, begin, make_images
from tests.faults.row import Row
from tests.faults.where import CACHE
from tests.junit_check import check

Scenes = dict[tuple[str, str], tuple[Path, Future[list[Row]]]]

pytestmark = pytest.mark.docker

ON_THE_OTHERS = ("disk", "test_times", "test_full", "lost", "early", "late", "stalled")
"""Scenes that a server has a part in; the longest first."""


@pytest.fixture(scope="module")
def scenes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, local_cache: Path
) -> Iterator[Scenes]:
    """The folder and the future rows of each scene that a chosen test has, all of them begun."""
    os.environ[CACHE] = str(local_cache)
    items = [item for item in request.session.items if item.path == request.path]
    chosen: list[dict[str, Any]] = [dict(item.callspec.params) for item in items if isinstance(item, pytest.Function)]
    make_images(sorted({each["db"] for each in chosen}))
    pool = ThreadPoolExecutor(AT_ONCE)
    begun = {}
    for each in chosen:
        folder = tmp_path_factory.mktemp("faults") / f"{each['db'].replace(' ', '-')}-{each['scene']}"
        begun[each["db"], each["scene"]] = folder, begin(pool, each["db"], each["scene"], folder)
    yield begun
    del os.environ[CACHE]
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(
    ("db", "scene"),
    [
        *(("postgres", scene) for scene in SCENES if scene != ALONE),
        *((db, scene) for db in ("mysql", "mariadb") for scene in ON_THE_OTHERS),
        *(("local postgres", scene) for scene in in_servers.SCENES),
        *(("local mariadb", scene) for scene in ("lost", "stalled")),
    ],
)
def test_every_fault_comes_to_what_it_must(db: str, scene: str, scenes: Scenes) -> None:
    folder, begun = scenes[db, scene]
    rows = begun.result()
    assert rows
    assert all(row.is_as_expected for row in rows), account(rows, folder)
    for report in folder.glob("*/junit.xml"):
        if report.is_file():
            check(report)
