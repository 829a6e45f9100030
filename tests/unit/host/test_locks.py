"""Locks in the folder for temporary files: the harness follows, empties or awaits nothing that another user put there."""

import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.images.builder import ImageBuilder
from harness.host.locks import lock_file
from harness.host.run import persistent_servers

Taking = tuple[Callable[[], object], str]
"""A function that takes a lock, and the lock's name."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of this user's locks, not made yet; beside it a file that must not change."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "victim").write_text("theirs")
    return tmp_path / f"harness-locks-{os.getuid()}"


@pytest.fixture(params=["kept", "image"])
def take(request: pytest.FixtureRequest) -> Taking:
    """Both users of such locks: a function that takes the lock, and the lock's name."""
    if request.param == "kept":
        return lambda: persistent_servers.held("x").__enter__(), "kept-x"
    builder = ImageBuilder.__new__(ImageBuilder)  # the engine is not asked
    return lambda: builder._lock("a/b:c").__enter__(), "a_b_c"


def test_a_lock_is_a_file_of_this_users_alone(folder: Path) -> None:
    with lock_file("a/b:1") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert (folder / "a_b_1").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        with lock_file("a/b:1") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock_file("a/b:1") as again:
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("kind", ["symlink", "hard link", "pipe"])
def test_a_link_or_pipe_is_refused_and_stays(folder: Path, take: Taking, kind: str) -> None:
    acquire, name = take
    folder.mkdir(mode=0o700)
    if kind == "symlink":
        (folder / name).symlink_to(folder.parent / "victim")
    elif kind == "hard link":
        (folder / name).hardlink_to(folder.parent / "victim")
    else:
        os.mkfifo(folder / name)
    with pytest.raises(UsageError, match="lock") as caught:
        acquire()
    assert "TMPDIR" in caught.value.hint
    assert (folder.parent / "victim").read_text() == "theirs"


def test_a_folder_that_is_a_link_is_refused(folder: Path, take: Taking) -> None:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to(folder.parent / "elsewhere")
    with pytest.raises(UsageError):
        take[0]()
    assert list((folder.parent / "elsewhere").iterdir()) == []


def test_a_folder_that_others_may_write_to_is_refused(folder: Path, take: Taking) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(UsageError, match="other users may write"):
        take[0]()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("target", ["folder", "file"])
def test_a_lock_of_another_user_is_refused(folder: Path, take: Taking, target: str) -> None:
    acquire, name = take
    folder.mkdir(mode=0o700)
    (folder / name).write_text("")
    os.chown(folder if target == "folder" else folder / name, 12345, 12345)
    with pytest.raises(UsageError, match="12345"):
        acquire()
