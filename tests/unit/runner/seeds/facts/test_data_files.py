import math
from pathlib import Path

import pytest

from harness.runner.seeds.facts import data_files
from harness.runner.seeds.facts.data_files import DataFiles, TooManyError, fixtures, is_made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        *("data/items.csv", "data/more/codes.txt", "shop/__init__.py", "shop/raw.sql", "shop/templates/shop/page.html"),
        *("shop/fixtures/start.json", "shop/models.py", "node_modules/a/items.csv", ".git/config", "other/README"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def read(root: Path, *literals: str, folders: tuple[str, ...] = ()) -> set[str]:
    lines = DataFiles(str(root), math.inf).read_by(literals, [str(root / each) for each in folders])
    return {line.partition(" ")[0] for line in lines}


def test_files_are_found_by_name_stem_and_folder(root: Path) -> None:
    assert read(root, "items.csv") == {"data/items.csv"}
    assert read(root, "some/place/items.csv") == {"data/items.csv"}
    assert read(root, "start") == {"shop/fixtures/start.json"}
    assert read(root, "data") == {"data/items.csv", "data/more/codes.txt"}


def test_hidden_files_count_by_their_whole_name_alone(root: Path) -> None:
    for name in ("data/.secret", "shop/.hidden"):
        (root / name).write_text(name)
    assert read(root, "data", folders=("shop",)) == read(root, "data", folders=("shop",)) - {
        "data/.secret",
        "shop/.hidden",
    }
    assert read(root, "data/.secret") == {"data/.secret"}


def test_files_that_the_project_has_made_do_not_count(root: Path) -> None:
    began = (root / "data/items.csv").stat().st_ctime + 0.5
    while not is_made(str(root / "data/new.csv"), began):
        (root / "data/new.csv").write_text("random")
    assert DataFiles(str(root), began).read_by(["data"], []) == DataFiles(str(root), math.inf).read_by(
        ["more", "items"], []
    )


def test_a_package_is_no_folder_of_data(root: Path) -> None:
    assert read(root, "shop", "page") == set()
    assert read(root, "shop/page.html") == {"shop/templates/shop/page.html"}


def test_the_files_of_the_app_count_without_its_pages(root: Path) -> None:
    assert read(root, folders=("shop",)) == {"shop/raw.sql", "shop/fixtures/start.json"}


def test_the_content_counts(root: Path) -> None:
    before = DataFiles(str(root), math.inf).read_by(["items.csv"], [])
    (root / "data/items.csv").write_text("other")
    assert DataFiles(str(root), math.inf).read_by(["items.csv"], []) != before


def test_too_many_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "MOST_BYTES", 10)
    with pytest.raises(TooManyError):
        read(root, "data")
    monkeypatch.setattr(data_files, "MOST_BYTES", 1000)
    monkeypatch.setattr(data_files, "MOST_FILES", 1)
    with pytest.raises(TooManyError):
        read(root, "data")


def test_fixtures_are_those_of_apps_and_of_the_folders_named(root: Path) -> None:
    found = fixtures([str(root / "shop")], [str(root / "other")])
    assert [Path(each).relative_to(root).as_posix() for each in found] == ["shop/fixtures/start.json", "other/README"]
