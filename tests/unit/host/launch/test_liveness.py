"""When an inside that says nothing is taken to be still for good, and what counts as a word of it."""

import pytest

from harness.host.launch.liveness import Liveness, stillness
from harness.protocol.events import PhaseFinished, PhaseStarted


@pytest.mark.parametrize(
    ("silent_s", "looks", "limit_s", "word"),
    [
        (1.0, 0, 60.0, None),
        (61.0, 0, 60.0, "said nothing for 60 s"),
        (600.0, 0, None, None),  # a migration may take its time
        (6.0, 1, 60.0, None),
        (11.0, 2, 60.0, "was stopped"),
        (11.0, 2, None, "was stopped"),
    ],
)
def test_stillness(silent_s: float, looks: int, limit_s: float | None, word: str | None) -> None:
    found = stillness(silent_s, looks, limit_s)
    assert (found is None) if word is None else (word in found)


def test_an_empty_line_is_a_sign_of_life_and_no_event() -> None:
    lines = Liveness(None, None).listen([b'{"a":1}\n', b"\n", b'{"b":2}\n', b"torn"])
    assert list(lines) == [b'{"a":1}\n', b'{"b":2}\n', b"torn"]


def test_only_the_wait_for_a_line_is_silence() -> None:
    liveness = Liveness(None, None)
    seen = []

    def coming():
        for line in (b"one\n", b"\n"):
            seen.append((liveness._is_waiting, liveness._waits))
            yield line

    for _ in liveness.listen(coming()):
        seen.append((liveness._is_waiting, liveness._waits))
    assert seen == [(True, 1), (False, 1), (True, 2)]
    assert not liveness._is_waiting


def test_words_are_due_while_workers_run_and_not_before_or_after() -> None:
    liveness = Liveness(None, None)
    due = []
    for event in (
        PhaseStarted("template"),
        PhaseFinished("template", 1.0),
        PhaseStarted("clones"),
        PhaseFinished("clones", 1.0),
        PhaseStarted("tests"),
        PhaseFinished("tests", 1.0),
    ):
        liveness.told(event)
        due.append(liveness._limit_s is not None)
    assert due == [False, False, True, True, True, False]
