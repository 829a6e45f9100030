"""Decides how a test that failed with late replicas is tried again, and what that shows. Pure.

A trial runs the test with replicas that are late. The reads of its body are numbered from 0, and those from some number on wait
until their replica has caught up: the earlier ones may miss a write.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from ...protocol.replica_events import LagVerdict

ROUNDS = 3
"""The number of times that a suspect runs with and without waiting reads, by turns."""
NONE = sys.maxsize
"""The number of the first waiting read where none waits."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial in which the reads wait from *first_waiting* on. Replicas catch up at once for them, but not for the first one of
    a trial that *is_measured*.
    """

    first_waiting: int = NONE
    is_measured: bool = False


ALL_WAIT, NONE_WAITS = Trial(0), Trial()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a suspect, with the number of the read that is at fault for a bug, and the reason for anything else."""

    verdict: LagVerdict
    read: int = 0
    reason: str = ""


def examine(candidates: Callable[[], Sequence[int]]) -> Generator[Trial, bool, Judgement]:
    """Yields the trials of a suspect; each is answered by whether the test has passed.

    *candidates* gives the numbers of the reads that may have missed a write in the last trial, in their order. The read at fault
    is the last one from which on reads have to wait for the test to pass: where only later ones wait, it fails. The last trial is
    measured, and it waits there.
    """
    waiting: set[bool] = set()
    late: set[bool] = set()
    for round in range(ROUNDS):
        if round % 2:  # a test that fails every second time is not to fail where no read waits alone
            late.add((yield NONE_WAITS))
        waiting.add((yield ALL_WAIT))
        if not round % 2:
            late.add((yield NONE_WAITS))
        if len(waiting) + len(late) > 2 or True in late:
            return Judgement("unstable", reason="it fails and passes by turns, however its reads wait")
    if waiting == {False}:
        return Judgement("pause", reason="it also fails where each read waits for its replica, which takes time")
    reads = candidates()
    if not reads:
        return Judgement("unknown", reason="its body read no replica when it failed")
    low, high = 0, len(reads)
    while high - low > 1:
        middle = (low + high) // 2
        if (yield Trial(reads[middle])):
            low = middle
        else:
            high = middle
    if not (yield Trial(reads[low], is_measured=True)):
        return Judgement("unstable", reason="it fails and passes by turns, however its reads wait")
    return Judgement("bug", reads[low])
