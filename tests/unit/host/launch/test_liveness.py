"""The limits of a silent runner, and those of the stages before and after the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.launch.child_process import ChildRunner
from harness.host.launch.liveness import (
    DISCOVERY,
    END,
    SETTINGS,
    TEMPLATE,
    Liveness,
    Stage,
    hang_error,
    next_stage,
    stall,
)
from harness.protocol.events import (
    AttemptStarted,
    Event,
    PhaseFinished,
    PhaseStarted,
    RunFinished,
    RunPlanned,
    TopologyFound,
)
from harness.protocol.topology import Topology

FOUND = TopologyFound(Topology(()), "config.settings", "3.13", "6.1")
STACKS = """Thread 0x01 (most recent call first):
  File "/usr/lib/python3.13/threading.py", line 5 in wait
  File "/project/shop/.venv/lib/python3.13/site-packages/lib.py", line 3 in connect
  File "/project/shop/tests.py", line 7 in <module>
  File "/project/shop/apps.py", line 9 in ready
  File "/opt/harness/harness/runner/bootstrap.py", line 35 in enter
"""


@pytest.fixture
def liveness(tmp_path: Path) -> Liveness:
    return Liveness(ChildRunner(tmp_path, {}), lambda error: None, limits={}, project="")


class TestSilence:
    @pytest.mark.parametrize(
        ("silent_s", "checks", "limit_s", "problem"),
        [
            (1.0, 0, 60.0, None),
            (61.0, 0, 60.0, "has sent nothing for 60 s"),
            (600.0, 0, None, None),  # a migration may take its time
            (6.0, 1, 60.0, None),
            (11.0, 2, 60.0, "was stopped, and did not go on"),
            (11.0, 2, None, "was stopped, and did not go on"),
        ],
    )
    def test_a_stop_or_a_long_silence_is_a_problem(
        self, silent_s: float, checks: int, limit_s: float | None, problem: str | None
    ) -> None:
        assert stall(silent_s, checks, limit_s) == problem

    def test_an_empty_line_is_a_sign_of_life_and_no_event(self, liveness: Liveness) -> None:
        lines = liveness.watched([b'{"a":1}\n', b"\n", b'{"b":2}\n', b"torn"])
        assert list(lines) == [b'{"a":1}\n', b'{"b":2}\n', b"torn"]

    def test_only_the_wait_for_a_line_is_silence(self, liveness: Liveness) -> None:
        seen = []

        def coming() -> Iterator[bytes]:
            for line in (b"one\n", b"\n"):
                seen.append((liveness._is_waiting, liveness._waits))
                yield line

        for _ in liveness.watched(coming()):
            seen.append((liveness._is_waiting, liveness._waits))
        assert seen == [(True, 1), (False, 1), (True, 2)]
        assert not liveness._is_waiting

    def test_silence_has_a_limit_while_workers_run(self, liveness: Liveness) -> None:
        limited = []
        events: list[Event] = [
            PhaseStarted("template"),
            PhaseFinished("template", 1.0),
            PhaseStarted("clones"),
            PhaseFinished("clones", 1.0),
            PhaseStarted("tests"),
            PhaseFinished("tests", 1.0),
        ]
        for event in events:
            liveness.take(event)
            limited.append(liveness._limit_s is not None)
        assert limited == [False, False, True, True, True, False]


class TestStages:
    def test_events_lead_through_the_stages(self) -> None:
        stage: Stage | None = SETTINGS
        seen = []
        events: list[Event] = [
            PhaseStarted("setup"),
            FOUND,
            RunPlanned((), 1),
            PhaseStarted("template"),
            PhaseStarted("clones"),
            PhaseFinished("clones", 0.1),
            PhaseFinished("tests", 1.0),
            RunPlanned((), 1),  # a runner may come back with another suite
            PhaseFinished("tests", 1.0),
            RunFinished(0),
        ]
        for event in events:
            stage = next_stage(stage, event)
            seen.append(stage)
        assert seen == [SETTINGS, DISCOVERY, TEMPLATE, TEMPLATE, None, None, END, TEMPLATE, END, END]

    def test_each_test_without_a_worker_is_a_stage(self, liveness: Liveness) -> None:
        events: list[Event] = [FOUND, RunPlanned((), 1), PhaseStarted("tests"), AttemptStarted("a.B.test_c", 1)]
        stages = []
        for event in events:
            liveness.take(event)
            stages.append(liveness._stage)
        assert stages == [DISCOVERY, TEMPLATE, TEMPLATE, Stage("ended a.B.test_c", "timeout")]
        assert liveness._limit_s is None  # such a runner may be silent while a test takes its time
        liveness.take(AttemptStarted("a.B.test_d", 1))
        assert liveness._stage is not stages[-1]

    @pytest.mark.parametrize("stage", [DISCOVERY, TEMPLATE, END])
    def test_stages_after_the_settings_may_wait_for_the_servers(self, stage: Stage) -> None:
        assert stage.needs_servers
        assert not SETTINGS.needs_servers

    def test_a_hang_is_reported_with_the_frames_of_the_project(self) -> None:
        error = hang_error(DISCOVERY, 5.0, STACKS, "/project")
        assert error.exit_code == 4
        assert error.message == (
            "Within 5 s, the project has not come from its settings to the list of its tests:"
            " it hangs in shop/tests.py, line 7 in <module>."
        )
        assert "--setup-timeout" in error.hint
        first, *frames, last = error.evidence.partition("\n\n")[0].splitlines()
        assert (first.startswith("the project's frames"), len(frames)) == (True, 1)
        assert last == "shop/apps.py, line 9 in ready"
        assert error.evidence.endswith(STACKS.strip())

    def test_a_runner_that_does_not_answer_is_reported_as_such(self) -> None:
        error = hang_error(TEMPLATE, 3600.0, "", "/project")
        assert error.message == "Within 3600 s, the project has not made its test databases."
        assert "--template-timeout" in error.hint
        assert "did not answer" in error.evidence
