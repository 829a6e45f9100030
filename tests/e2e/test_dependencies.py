"""The dependencies of a project come from its own lock or files, by the tool that owns their rules: real tools in real images."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

PACKAGING = command.PROJECTS / "packaging"
SIDE_BY_SIDE = 3


def copied(case: str, root: Path) -> Path:
    """The fixture project *case* in *root*, with the files that all of them share."""
    for folder in ("skeleton", case):
        shutil.copytree(PACKAGING / folder, root, dirs_exist_ok=True)
    return root


def git(root: Path, *words: str) -> None:
    """Run git in *root*; its commits are the same on each run, so that images are found again."""
    names = {f"GIT_{who}_{key}": "x@example" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2020-01-01T00:00:00Z")
    environment = {**os.environ, **names, **dates}
    subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words], cwd=root, env=environment, check=True, capture_output=True
    )


def with_repository(root: Path) -> None:
    """Add a repository of the package ``toml``; the public index has another package of that name."""
    work = root.with_name(f"{root.name}-toml")
    shutil.copytree(PACKAGING / "uv_lock" / "packages" / "inner", work)
    (work / "inner.py").rename(work / "toml.py")
    (work / "pyproject.toml").write_text((work / "pyproject.toml").read_text().replace("inner", "toml"))
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "toml")
    bare = root / "repositories" / "toml"
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare")
    git(work, "push", "-q", str(bare), "main")


def with_wheel(root: Path) -> None:
    """Add a folder of wheels, with a package that no other index has."""
    (root / "wheels").mkdir()
    info = "pinned-1.0.dist-info"
    files = {
        "pinned.py": 'ORIGIN = "an index of the project"\n',
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: pinned\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(root / "wheels" / "pinned-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name), text)


def with_wheel_and_repository(root: Path) -> None:
    with_wheel(root)
    with_repository(root)


def with_tag(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "billing")
    git(root, "tag", "v3.4")


def below_its_repository(root: Path) -> None:
    """Move the Django project into a folder of its repository, whose top has the requirements."""
    (root / "backend").mkdir()
    for name in ("config", "manage.py", "tests.py"):
        (root / name).rename(root / "backend" / name)
    git(root, "init", "-q")


def nothing(root: Path) -> None:
    """Leave the project as it is."""


GREEN: Mapping[str, tuple[str, Callable[[Path], None], str]] = {
    "uv_lock": ("uv_lock", nothing, "uv.lock (a lock; uv installs)"),
    "uv_sources": (
        "uv_sources",
        with_wheel_and_repository,
        "[tool.uv] of pyproject.toml (no lock; only uv follows its tables)",
    ),
    "uv_commands": ("uv_commands", nothing, "[tool.harness] install (configured)"),
    "poetry_lock": ("poetry_lock", nothing, "poetry.lock (a lock; poetry installs)"),
    "poetry_groups": ("poetry_groups", with_repository, "[tool.poetry] of pyproject.toml (no lock"),
    "pipfile": ("pipfile", nothing, "Pipfile.lock (a lock; pipenv installs)"),
    "pdm": ("pdm", nothing, "pdm.lock (a lock; pdm installs)"),
    "requirements": ("requirements", nothing, "requirements/base.txt, requirements/test.txt (no lock; pip installs)"),
    "hashes": ("hashes", nothing, "requirements.txt (no lock; pip installs)"),
    "library": ("library", with_tag, "pyproject.toml, extra test of pyproject.toml (no lock; pip installs)"),
    "repository": ("requirements", below_its_repository, "requirements/base.txt, requirements/test.txt in "),
}
"""By name: the fixture project, its change before the run, and the source of the dependencies that the run names."""


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, command.Ended]:
    """The runs of all projects in ``GREEN``, side by side."""
    folder = tmp_path_factory.mktemp("green")

    def run(name: str) -> command.Ended:
        case, change, _ = GREEN[name]
        root = copied(case, folder / name / "project")
        change(root)
        project = root / "backend" if (root / "backend").is_dir() else root
        return command.harness(
            "--db", "sqlite", "--parallel", "1", cwd=project, artifacts=root.with_name("artifacts"), timeout=580
        )

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip(GREEN, pool.map(run, GREEN), strict=True))


@pytest.mark.parametrize("name", GREEN)
def test_a_project_gets_the_dependencies_that_it_names(green: Mapping[str, command.Ended], name: str) -> None:
    ended = green[name]
    assert ended.code == 0, ended.output
    assert set(ended.outcomes.values()) == {"PASSED"}
    assert f"dependencies: {GREEN[name][2]}" in ended.output


def rewrite(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def with_silent_source(root: Path) -> None:
    source = "[tool.uv.sources]\ntoml = {git = 'https://127.0.0.1:9/x'}\n"
    rewrite(root, "pyproject.toml", "[tool.poetry", "[tool.other")
    rewrite(root, "pyproject.toml", "[build-system]", f"{source}[build-system]")


def with_constraints(root: Path) -> None:
    root.with_name("constraints.txt").write_text("django<5\n")


REFUSED: Mapping[str, tuple[str, Callable[[Path], None], dict[str, str], list[str]]] = {
    "a lock of uv that does not fit": (
        "uv_lock",
        lambda root: rewrite(root, "pyproject.toml", '"Django>=5.2,<6"', '"Django>=5.2,<6", "attrs"'),
        {},
        ["uv.lock does not fit", "run 'uv lock'"],
    ),
    "a lock of Pipenv that does not fit": (
        "pipfile",
        lambda root: rewrite(root, "Pipfile", 'iniconfig = "*"', 'six = "*"'),
        {},
        ["Pipfile.lock does not fit", "run 'pipenv lock'"],
    ),
    "a source that cannot be reached": (
        "poetry_groups",
        with_silent_source,
        {},
        ["https://127.0.0.1:9/x could not be reached"],
    ),
    "a constraint that the lock breaks": (
        "uv_lock",
        with_constraints,
        {"HARNESS_PIP_CONSTRAINTS": "../constraints.txt"},
        ["breaks a constraint of pip", "Django==5.2"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, command.Ended]:
    """The runs of all projects in ``REFUSED``, side by side."""
    folder = tmp_path_factory.mktemp("refused")

    def run(name: str) -> command.Ended:
        case, change, variables, _ = REFUSED[name]
        root = copied(case, folder / name.replace(" ", "-") / "project")
        change(root)
        env = command.environment(**variables)
        return command.harness("--db", "sqlite", cwd=root, env=env, artifacts=root.with_name("artifacts"), timeout=580)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip(REFUSED, pool.map(run, REFUSED), strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_a_project_that_cannot_be_installed_is_refused(refused: Mapping[str, command.Ended], name: str) -> None:
    ended = refused[name]
    assert ended.code == 4, ended.output
    assert all(text in ended.output for text in REFUSED[name][3]), ended.output


def test_a_driver_and_further_packages_are_added(tmp_path: Path) -> None:
    root = copied("skeleton", tmp_path / "project")
    (root / "requirements.txt").write_text("django>=5.2,<6\n")
    (root / "pyproject.toml").write_text('[tool.harness]\nextra_install = ["six"]\n')
    with (root / "config" / "settings.py").open("a") as settings:
        settings.write("import six\n")
    ended = command.command("plan", "--db", "postgres", cwd=root, artifacts=tmp_path)
    assert ended.code == 0, ended.output
    assert "dependencies: requirements.txt (no lock; pip installs)" in ended.out
    assert "note: No file names a driver for PostgreSQL: psycopg[binary] is installed" in ended.out
