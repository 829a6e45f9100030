from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ProjectError, UsageError
from harness.runner.pytest.advice.modes import refusal


def config(*given: str, **options: Any) -> Any:
    return SimpleNamespace(
        option=SimpleNamespace(**options), rootpath=Path("/p"), invocation_params=SimpleNamespace(args=given)
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("collectonly", "--collect-only, which runs no test"),
        ("setupplan", "--setup-plan, which runs no test"),
        ("help", "--help, which runs no test"),
        ("usepdb", "--pdb, which needs a terminal"),
    ],
)
def test_a_configuration_that_runs_no_test_is_the_projects_error(name: str, told: str) -> None:
    error = refusal(config(**{name: True}), "/p")
    assert isinstance(error, ProjectError)
    assert told in error.message
    assert error.hint == 'Leave it out of addopts; harness ci -- -o addopts="" runs without them.'


def test_a_root_elsewhere_is_refused_where_it_was_given() -> None:
    assert isinstance(refusal(config("--rootdir=/p", rootdir="/p"), "/other"), UsageError)
    assert isinstance(refusal(config(rootdir="/p"), "/other"), ProjectError)
    assert refusal(config("--rootdir=/p", rootdir="/p"), "/p") is None


def test_other_options_are_pytests_own() -> None:
    assert refusal(config("-q", rootdir=None, collectonly=False), "/other") is None
