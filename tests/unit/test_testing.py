"""The module that a project's tests import, in the harness and outside of it."""

import subprocess
import sys
import unittest
from typing import Any

import pytest

from harness import testing


class FakeControl:
    def __init__(self, error: str = "") -> None:
        self.error = error
        self.calls: list[tuple[str, ...]] = []

    def begin(self) -> str:
        self.calls.append(("begin",))
        return self.error

    def check(self, alias: str, role: Any) -> str:
        return "" if (alias, role) in (("default", "primary"), ("copy", "replica")) else f"no {role} {alias}"

    def act(self, alias: str, role: Any, action: str, value: str) -> str:
        self.calls.append((alias, role, action, value))
        return self.error


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> FakeControl:
    made = FakeControl()
    monkeypatch.setattr(testing, "control", made)
    return made


def test_a_test_of_failover_is_skipped_outside_of_the_harness() -> None:
    with pytest.raises(unittest.SkipTest, match="harness ci"):
        testing.topology()


def test_the_module_imports_nothing_of_the_package() -> None:
    code = "import sys, harness.testing; print([name for name in sys.modules if name.startswith('harness.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['harness.testing']"


def test_each_action_reaches_its_server(control: FakeControl) -> None:
    primary, replica = testing.topology().primary(), testing.topology().replica("copy")
    for server in (primary, replica):
        for action in ("pause", "resume", "stop", "start"):
            getattr(server, action)()
    for action in ("freeze", "thaw", "promote", "cut_off"):
        getattr(replica, action)()
    replica.lag("500ms")
    of_primary = [("default", "primary", action, "") for action in ("pause", "resume", "stop", "start")]
    words = ("pause", "resume", "stop", "start", "freeze", "thaw", "promote", "cut_off")
    of_replica = [("copy", "replica", action, "") for action in words]
    assert control.calls == [("begin",)] * 2 + of_primary + of_replica + [("copy", "replica", "lag", "500ms")]


def test_an_error_of_the_harness_is_an_exception_of_the_test(control: FakeControl) -> None:
    found = testing.topology()
    with pytest.raises(testing.TopologyError, match="no primary copy"):
        found.primary("copy")
    control.error = "it is stopped"
    with pytest.raises(testing.TopologyError, match="it is stopped"):
        found.primary().pause()
    with pytest.raises(testing.TopologyError, match="it is stopped"):
        testing.topology()
