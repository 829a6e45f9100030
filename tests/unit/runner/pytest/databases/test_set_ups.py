"""Which definition of ``django_db_setup`` runs before the fork. A definition in upper case builds on the one before it."""

from __future__ import annotations

import pytest

from harness.runner.pytest.databases.set_ups import executed, shared


@pytest.mark.parametrize(
    ("chain", "expected"),
    [("p", "p"), ("pR", "pR"), ("pRS", "pRS"), ("pr", "r"), ("prS", "rS"), ("pRs", "s"), ("P", "P"), ("", "")],
)
def test_definitions_are_set_up_as_far_as_they_build_on_another(chain: str, expected: str) -> None:
    assert "".join(executed(chain, str.isupper)) == expected


@pytest.mark.parametrize(
    ("chains", "expected"),
    [
        ([], None),
        (["p"], "p"),
        (["pR"], "R"),
        (["pR", "pR", "pRS"], "R"),  # a folder adds to that of the root
        (["pRS", "pR"], "R"),  # it comes first
        (["pRS", "pRS"], "S"),  # all tests see it
        (["pA", "pB"], "p"),  # two folders build on the same
        (["pA", "pA", "pb"], "A"),  # one makes databases of its own
        (["pb", "pA", "pA"], "A"),
        (["pa", "pb"], "a"),  # both do: the first
        (["pRa", "pRB", "pR"], "R"),
    ],
)
def test_most_tests_share_the_one_that_runs_before_the_fork(chains: list[str], expected: str | None) -> None:
    assert shared(chains, str.isupper) == expected
