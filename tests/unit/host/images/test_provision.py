"""The images of a configuration: which there are, and that they are made side by side."""

import threading
from pathlib import Path

import pytest

from harness.errors import ServerError
from harness.host.config.databases import DbSpec
from harness.host.config.load import load
from harness.host.engines import ENGINES
from harness.host.images.provision import has_project, servers_of, side_by_side


def test_each_server_comes_once_with_its_version() -> None:
    default = ENGINES["postgres"].default_version
    asked = (DbSpec("postgres"), DbSpec("postgres", default), DbSpec("postgres", "15", "catalog"), DbSpec("sqlite"))
    assert servers_of(asked) == (DbSpec("postgres", default), DbSpec("postgres", "15"))


def test_jobs_run_at_once_and_results_keep_their_order() -> None:
    both = threading.Barrier(2, timeout=60)
    assert list(side_by_side({"b": lambda: both.wait() * 0, "a": lambda: both.wait() * 0})) == ["b", "a"]


def test_the_first_failure_of_several_jobs_is_raised() -> None:
    def fail() -> bool:
        raise ServerError("no image")

    waiting = threading.Event()
    with pytest.raises(ServerError, match="no image"):
        side_by_side({"slow": lambda: waiting.wait(60), "failing": fail})
    waiting.set()


@pytest.mark.parametrize(
    ("files", "is_project"),
    [
        ({}, False),
        ({"manage.py": ""}, True),
        ({"tests/conftest.py": "settings.configure()"}, True),
        ({"pytest.ini": "[pytest]", "pyproject.toml": "[tool.harness]\nframework = 'django'"}, False),
    ],
    ids=["an empty folder", "a script", "settings that pytest finds", "pytest that is left out"],
)
def test_a_project_of_pytest_needs_no_settings(files: dict[str, str], is_project: bool, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert has_project(load({"project": str(tmp_path)}, {}, tmp_path, need_settings=False)) == is_project
