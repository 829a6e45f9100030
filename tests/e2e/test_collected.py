"""Files that tests and plugins of pytest write in the runner's container come out into the artifacts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.e2e.command import Ended, harness
from tests.files import write_files

FILES = {
    "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\naddopts = --cov=shop --cov-branch --cov-report=term\n",
    "pyproject.toml": '[tool.harness]\ninstall = ["pip install django pytest pytest-django pytest-cov"]\n'
    'collect = ["out/notes", "missing.txt"]\n',
    "manage.py": "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
    "shop/__init__.py": "",
    "shop/settings.py": "SECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db'}}\n",
    "shop/prices.py": "def rounded(price):\n    if price < 0:\n        return 0\n    return round(price)\n",
    "test_prices.py": "import pathlib\nfrom shop.prices import rounded\n\ndef test_rounded():\n    assert rounded(1.6) == 2\n\n"
    "def test_notes():\n    folder = pathlib.Path('out/notes/deep')\n    folder.mkdir(parents=True)\n"
    "    (folder / 'a.txt').write_text('noted')\n    (folder / 'link').symlink_to('/etc/passwd')\n",
}
REPORTS = ("--cov-report=html", "--cov-report=xml:out/coverage.xml", "--junitxml=report.xml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collected") / "shop"
    write_files(folder, FILES)
    return folder


@pytest.fixture(scope="module")
def ended(folder: Path) -> Ended:
    return harness("--db", "sqlite", "--", *REPORTS, "--cov-fail-under=90", cwd=folder, artifacts=folder / ".harness")


@pytest.mark.docker
def test_too_little_coverage_is_red_with_the_reason(ended: Ended) -> None:
    assert ended.code == 1, ended.output
    assert ended.outcomes == {
        "test_prices.py::test_rounded": "PASSED",
        "test_prices.py::test_notes": "PASSED",
        "session::exit": "FAILED",
    }
    assert "Required test coverage of 90% not reached. Total coverage: 75.00%" in ended.out, ended.output
    assert re.search("^shop/prices.py +4 +1 +2 +1 +67%$", ended.out, re.MULTILINE), (
        ended.out
    )  # also if the run were green


@pytest.mark.docker
def test_reports_of_plugins_come_out(ended: Ended, folder: Path) -> None:
    collected = folder / ".harness" / "collected"
    cases = ET.parse(collected / "report.xml").getroot().iter("testcase")
    assert sorted(str(case.get("name")) for case in cases) == ["test_notes", "test_rounded"]
    assert ET.parse(collected / "out" / "coverage.xml").getroot().get("line-rate")
    assert (collected / "htmlcov" / "index.html").exists()
    assert (collected / ".coverage").exists()


@pytest.mark.docker
def test_named_files_come_out_and_links_do_not(ended: Ended, folder: Path) -> None:
    notes = folder / ".harness" / "collected" / "out" / "notes" / "deep"
    assert [path.name for path in notes.iterdir()] == ["a.txt"]
    assert (notes / "a.txt").read_text() == "noted"
    notices = [notice.text for notice in ended.report.notices if notice.code == "not-collected"]
    assert notices == ["collect names missing.txt, which is not there after the tests."]


@pytest.mark.docker
def test_the_next_run_clears_them(ended: Ended, folder: Path) -> None:
    again = harness("--db", "sqlite", "--", "--no-cov", "-k", "rounded", cwd=folder, artifacts=folder / ".harness")
    assert (ended.code, again.code) == (1, 0), again.output
    assert not (folder / ".harness" / "collected").exists()
