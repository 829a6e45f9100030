import itertools

import pytest

from harness.errors import SEVERITY, ExitCode, HarnessError, Interrupted, ProjectError, ServerError, UsageError, worst


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (HarnessError("x"), 70),
        (UsageError("x"), 2),
        (ServerError("x"), 3),
        (ProjectError("x"), 4),
        (Interrupted("x"), 130),
        (Interrupted("x", ExitCode.SIGTERM), 143),
    ],
)
def test_each_class_owns_its_exit_code(error: HarnessError, number: int) -> None:
    assert error.exit_code == number
    assert isinstance(error, HarnessError)


def test_an_error_keeps_its_three_parts() -> None:
    error = ProjectError("what failed", hint="the next step", evidence="the last lines")
    assert (error.message, error.hint, error.evidence) == ("what failed", "the next step", "the last lines")
    assert str(error) == "what failed"


def test_the_code_of_an_interrupt_is_its_own() -> None:
    Interrupted("x", ExitCode.SIGTERM)
    assert Interrupted("y").exit_code == ExitCode.SIGINT


def test_every_exit_code_has_a_severity() -> None:
    assert sorted(SEVERITY) == sorted(ExitCode)


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations([143, 130, 70, 2, 3, 4, 1, 5, 0], 2)))
def test_the_most_severe_wins(worse: int, better: int) -> None:
    assert worst(ExitCode(worse), ExitCode(better)) == worse
    assert worst(ExitCode(better), ExitCode(worse)) == worse


def test_no_codes_are_green() -> None:
    assert worst() is ExitCode.GREEN
