"""The trials of a suspect, and the read at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runner.lag_check.examination import ALL_WAIT, NONE_WAITS, Judgement, Trial, examine

Test = Callable[[Trial], bool]


def judge(test: Test, candidates: Sequence[int] = ()) -> tuple[Judgement, list[Trial]]:
    """The judgement on *test*, which passes or fails by its trial, and its trials."""
    trials: list[Trial] = []
    examination = examine(lambda: candidates)
    trial = next(examination)
    while True:
        trials.append(trial)
        try:
            trial = examination.send(test(trial))
        except StopIteration as end:
            return end.value, trials


def broken_by(read: int) -> Test:
    """A test that fails if its read with this number is late."""
    return lambda trial: trial.first_waiting <= read


@given(st.sets(st.integers(0, 500), min_size=1), st.data())
def test_the_read_at_fault_is_found_among_all(candidates: set[int], data: st.DataObject) -> None:
    reads = sorted(candidates)
    guilty = data.draw(st.sampled_from(reads))
    judgement, trials = judge(broken_by(guilty), reads)
    assert (judgement.verdict, judgement.read) == ("bug", guilty)
    assert trials[-1] == Trial(guilty, is_measured=True)
    assert not any(trial.is_measured for trial in trials[:-1])
    assert len(trials) <= 6 + len(reads).bit_length() + 1


@given(st.sets(st.integers(0, 30), min_size=2), st.data())
def test_of_several_reads_at_fault_it_is_the_last(candidates: set[int], data: st.DataObject) -> None:
    reads = sorted(candidates)
    guilty = data.draw(st.lists(st.sampled_from(reads), min_size=1))
    judgement, _ = judge(lambda trial: trial.first_waiting <= min(guilty), reads)
    assert judgement.read == min(guilty)


def test_both_kinds_of_trials_come_three_times_in_changing_order() -> None:
    _, trials = judge(broken_by(0), [0])
    assert trials[:6] == [ALL_WAIT, NONE_WAITS, NONE_WAITS, ALL_WAIT, ALL_WAIT, NONE_WAITS]


@pytest.mark.parametrize("period", [2, 3, 4])
def test_one_that_fails_now_and_then_is_unstable(period: int) -> None:
    runs = count(1)
    assert judge(lambda _: bool(next(runs) % period), [0, 1])[0].verdict == "unstable"


def test_one_that_fails_with_waiting_reads_too_is_a_pause() -> None:
    assert judge(lambda _: False, [0, 1])[0].verdict == "pause"


def test_one_that_read_no_replica_is_not_judged() -> None:
    assert judge(broken_by(0))[0].verdict == "unknown"


def test_one_that_fails_in_its_last_trial_is_unstable() -> None:
    assert judge(lambda trial: trial != NONE_WAITS and not trial.is_measured, [0, 1])[0].verdict == "unstable"


def test_one_that_passes_alone_with_late_replicas_is_unstable() -> None:
    assert judge(lambda _: True, [0])[0].verdict == "unstable"
