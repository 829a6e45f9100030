"""The files of SQLite that a run has saved: they are kept as they were saved, or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ServerError
from harness.host.config.load import load
from harness.host.saving.seed_cache import SeedCache, discard
from harness.protocol.events import Notice
from harness.protocol.seed_events import SeedFileSaved

CONTENT = b"a template"


@pytest.fixture
def notices() -> list[Notice]:
    return []


@pytest.fixture
def cache(tmp_path: Path, notices: list[Notice]) -> SeedCache:
    folder = tmp_path / "cache"
    folder.mkdir()
    config = load({"project": str(tmp_path)}, {}, tmp_path, need_settings=False)
    return SeedCache(config, folder, notices.append)


def runner(files: dict[str, bytes | None]) -> Any:
    """A runner with *files* by path; ``None`` for one that cannot be read."""

    def archive(path: str) -> Iterable[bytes] | None:
        if path not in files:
            return None
        content = files[path]
        if content is None:
            raise ServerError("The engine does not answer.")
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as tar:
            member = tarfile.TarInfo(Path(path).name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        return [whole.getvalue()]

    return SimpleNamespace(archive=archive)


def saved(alias: str, content: bytes = CONTENT) -> SeedFileSaved:
    return SeedFileSaved("key", alias, f"/tmp/{alias}", hashlib.sha256(content).hexdigest())


def test_a_file_is_kept_as_it_was_saved(cache: SeedCache, notices: list[Notice], tmp_path: Path) -> None:
    cache.take(saved("log"))
    files = cache.fetch_files(runner({"/tmp/log": CONTENT}))
    assert files is not None
    (kept,) = files
    assert (kept.part, Path(kept.path).read_bytes(), notices) == ("@log", CONTENT, [])
    discard(files)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"/tmp/b": b"another one"}, "its saved template was changed while the tests ran"),
        ({}, "its saved template is gone"),
        ({"/tmp/b": None}, "The engine does not answer"),
    ],
    ids=["changed", "gone", "no answer"],
)
def test_none_is_kept_where_one_is_not(
    cache: SeedCache, notices: list[Notice], tmp_path: Path, files: dict[str, bytes | None], reason: str
) -> None:
    for alias in ("a", "b"):
        cache.take(saved(alias))
    assert cache.fetch_files(runner({"/tmp/a": CONTENT, **files})) is None
    (notice,) = notices
    assert notice.code == "not-cached"
    assert notice.text == f"The databases are not cached. b: {reason}."
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_folder_of_a_runner_here_goes_with_its_files(cache: SeedCache, tmp_path: Path) -> None:
    with cache.scratch() as first, cache.scratch() as second:
        assert first != second
        Path(first, "file").write_bytes(CONTENT)
        assert Path(first).stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "cache").rmdir()
    with cache.scratch() as missing:
        assert not Path(missing).exists()
