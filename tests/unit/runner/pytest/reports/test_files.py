"""The files that the options of pytest's plugins name."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.runner.pytest.reports import files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's root, with files of reports."""
    monkeypatch.setattr(files, "project_root", lambda: str(tmp_path / "project"))
    for name in ("project/report.xml", "project/htmlcov/index.html", "project/sub/.coverage", "other.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path / "project"


def config(folder: Path, coverage: Any = None, **options: Any) -> SimpleNamespace:
    controller = SimpleNamespace(cov_controller=SimpleNamespace(cov=coverage))
    return SimpleNamespace(
        option=SimpleNamespace(**options),
        invocation_params=SimpleNamespace(dir=folder),
        pluginmanager=SimpleNamespace(getplugin=lambda _name: controller),
    )


def test_paths_are_seen_from_the_root_and_exist(folder: Path) -> None:
    asked = config(folder, xmlpath="report.xml", htmlpath=str(folder.parent / "other.html"), report_log="gone.json")
    assert files.written_files(asked) == ("report.xml", str(folder.parent / "other.html"))


def test_the_root_itself_is_never_collected(folder: Path) -> None:
    assert files.written_files(config(folder, allure_report_dir=".")) == ()


def test_coverage_has_defaults_for_its_reports(folder: Path) -> None:
    measured = SimpleNamespace(
        config=SimpleNamespace(
            data_file=str(folder / "sub" / ".coverage"), html_dir="htmlcov", xml_output="coverage.xml"
        )
    )
    asked = config(folder, measured, cov_report={"html": None, "xml": None, "term": None})
    assert files.written_files(asked) == ("sub/.coverage", "htmlcov")
