"""The records of servers that outlive their command."""

import dataclasses
from pathlib import Path

import pytest

from harness.host.retention.kept_servers import KeptAlias, KeptRecords, KeptServer, KeptServers, state_folder

KEPT = KeptServers(
    "ab12",
    "docker",
    "/srv/shop",
    is_up=True,
    made_at=5.0,
    settings="settings",
    choices={"--db": "postgres:17"},
    servers=(KeptServer("default", "postgres", "PostgreSQL 17.2", None, "127.0.0.1", 40001),),
    aliases=(KeptAlias("default", "default", "b", "shop", "web", None, ("b", "shop")),),
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    records = KeptRecords(tmp_path / "kept")
    records.write(KEPT)
    assert records.read("ab12") == KEPT
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "kept").iterdir()] == [0]


def test_all_are_listed_the_oldest_first(tmp_path: Path) -> None:
    records = KeptRecords(tmp_path)
    older = dataclasses.replace(KEPT, run="cd34", made_at=1.0)
    records.write(KEPT)
    records.write(older)
    assert records.all() == [older, KEPT]
    records.forget("cd34")
    records.forget("cd34")
    assert records.all() == [KEPT]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"run": "ab12", "servers": [1], "aliases": []}', "null"])
def test_a_file_of_another_form_counts_as_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / "ab12.json").write_text(text)
    assert KeptRecords(tmp_path).read("ab12") is None
    assert KeptRecords(tmp_path).all() == []


def test_a_folder_that_is_not_there_has_no_record(tmp_path: Path) -> None:
    assert KeptRecords(tmp_path / "none").all() == []


def test_a_user_without_a_home_has_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", fail)
    records = KeptRecords(state_folder({}))
    assert (records.read("ab12"), records.all()) == (None, [])
    with pytest.raises(OSError, match="null"):
        records.write(KEPT)


def test_the_folder_follows_xdg() -> None:
    assert state_folder({"HOME": "/home/a"}) == Path("/home/a/.local/state/django-ci-harness/kept")
    assert state_folder({"HOME": "/home/a", "XDG_STATE_HOME": "/s"}) == Path("/s/django-ci-harness/kept")
