"""The tests run on the Python that the project asks for, also where no image of it can be had; or the run ends with 4."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.docker.client import connect
from harness.host.images.builder import ImageBuilder
from harness.host.images.pythons import by_uv, interpreters
from harness.host.project.python_version import Wanted
from tests.e2e import command

pytestmark = pytest.mark.docker

TESTS = "reports.tests.test_topology.RealReplicaTests"
SOME_MINUTES = 590
"""For an image of a Python that may have to be made first, in seconds."""


@pytest.fixture(scope="module")
def of_this_machine() -> interpreters.Interpreter:
    found, reasons = interpreters.find(Wanted("3.12"), platform.machine())
    assert found, (
        f"These tests need a complete CPython 3.12 with headers on this machine, as pyenv installs it: {reasons}"
    )
    return found[0]


@pytest.fixture(scope="module")
def builder() -> Iterator[ImageBuilder]:
    with contextlib.closing(connect()) as client, ImageBuilder(client, lambda *_: None) as made:
        yield made


def storefront(folder: Path, python: str) -> Path:
    """A copy of the storefront that asks for *python*; its Django is the newest, which needs 3.12."""
    root = folder / "storefront"
    shutil.copytree(command.PROJECTS / "storefront", root)
    declared = f'[project]\nname = "storefront"\nversion = "1"\nrequires-python = "{python}"\n\n'
    (root / "pyproject.toml").write_text(declared + (root / "pyproject.toml").read_text())
    return root


@pytest.mark.parametrize(("python", "series"), [("==3.12.*", "3.12"), (">=3.13,<3.14", "3.13")])
def test_a_project_runs_on_the_python_that_it_asks_for(
    tmp_path: Path, of_this_machine: interpreters.Interpreter, python: str, series: str
) -> None:
    """Its requirements have a driver without wheels for Linux, so the headers of the Python are used."""
    root = storefront(tmp_path, python)
    ended = command.harness(TESTS, "--db", "postgres", artifacts=tmp_path / "a", cwd=root, timeout=SOME_MINUTES)
    assert ended.code == 0, ended.output
    summary = ended.summary
    assert summary["python"].startswith(f"{series}.")
    assert int(summary["django"].split(".")[0]) >= 6
    assert summary["counts"]["passed"] == summary["counts"]["planned"] > 0


def test_the_plan_says_which_way_the_python_came(tmp_path: Path, builder: ImageBuilder) -> None:
    root = storefront(tmp_path, "==3.12.*")
    ended = command.command("plan", artifacts=tmp_path, cwd=root, timeout=SOME_MINUTES)
    assert ended.code == 0, ended.output
    way, is_copy = builder.python_of(builder.runner_image("3.12"))
    assert f"note: Python 3.12 (requires-python of pyproject.toml) is that of {way}." in ended.out
    assert way.endswith(("of this machine", "uv python install")) if is_copy else way.startswith("python:3.12")


def test_a_release_is_that_one_alone(builder: ImageBuilder, of_this_machine: interpreters.Interpreter) -> None:
    """Its layers are those of the image of the series, from the engine's cache."""
    tag = builder.runner_image(Wanted(of_this_machine.release), ".python-version")
    said = builder.images.output(
        tag, "python3", "-c", "import platform, ssl, sqlite3; print(platform.python_version())"
    )
    assert said.strip() == of_this_machine.release
    assert builder.runner_image(Wanted(of_this_machine.release)) == tag


def test_the_error_lists_each_way_with_its_reason(tmp_path: Path) -> None:
    root = storefront(tmp_path, "==3.12.59")
    silent = command.environment(UV_PYTHON_DOWNLOADS="never", UV_OFFLINE="1")
    ended = command.harness("--db", "postgres", artifacts=tmp_path / "a", cwd=root, env=silent, timeout=SOME_MINUTES)
    assert ended.code == 4, ended.output
    text = ended.output
    assert "Python 3.12.59, which requires-python of pyproject.toml asks for, cannot be had here." in text
    for reason in ("python:3.12.59-slim: ", "Debian: no suite has Python 3.12", ": it is 3.12.", "uv python install: "):
        assert reason in text
    assert "uv python install 3.12.59" in text


def test_uv_installs_one_from_the_source_that_the_user_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_this_machine: interpreters.Interpreter
) -> None:
    """A real uv, whose list of downloads names an archive that is made here of this machine's interpreter."""
    release, machine = of_this_machine.release, of_this_machine.machine
    archive = tmp_path / "python.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for part in ("bin", "lib", "include"):
            tar.add(of_this_machine.prefix / part, f"python/{part}", filter=_without_tests)
    major, minor, patch = map(int, release.split("."))
    entry = {
        "name": "cpython",
        "arch": {"family": machine, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": archive.as_uri(),
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": "20260101",
    }
    downloads = tmp_path / "downloads.json"
    downloads.write_text(json.dumps({f"cpython-{release}-linux-{machine}-gnu": entry}))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(downloads))
    folder = tmp_path / "work"
    folder.mkdir()
    found = by_uv.install(Wanted("3.12"), machine, folder, tmp_path)
    assert found.release == release
    assert interpreters.described(found.executable)["version"] == release
    assert {found.executable.is_file(), found.stdlib.is_dir(), *(path.is_dir() for path in found.includes)} == {True}


def _without_tests(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    is_left_out = any(part in member.name for part in ("/test/", "/site-packages/", "__pycache__", ".a"))
    return None if is_left_out and not member.isdir() else member
