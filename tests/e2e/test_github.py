"""The real command as GitHub's runner would start it: annotations, the step summary, and no command by a test's hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e import command
from tests.e2e.test_bad_input import project  # noqa: F401 - a fixture

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


@pytest.fixture
def ended(project, tmp_path: Path):  # noqa: F811 - the fixture
    (project / "shop" / "tests.py").write_text(TESTS)
    env = command.environment(
        GITHUB_ACTIONS="true",
        CI="true",
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
        GITHUB_WORKSPACE=str(project),
    )
    return command.harness("--project", str(project), "--runner", "host", artifacts=tmp_path / "artifacts", env=env)


def commands(out):
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


def test_the_only_commands_are_our_annotations(ended) -> None:
    assert ended.code == 1, ended.told
    found = commands(ended.out)
    assert [line.partition(" ")[0] for line in found] == ["::error"]
    assert "file=shop/tests.py,line=15" in found[0]


def test_what_was_printed_is_shown(ended) -> None:
    assert "::error::printed" in ended.out


def test_the_step_summary_names_the_failure(ended, tmp_path: Path) -> None:
    text = (tmp_path / "summary.md").read_text()
    assert "test_fails_with_commands" in text
