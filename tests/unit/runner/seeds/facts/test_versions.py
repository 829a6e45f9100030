import json
from pathlib import Path

from harness.runner.seeds.facts.versions import versions


def install(folder: Path, name: str, origin: object = None, record: str = "") -> None:
    metadata = folder / f"{name}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "RECORD").write_text(record)
    if origin is not None:
        (metadata / "direct_url.json").write_text(json.dumps(origin))


def test_packages_are_listed_by_name_and_version(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    install(folder, "b-2.0")
    install(folder, "a-1.0")
    install(tmp_path / "project", "shop-0.1.dev7")
    (folder / "a").mkdir()
    assert versions([str(tmp_path / "project"), str(folder), "/nowhere/site-packages"]) == [
        "a-1.0.dist-info",
        "b-2.0.dist-info",
    ]


def test_a_package_of_a_folder_or_repository_counts_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    install(folder, "a-1.0", {"url": "file:///a", "dir_info": {}}, "a.py,sha256=1")
    before = versions([str(folder)])
    install(folder, "a-1.0", {"url": "file:///a", "dir_info": {}}, "a.py,sha256=2")
    assert versions([str(folder)]) != before


def test_a_linked_package_counts_as_the_project_does(tmp_path: Path) -> None:
    install(tmp_path / "site-packages", "a-1.0", {"url": "file:///a", "dir_info": {"editable": True}})
    assert versions([str(tmp_path / "site-packages")]) == []
