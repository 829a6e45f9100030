"""The name of the programs of a seed: the same wherever they are, and another one for other programs."""

from pathlib import Path

from harness.host.local.binaries import Binaries
from harness.host.local.seeds import IDENTITY, identity

FILES = [("entry.sh", b"start")]


def binaries(folder: Path, content: bytes) -> Binaries:
    folder.mkdir()
    (folder / "postgres").write_bytes(content)
    return Binaries("postgres", "17", "17.10", folder / "postgres", (folder,))


def test_the_content_counts_and_not_the_place(tmp_path: Path) -> None:
    one, copy = binaries(tmp_path / "one", b"a"), binaries(tmp_path / "copy", b"a")
    found = identity(tmp_path, one, FILES)
    assert found.startswith("postgres-17.10-")
    assert identity(tmp_path, copy, FILES) == found
    assert identity(tmp_path, binaries(tmp_path / "other", b"b"), FILES) != found
    assert identity(tmp_path, one, [("entry.sh", b"other")]) != found


def test_the_folder_of_the_seed_remembers_it(tmp_path: Path) -> None:
    (tmp_path / IDENTITY).write_text("postgres-17.10-x")
    assert identity(tmp_path, binaries(tmp_path / "one", b"a"), FILES) == "postgres-17.10-x"
