"""The real command as GitHub's runner would start it: annotations, the step summary, and no command by a test's hand."""

from __future__ import annotations

import re

import pytest

from tests.e2e import command
from tests.e2e.test_bad_input import make_project

pytestmark = pytest.mark.docker

TESTS = r"""
import os
import sys
from unittest import TestCase


class HostileTests(TestCase):
    def test_prints_commands(self):
        print("::error::printed")
        print("\r::set-output name=x::y\n##[error]also", file=sys.stderr)
        os.write(1, b"::add-path::/tmp\n")
        os.write(1, b"::stop-commands::guess\n::guess::\n")

    def test_fails_with_commands(self):
        self.fail("::error file=x::in a message\n::warning::and below")
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    """One run. The step summary is beside the folder of its artifacts."""
    folder = tmp_path_factory.mktemp("github")
    project = make_project(folder / "project")
    (project / "shop" / "tests.py").write_text(TESTS)
    env = command.environment(
        GITHUB_ACTIONS="true",
        CI="true",
        GITHUB_STEP_SUMMARY=str(folder / "summary.md"),
        GITHUB_WORKSPACE=str(project),
    )
    return command.harness("--project", str(project), "--runner", "host", artifacts=folder / "artifacts", env=env)


def commands(out: str) -> list[str]:
    """The lines that GitHub's runner would take for commands: those at the beginning of a line, unless they are stopped."""
    token, found = None, []
    for line in re.split(r"\r\n|\r|\n", out):
        stripped = line.lstrip()
        if token is not None:
            token = None if stripped == f"::{token}::" else token
        elif stripped.startswith("::stop-commands::"):
            token = stripped.removeprefix("::stop-commands::")
        elif stripped.startswith(("::", "##[")):
            found.append(line)
    assert token is None, "commands are still stopped at the end"
    return found


def test_the_only_commands_are_our_annotations(ended: command.Ended) -> None:
    assert ended.code == 1, ended.output
    found = commands(ended.out)
    assert [line.partition(" ")[0] for line in found] == ["::error"]
    assert "file=shop/tests.py,line=15" in found[0]


def test_what_was_printed_is_shown(ended: command.Ended) -> None:
    assert "::error::printed" in ended.out


def test_the_step_summary_names_the_failure(ended: command.Ended) -> None:
    text = (ended.artifacts.parent / "summary.md").read_text()
    assert "test_fails_with_commands" in text
