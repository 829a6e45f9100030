"""The limits of a silent runner, and the lines that end a silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.launch.child_process import ChildRunner
from harness.host.launch.liveness import Liveness, stall
from harness.protocol.events import Event, PhaseFinished, PhaseStarted


@pytest.fixture
def liveness(tmp_path: Path) -> Liveness:
    return Liveness(ChildRunner(tmp_path, {}), lambda error: None)


@pytest.mark.parametrize(
    ("silent_s", "checks", "limit_s", "problem"),
    [
        (1.0, 0, 60.0, None),
        (61.0, 0, 60.0, "has said nothing for 60 s"),
        (600.0, 0, None, None),  # a migration may take its time
        (6.0, 1, 60.0, None),
        (11.0, 2, 60.0, "was stopped, and did not go on"),
        (11.0, 2, None, "was stopped, and did not go on"),
    ],
)
def test_stall(silent_s: float, checks: int, limit_s: float | None, problem: str | None) -> None:
    assert stall(silent_s, checks, limit_s) == problem


def test_an_empty_line_is_a_sign_of_life_and_no_event(liveness: Liveness) -> None:
    lines = liveness.watched([b'{"a":1}\n', b"\n", b'{"b":2}\n', b"torn"])
    assert list(lines) == [b'{"a":1}\n', b'{"b":2}\n', b"torn"]


def test_only_the_wait_for_a_line_is_silence(liveness: Liveness) -> None:
    seen = []

    def coming() -> Iterator[bytes]:
        for line in (b"one\n", b"\n"):
            seen.append((liveness._is_waiting, liveness._waits))
            yield line

    for _ in liveness.watched(coming()):
        seen.append((liveness._is_waiting, liveness._waits))
    assert seen == [(True, 1), (False, 1), (True, 2)]
    assert not liveness._is_waiting


def test_silence_has_a_limit_while_workers_run(liveness: Liveness) -> None:
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
