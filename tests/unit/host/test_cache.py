"""The folder of the cache, for an ordinary user and for root."""

import os
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host import cache


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


class TestPlace:
    @pytest.mark.parametrize(
        ("environ", "folder"),
        [
            ({"HOME": "/home/me"}, "/home/me/.cache/django-ci-harness"),
            ({"HOME": "/home/me", "XDG_CACHE_HOME": "/cache"}, "/cache/django-ci-harness"),
            ({"HARNESS_CACHE": "/mine", "XDG_CACHE_HOME": "/cache"}, "/mine"),
            ({"HARNESS_CACHE": "", "XDG_CACHE_HOME": "/cache"}, "/cache/django-ci-harness"),
        ],
    )
    def test_the_variable_comes_before_the_users_caches(self, environ: dict[str, str], folder: str) -> None:
        assert cache.cache_folder(environ) == Path(folder)

    def test_a_relative_folder_is_in_the_current_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert cache.cache_folder({"HARNESS_CACHE": "here"}) == tmp_path / "here"


class TestModes:
    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
    def test_no_other_user_reads_a_private_folder(self, tmp_path: Path, umask: int) -> None:
        before = os.umask(umask)
        try:
            folder = cache.private_folder({"HARNESS_CACHE": f"{tmp_path}/a/cache"}, "seeds")
        finally:
            os.umask(before)
        assert folder == tmp_path / "a" / "cache" / "seeds"
        assert mode(folder) == 0o700
        assert mode(folder.parent) == (0o711 if os.geteuid() == 0 else 0o700)

    def test_a_folder_that_is_there_stays_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "seeds").mkdir(mode=0o755)
        cache.private_folder({"HARNESS_CACHE": str(tmp_path)}, "seeds")
        assert mode(tmp_path / "seeds") == 0o755

    def test_a_file_in_its_place_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "seeds").write_text("")
        with pytest.raises(UsageError, match="it is no folder"):
            cache.private_folder({"HARNESS_CACHE": str(tmp_path)}, "seeds")

    def test_a_folder_that_others_can_write_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "seeds").mkdir()
        (tmp_path / "seeds").chmod(0o777)
        with pytest.raises(UsageError, match="other users may write to it") as caught:
            cache.private_folder({"HARNESS_CACHE": str(tmp_path)}, "seeds")
        assert "HARNESS_CACHE" in caught.value.hint

    def test_a_link_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "seeds").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UsageError, match="it is no folder"):
            cache.private_folder({"HARNESS_CACHE": str(tmp_path)}, "seeds")


class TestRoot:
    def test_others_reach_a_readable_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "FOR_ALL", tmp_path / "var")
        monkeypatch.setattr(cache, "is_passable", lambda folder: False)
        folder = cache.readable_folder({"HARNESS_CACHE": f"{tmp_path}/cache"}, "programs")
        if os.geteuid() == 0:
            assert folder == tmp_path / "var" / "programs"
            assert mode(folder) == 0o755
        else:
            assert folder == tmp_path / "cache" / "programs"

    def test_a_closed_folder_on_the_way_is_not_passable(self, tmp_path: Path) -> None:
        (tmp_path / "open" / "closed" / "inner").mkdir(parents=True)
        (tmp_path / "open" / "closed").chmod(0o700)
        assert not cache.is_passable(tmp_path / "open" / "closed" / "inner")
        assert not cache.is_passable(tmp_path / "open" / "closed")
        assert cache.is_passable(Path("/usr/not/there/yet"))


def test_what_no_run_has_used_for_a_month_goes(tmp_path: Path) -> None:
    for name in ("old", "used", "young"):
        (tmp_path / name / "inner").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for entry in tmp_path.iterdir():
        os.utime(entry, (1, 1), follow_symlinks=False)
    cache.use(tmp_path / "used")
    os.utime(tmp_path / "young", (10, 10))
    cache.prune(tmp_path, cache.KEPT_S + 5.0)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["used", "young"]
    cache.use(tmp_path / "gone")
