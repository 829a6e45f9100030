"""The project ``pytest_shop`` under pytest itself, on SQLite: its table of expectations is complete, and true."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.environments import python_with

SHOP = Path(__file__).parents[1] / "projects" / "pytest_shop"
PATIENCE_S = 180


def table() -> ModuleType:
    """The module ``expected`` of the project."""
    spec = importlib.util.spec_from_file_location("pytest_shop_expected", SHOP / "expected.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=[8, 9])
def version(request: pytest.FixtureRequest) -> int:
    """A major version of pytest."""
    major: int = request.param
    return major


@pytest.fixture(scope="module")
def folder(version: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the outcomes of a run of the whole project, and its lives of fixtures, a file for each process."""
    folder = tmp_path_factory.mktemp(f"pytest{version}")
    (folder / "scopes").mkdir()
    requirements = SHOP / "requirements-test.txt"
    python = python_with(f"pytest-shop-{version}", "-r", str(requirements), "django>=5.2", f"pytest=={version}.*")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST_"))}
    environment |= {"SHOP_OUTCOMES": str(folder / "outcomes.json"), "SHOP_SCOPES": str(folder / "scopes")}
    plugins = ("-n", "0", "-p", "plain_outcomes", "--ds", "config.sqlite", "-m", "not topology", "-q")
    places = ("-o", f"cache_dir={folder / 'cache'}", "--basetemp", str(folder / "base" / "run"))
    (folder / "base").mkdir()
    process = subprocess.run(
        [python, "-m", "pytest", *plugins, *places, "--continue-on-collection-errors"],
        cwd=SHOP,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE_S,
    )
    assert process.returncode == 1, process.stdout[-5000:]
    return folder


def test_every_item_has_its_expected_outcome(folder: Path, version: int) -> None:
    found = json.loads((folder / "outcomes.json").read_text())
    assert found == table().expected("sqlite", version, is_plain=True)


def test_every_fixture_is_torn_down_once_for_each_set_up(folder: Path) -> None:
    check_scopes(folder / "scopes")


def test_expectations_of_output_name_items_of_the_table() -> None:
    module = table()
    assert {*module.OUTPUT, *module.PROPERTIES} <= set(module.EXPECTED)


def check_scopes(folder: Path) -> None:
    """In each process that wrote to *folder*, each fixture of the project was set up once, and torn down once."""
    files = list(folder.iterdir())
    assert files
    for file in files:
        lives = Counter(tuple(line.split(" ", 3)[1:]) for line in file.read_text().splitlines())
        assert set(lives.values()) == {1}, lives
        assert {life[1:] for life in lives if life[0] == "up"} == {life[1:] for life in lives if life[0] == "down"}
