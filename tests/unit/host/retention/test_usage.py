"""The records of the images that runs use."""

import contextlib
import os
from pathlib import Path

import pytest

from harness.host.retention.usage import Records, Usage, records_folder

TAG = "harness-project:0123"


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "images")


def use(records: Records, project: str = "") -> None:
    with contextlib.ExitStack() as held:
        records.use(TAG, project, held)


def test_a_use_has_its_time_and_its_projects(records: Records, tmp_path: Path) -> None:
    assert records.read(TAG) == Usage()
    for project in ("/shop", "", "/blog", "/shop"):
        use(records, project)
    assert records.read(TAG).projects == ("/shop", "/blog")
    (file,) = (tmp_path / "images").iterdir()
    os.utime(file, (1, 1))
    assert records.read(TAG).used_at == 1
    use(records)
    assert records.read(TAG).used_at > 1


def test_an_image_is_held_until_all_runs_have_ended(records: Records) -> None:
    with contextlib.ExitStack() as one, contextlib.ExitStack() as other:
        records.use(TAG, "", one)
        records.use(TAG, "", other)
        one.close()
        with records.unused(TAG) as is_unused:
            assert not is_unused
    with records.unused(TAG) as is_unused:
        assert is_unused


def test_a_look_is_no_use(records: Records) -> None:
    with records.unused(TAG) as is_unused:
        assert is_unused
    assert records.read(TAG) == Usage()


def test_a_record_can_be_forgotten(records: Records) -> None:
    use(records, "/shop")
    records.forget(TAG)
    assert records.read(TAG) == Usage()


def test_a_folder_that_cannot_be_written_records_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    records = Records(tmp_path / "file" / "images")
    use(records, "/shop")
    assert records.read(TAG) == Usage()
    with records.unused(TAG) as is_unused:
        assert is_unused


def test_the_folder_is_in_the_users_cache(tmp_path: Path) -> None:
    assert records_folder({"HARNESS_CACHE": f"{tmp_path}/cache"}) == tmp_path / "cache" / "images"
    (tmp_path / "file").write_text("")
    assert records_folder({"HARNESS_CACHE": f"{tmp_path}/file"}) == tmp_path / "file" / "images"
