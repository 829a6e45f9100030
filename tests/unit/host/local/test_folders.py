"""The folders of local servers: whether one's supervisor runs, has ended, or is just starting."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from harness.host.local import folders, supervisor


@pytest.mark.parametrize(
    ("lock", "is_held", "is_old", "is_alive"),
    [
        pytest.param("17", True, False, True, id="it runs"),
        pytest.param("17", True, True, True, id="it has run for long"),
        pytest.param("", True, True, True, id="it holds the lock and has not written its number yet"),
        pytest.param("17", False, False, False, id="it has ended soon after its start"),
        pytest.param("17", False, True, False, id="it has ended"),
        pytest.param("", False, False, True, id="it has made its file, and not locked it yet"),
        pytest.param("", False, True, False, id="it has ended before it held the lock"),
        pytest.param(None, False, False, True, id="it has made its folder alone"),
        pytest.param(None, False, True, False, id="it has ended after it made its folder"),
    ],
)
def test_a_supervisor_is_alive_until_its_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str | None, is_held: bool, is_old: bool, is_alive: bool
) -> None:
    path = tmp_path / supervisor.LOCK
    if lock is not None:
        path.write_text(lock)
    if is_old:  # the time of a folder's last change cannot be set
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 2 * folders.NEW_S)
    descriptor = os.open(path, os.O_RDWR) if is_held else -1
    try:
        if is_held:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert folders.is_alive(tmp_path) is is_alive
    finally:
        if is_held:
            os.close(descriptor)
