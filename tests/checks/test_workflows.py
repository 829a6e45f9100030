"""Workflows, and scripts of the shell, under the linters that the development dependencies bring."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.host.engines import ENGINES
from harness.host.project.files import project_files
from tests.github_runner import read_yaml
from tests.markdown import ROOT, Block, all_blocks

BIN = Path(sys.executable).parent
FRAME = """\
name: Example
on: push
permissions: {}
concurrency:
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: true
jobs:
"""
JOB = """\
tests:
  name: Tests
  runs-on: ubuntu-24.04
  permissions:
    contents: read
  steps:
"""
NAMES = [name for name in project_files(ROOT) if not name.startswith("tests/projects/")]
SCRIPTS = [
    name
    for name in NAMES
    if name.endswith(".sh") or (ROOT / name).read_bytes()[:20].startswith((b"#!/bin/sh", b"#!/usr/bin/env bash"))
]


LACKED = (
    "pgrep",
    "pkill",
    "killall",
    "ps",
    "curl",
    "wget",
    "git",
    "ip",
    "ss",
    "lsof",
    "jq",
    "sudo",
    "file",
    "less",
    "docker",
)
"""Programs that are missing on a Debian with Python and nothing else."""


def lint(tool: str, *arguments: str | Path, cwd: Path = ROOT) -> None:
    """Run *tool* of this environment; the tools that it looks for itself (shellcheck) are found there first."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        [BIN / tool, *arguments],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def indented(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def whole(kind: str, text: str) -> str:
    """A workflow of *text*: a ``workflow``, its ``jobs``, or the ``steps`` of a job."""
    if kind == "steps":
        text, kind = JOB + indented(text, 4), "jobs"
    return FRAME + indented(text, 2) if kind == "jobs" else text


@pytest.fixture(params=["repository", *all_blocks("workflow")], ids=lambda it: getattr(it, "where", it))
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with ``.github``: this repository, or one whose only workflow is a page's."""
    if request.param == "repository":
        return ROOT
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "example.yml").write_text(whole(request.param.argument, request.param.text))
    return tmp_path


def workflows(repository: Path) -> list[Path]:
    found = sorted((repository / ".github" / "workflows").glob("*.y*ml"))
    assert found
    return found


def test_actionlint(repository: Path) -> None:
    lint("actionlint", *workflows(repository), cwd=repository)


def test_schema(repository: Path) -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows(repository))


def test_schema_of_composite_actions() -> None:
    for action in [ROOT / "action.yml", *ROOT.glob(".github/actions/*/action.yml")]:
        if action.is_file():
            lint("check-jsonschema", "--builtin-schema", "vendor.github-actions", action)


@pytest.mark.parametrize("block", all_blocks("gitlab"), ids=lambda block: block.where)
def test_gitlab_schema(block: Block, tmp_path: Path) -> None:
    path = tmp_path / ".gitlab-ci.yml"
    path.write_text(block.text)
    lint("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", path)


def test_zizmor(repository: Path) -> None:
    lint("zizmor", "--offline", "--no-progress", repository)


def shells() -> Iterator[Any]:
    """The scripts of the composite actions, whose shell actionlint does not look at."""
    for path in sorted(ROOT.glob(".github/actions/*/action.yml")):
        for number, step in enumerate(read_yaml(path)["runs"]["steps"]):
            if "run" in step:
                yield pytest.param(step["run"], id=f"{path.parent.name}-{step.get('id', number)}")


@pytest.mark.parametrize("script", list(shells()))
def test_shellcheck_of_composite_actions(script: str, tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text(script)
    lint("shellcheck", "--norc", "--shell=bash", path)


def test_each_action_of_others_has_one_pin() -> None:
    """A name that is pinned to two commits would be brought up to date in one place and not in the other."""
    pins: dict[str, set[str]] = {}
    for path in (ROOT / ".github").rglob("*.yml"):
        for name, pin in re.findall(r"uses: ([^\s@$]+)@([0-9a-f]{40} # v[\d.]+)$", path.read_text(), re.MULTILINE):
            pins.setdefault("/".join(name.split("/")[:2]), set()).add(pin)
    assert {"actions/checkout", "actions/cache", "actions/download-artifact"} <= pins.keys()
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


def test_every_release_of_every_engine_is_published() -> None:
    matrix = read_yaml(ROOT / ".github" / "workflows" / "images.yml")["jobs"]["publish"]["strategy"]["matrix"]
    assert matrix["db"] == [f"{engine.name}:{version}" for engine in ENGINES.values() for version in engine.versions]


def test_the_linters_find_what_is_wrong(tmp_path: Path) -> None:
    """A linter that says nothing, whatever it is given, would hold nothing."""
    wrong = tmp_path / ".github" / "workflows" / "wrong.yml"
    wrong.parent.mkdir(parents=True)
    wrong.write_text(whole("steps", "- run: echo ${{ github.event.issue.title }} ${{ nonsense }}\n  shel: bash\n"))
    with pytest.raises(AssertionError, match="nonsense"):
        lint("actionlint", wrong, cwd=tmp_path)
    with pytest.raises(AssertionError, match="shel"):
        lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", wrong)
    with pytest.raises(AssertionError, match="template-injection"):
        lint("zizmor", "--offline", "--no-progress", tmp_path)


def test_the_scripts_are_found() -> None:
    assert {"ci/demo", "ci/test", ".ci/run", "images/entry.sh", "images/postgres/server.sh"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck(script: str) -> None:
    lint("shellcheck", "--norc", script)


@pytest.mark.parametrize("name", ["ci/environment", "ci/engine", "ci/base", "ci/demo", "ci/test"])
def test_scripts_for_a_bare_machine_call_only_what_it_has(name: str) -> None:
    """A script may call a missing program after it has looked for it."""
    text = "\n".join(line.split("#")[0] for line in (ROOT / name).read_text().splitlines())
    called = set(
        re.findall(r"(?:^|[|;&(]|\b(?:then|do|else|exec|if|!|timeout \d+))\s*([a-z]+)\b(?!=)", text, re.MULTILINE)
    )
    guarded = set(re.findall(r"command -v ([a-z-]+)", text))
    assert called & {*LACKED} <= guarded
