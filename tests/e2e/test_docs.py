"""The commands of README.md, CONTRIBUTING.md and docs/, run as they stand there, with the wheel of this checkout installed.

Each line that a page shows of a command's output has to be in the real output; numbers may differ. ``UPDATE_PAGES=1`` writes
the pages anew with the numbers of this run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host.project.files import project_files
from tests.e2e.command import environment
from tests.markdown import ROOT, Block, blocks, pages

pytestmark = pytest.mark.docker

TUTORIAL = ROOT / "docs" / "tutorial" / "first-run.md"
PATIENCE_S = 1200
"""The first run of all may have to make a base and build every image."""

SCENES = ("first-run", "library", "clone")
"""Where commands run: in an empty folder; in the tutorial's project as it is at the end; in a copy of this repository."""

INSTEAD: dict[str, str | None] = {
    # not on an index before the first release: what would be there is installed
    "pip install django-ci-harness": "pip install --quiet {wheel}",
    # all of its tests are what tests/e2e/test_ci.py runs: here it is the script that is tried, and what it prints
    "./ci/demo": "./ci/demo accounts.tests.test_models",
    # all of its scenes are what tests/e2e/test_faults.py runs
    ".venv/bin/python -m tests.faults --db postgres": ".venv/bin/python -m tests.faults --only test_workers",
    # these run this very test, among others
    "./ci/test": None,
    "./ci/test tests/unit": None,
    "HARNESS_NO_DOCKER=1 ./ci/test": None,
}
"""Commands that run in another way here, or (``None``) not at all, each with its reason."""

_CD = re.compile(r"^cd (.*)\n\Z", re.MULTILINE)
PLAYED = [page for page in pages() if page != TUTORIAL and any(block.verb == "run" for block in blocks(page))]


class Shell:
    """A shell whose folder and variables stay from one command to the next."""

    def __init__(self, folder: Path, state: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self._state = state
        self._variables = variables
        state.write_text("")

    def copy(self, folder: Path, state: Path) -> Shell:
        """Another one in *folder*, a copy of where this one is; the virtual environment stays the same."""
        shutil.copytree(self.here(), folder, ignore=shutil.ignore_patterns(".venv", ".harness", "__pycache__"))
        other = Shell(folder, state, self._variables)
        state.write_text(_CD.sub("", self._state.read_text()))
        return other

    def run(self, command: str, code: int = 0) -> str:
        """The output of *command*. Fails when it ends with another exit status than *code*."""
        # PWD is left out: it would say where the shell has been that this one is a copy of
        save = f"{{ export -p | grep -v '^declare -x [OLD]*PWD'; printf 'cd %q\\n' \"$(pwd -P)\"; }} >{self._state}"
        script = f". {self._state}\n{command}\nstatus=$?\n{save}\nexit $status\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == code, (
            f"{command}\nended with {done.returncode} and not {code}:\n{done.stdout[-5000:]}"
        )
        return done.stdout

    def here(self) -> Path:
        """The folder that the commands have come to."""
        match = _CD.search(self._state.read_text())
        return Path(match[1]) if match else self.folder


class Player:
    """Does what a page says, block by block, in the shells of its scenes."""

    def __init__(self, shells: dict[str, Shell], wheel: Path) -> None:
        self._shells = shells
        self._wheel = wheel
        self._outputs: dict[str, str] = {}
        self._shell = next(iter(shells.values()))

    def play(self, page: Path) -> None:
        for block in blocks(page):
            if block.verb == "run":
                self._shell = self._shells[block.scene]
                self._run(block)
            elif block.verb == "output":
                as_printed(block.text.splitlines(), self._outputs[block.argument], block.where)
            elif block.verb in ("file", "append"):
                with (self._shell.here() / block.argument).open("a" if block.verb == "append" else "w") as file:
                    file.write(block.text)

    def _run(self, block: Block) -> None:
        text = block.text
        for command, shown in block.commands():
            given = INSTEAD.get(command, command)
            if given is not None:
                output = self._shell.run(given.replace("{wheel}", str(self._wheel)), block.exit_code)
                self._outputs[command] = output
                printed = as_printed(shown, output, block.where)
                text = text.replace("\n".join(shown), "\n".join(printed))
        if os.environ.get("UPDATE_PAGES") and text != block.text:
            block.page.write_text(block.page.read_text().replace(block.text, text))


