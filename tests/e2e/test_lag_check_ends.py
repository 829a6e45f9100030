"""``--lag-check``, whatever happens in the second run: the outcomes of the first one stay, and no accident is a bug."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from harness.host.local.binaries import Binaries
from harness.protocol.replica_events import LagChecked, LateReadJudged
from harness.report.journal import read_journal
from tests.e2e.command import ROOT, Ended, environment, harness
from tests.e2e.test_replica_lag import Project, project
from tests.runner import test_pytest_databases
from tests.waiting import wait_for_text

__all__ = ["project"]

HEAD = """
import os
import time
from pathlib import Path

from django.test import TestCase, TransactionTestCase

from shop.models import Item


def is_late(name):
    Item.objects.create(name=name)  # write
    return not Item.objects.using("replica").filter(name=name).exists()  # read
"""
BUG = """

class BugTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_bug(self):
        self.assertFalse(is_late("bug"))

    def test_right(self):
        Item.objects.using("replica").count()
"""
DIES = """

class DyingTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_dies(self):
        if is_late("dies"):
            os._exit(3)


class HangingTests(TransactionTestCase):
    databases = {"default", "replica"}

    def test_hangs(self):
        if is_late("hangs"):
            Path(os.environ["LATE_FLAG"]).write_text("late")
            time.sleep(600)
"""
FAILS = """

class FailingTests(TestCase):
    def test_fails(self):
        self.fail("in the run itself")
"""
PYTEST = """
import pytest
from django.test import TransactionTestCase

from shop.models import Item

BOTH = pytest.mark.django_db(databases=["default", "replica"], transaction=True)


def is_late(name):
    Item.objects.create(name=name)  # write
    return not Item.objects.using("replica").filter(name=name).exists()  # read


@pytest.fixture
def item(transactional_db):
    return Item.objects.create(name="fixture")


@BOTH
def test_bug_in_a_function(item):
    assert Item.objects.using("replica").filter(name="fixture").exists()
    assert not is_late("function")


@BOTH
@pytest.mark.parametrize("name", ["a", "b"])
def test_bug_with_parameters(name):
    assert not is_late(name)


@BOTH
class TestStyle:
    def test_bug_of_pytests_style(self):
        assert not is_late("style")


class TestsOfUnittest(TransactionTestCase):
    databases = {"default", "replica"}

    def test_bug_of_unittest(self):
        assert not is_late("unittest")

    def test_right(self):
        assert not Item.objects.using("replica").exists()


@pytest.mark.django_db(databases=["default", "replica"])
def test_shared():
    assert not is_late("shared")
"""


def words(folder: Path, *options: str) -> tuple[str, ...]:
    return ("--project", str(folder), "--servers", "local", "--lag-check", "300ms", "--parallel", "2", *options)


def judged(ended: Ended) -> tuple[dict[str, LateReadJudged], LagChecked]:
    """The verdicts by the tests' own names, and the sum."""
    events = [each.event for each in read_journal(ended.artifacts / "journal.ndjson")]
    (checked,) = (event for event in events if isinstance(event, LagChecked))
    found = [event for event in events if isinstance(event, LateReadJudged)]
    return {event.test.replace("::", ".").rpartition(".")[2]: event for event in found}, checked


def lines_of(event: LateReadJudged, source: str) -> tuple[bool, bool]:
    """Whether the write and the read of the bug are at the lines of *source* with these comments."""
    assert event.bug is not None
    assert event.bug.write is not None
    assert event.bug.write.frame is not None
    assert event.bug.read.frame is not None
    text = source.splitlines()
    at = text[event.bug.write.frame.line - 1], text[event.bug.read.frame.line - 1]
    return at[0].endswith("# write"), at[1].endswith("# read")


def test_a_worker_that_dies_and_a_test_that_hangs(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    source = HEAD + BUG + DIES + FAILS
    folder = project(source)
    env = environment(HARNESS_CACHE=str(local_cache), LATE_FLAG=str(tmp_path / "late"))
    ended = harness(*words(folder, "--timeout", "3"), artifacts=tmp_path / "artifacts", env=env, timeout=60)
    assert ended.code == 1, ended.output
    assert ended.summary["counts"]["passed"] == 4
    found, checked = judged(ended)
    assert {test: event.verdict for test, event in found.items()} == {"test_bug": "bug"}
    assert lines_of(found["test_bug"], (folder / "shop/tests.py").read_text()) == (True, True)
    assert checked.tests == 4
    assert checked.unchecked == ("shop.tests.DyingTests.test_dies", "shop.tests.HangingTests.test_hangs")


def test_pytest(project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]) -> None:
    local_binaries("postgres")
    folder = project(PYTEST)
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\npython_files = tests.py\n")
    (packages,) = Path(test_pytest_databases.python()).parents[1].glob("lib/*/site-packages")
    env = {"HARNESS_CACHE": str(local_cache), "PYTHONPATH": str(packages)}
    ended = harness(*words(folder, "--framework", "pytest"), artifacts=tmp_path / "artifacts", env=env, timeout=60)
    assert ended.code == 0, ended.output
    found, checked = judged(ended)
    names = ("function", "with_parameters[a]", "with_parameters[b]", "of_pytests_style", "of_unittest")
    expected = {f"test_bug_{'in_a_' if name == 'function' else ''}{name}" for name in names}
    assert {test: event.verdict for test, event in found.items()} == dict.fromkeys(expected, "bug")
    source = (folder / "shop/tests.py").read_text()
    assert {lines_of(event, source) for event in found.values()} == {(True, True)}
    assert (checked.tests, checked.sharing, checked.unchecked) == (6, 1, ())


def test_a_run_that_ends_early_is_not_checked(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    folder = project(HEAD + BUG + FAILS)
    env = environment(HARNESS_CACHE=str(local_cache))
    ended = harness(*words(folder, "--failfast"), artifacts=tmp_path / "artifacts", env=env, timeout=60)
    assert ended.code == 1, ended.output
    assert "The run ended early: no test ran again with late replicas." in ended.output


def test_ctrl_c_in_the_second_run(
    project: Project, tmp_path: Path, local_cache: Path, local_binaries: Callable[..., Binaries]
) -> None:
    local_binaries("postgres")
    folder, artifacts = project(HEAD + DIES), tmp_path / "artifacts"
    flag = tmp_path / "late"
    env = environment(HARNESS_CACHE=str(local_cache), LATE_FLAG=str(flag))
    command = [sys.executable, "-m", "harness", "ci", "--artifacts", str(artifacts), *words(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as run:
        wait_for_text(flag)
        os.killpg(run.pid, signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 130, out
    assert "2 passed" in out