def as_printed(shown: list[str], output: str, where: str) -> list[str]:
    """The lines *shown*, each as *output* has it if the page shows the whole line. Fails when one is not there.

    Their order is not compared: servers that start side by side have none.
    """
    real = output.splitlines()
    printed = []
    for line in shown:
        same = [other for other in real if comparable(line) == comparable(other)]
        found = next(iter(same), None) or next((other for other in real if comparable(line) in comparable(other)), None)
        assert found is not None, f"{where} shows what is not there:\n{line}\n{output}"
        printed.append(same[0] if line.strip() and same else line)
    return printed


def comparable(line: str) -> str:
    """*line* with its numbers and spaces made alike, and nothing in the plural because of a number."""
    return " ".join(re.sub(r"(# [a-z]+?)s\b", r"\1", re.sub(r"\d+(\.\d+)*", "#", line)).split())


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """The environment of somebody who has none of this activated."""
    env = {name: value for name, value in environment().items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    env["PATH"] = f"{sys.base_prefix}/bin{os.pathsep}{env['PATH']}"
    return env | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1", "PIP_QUIET": "1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str], wheel: Path) -> Shell:
    """The tutorial, done from its first line to its last."""
    folder = tmp_path_factory.mktemp("first-run")
    shell = Shell(folder, folder / "state", variables)
    Player({"first-run": shell}, wheel).play(TUTORIAL)
    return shell


@pytest.fixture
def library(tutorial: Shell, tmp_path: Path) -> Shell:
    """A copy of the tutorial's project, and the shell with its environment."""
    return tutorial.copy(tmp_path / "library", tmp_path / "library-state")


@pytest.fixture
def clone(tmp_path: Path, variables: dict[str, str]) -> Shell:
    """A copy of this repository in which ``ci/environment`` has been run: its ``.venv`` is the one that runs the tests."""
    folder = tmp_path / "clone"
    for name in project_files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        (binaries / program.name).symlink_to(program)
    shutil.copy2(Path(sys.prefix) / "pyvenv.cfg", folder / ".venv")
    (folder / ".venv" / "lib").symlink_to(Path(sys.prefix) / "lib")
    if not (binaries / "harness").exists():
        (binaries / "harness").write_text(f'#!/bin/sh\nexec "{binaries}/python" -m harness "$@"\n')
        (binaries / "harness").chmod(0o755)
    digest = hashlib.sha256((folder / "pyproject.toml").read_bytes()).hexdigest()
    (folder / ".venv" / "stamp").write_text(f"{digest}\n")
    # as an installation that can be edited has it
    return Shell(folder, tmp_path / "clone-state", variables | {"PYTHONPATH": str(folder)})


def test_the_tutorial(tutorial: Shell) -> None:
    assert (tutorial.here() / ".harness" / "junit.xml").is_file()


@pytest.mark.parametrize("page", PLAYED, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, request: pytest.FixtureRequest, wheel: Path) -> None:
    scenes = {block.scene for block in blocks(page) if block.verb == "run"}
    shells = {scene: request.getfixturevalue(scene) for scene in sorted(scenes)}
    try:
        Player(shells, wheel).play(page)
    finally:
        if "harness up" in page.read_text() and "library" in shells:
            shells["library"].run("harness down", 0)  # also when the page has not come that far


def test_a_page_that_shows_what_is_not_printed_is_found() -> None:
    real = "\nPASSED      1 test: 1 passed, in 12.5s\n"
    assert as_printed(["PASSED      2 tests: 2 passed, in 3.0s"], real, "here") == [real.strip()]
    with pytest.raises(AssertionError, match="here shows what is not there"):
        as_printed(["PASSED      2 tests: 2 passed, in 3.0s"], "FAILED 1 test: 1 failed, in 12.5s", "here")
