"""pytest's usage errors; ``tests/runner/test_pytest_bad_input.py`` has the exceptions of real runs."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import HarnessError, Interrupted, ProjectError, UsageError
from harness.protocol.messages import RunSpec
from harness.runner.pytest.advice.explanation import Context, explained, usage
from harness.runner.pytest.advice.observer import Observer

UNKNOWN = "usage: pytest [options]\npytest: error: unrecognized arguments: {}\n  inifile: /p/pytest.ini\n  rootdir: /p"


def context(*pytest_args: str, django: tuple[str, ...] = ()) -> Context:
    handshake: Any = SimpleNamespace(unset={})
    return Context(RunSpec(pytest_args=pytest_args, django_args=django), handshake, (), Observer())


@pytest.mark.parametrize(
    ("text", "asked", "kind"),
    [
        ("Wrong expression passed to '-m': a and", ("-m", "a and"), UsageError),
        ("Wrong expression passed to '-m': a and", ("-k", "a"), ProjectError),
        ("Wrong expression passed to '-k': a and", ("-ka and",), UsageError),
        ('Error importing plugin "nosuch": No module', ("-p", "nosuch"), UsageError),
        ('Error importing plugin "nosuch": No module', ("-pnosuch",), UsageError),
        ('Error importing plugin "nosuch": No module', ("-p", "other"), ProjectError),
        ("Check your '-c/--config-file' option.", ("-c", "x.ini"), UsageError),
        ("Check your '--rootdir' option.", ("--rootdir=/x",), UsageError),
        (UNKNOWN.format("--cov"), ("--cov",), UsageError),
        (UNKNOWN.format("--cov"), (), ProjectError),
    ],
)
def test_an_option_that_the_user_gave_is_the_users(text: str, asked: tuple[str, ...], kind: type[HarnessError]) -> None:
    assert type(usage(text, context(*asked))) is kind


def test_an_expression_of_the_harness_is_the_users_too() -> None:
    error = usage("Wrong expression passed to '-k': a and", context(django=("-k=a and",)))
    assert isinstance(error, UsageError)
    assert error.hint.startswith("An expression has names")


def test_an_unknown_option_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    text = UNKNOWN.format("--reuse-bd")
    assert (
        usage(text, context("--reuse-bd")).message
        == "pytest does not know --reuse-bd, given after -- or in pytest_args."
    )
    assert usage(text, context()).message == "pytest does not know --reuse-bd, named by addopts of /p/pytest.ini."
    monkeypatch.setenv("PYTEST_ADDOPTS", "--reuse-bd")
    assert usage(text, context()).message == "pytest does not know --reuse-bd, named by PYTEST_ADDOPTS."


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "usage: pytest [options]\npytest: error: argument --maxfail: invalid int value: 'x'\n  rootdir: /p",
            "pytest: argument --maxfail: invalid int value: 'x'",
            "",
        ),
        (
            "Missing required plugins: pytest-a, pytest-b>=2",
            "pytest: Missing required plugins: pytest-a, pytest-b>=2",
            'Name them in the project\'s requirements, or: [tool.harness] extra_install = ["pytest-a", "pytest-b>=2"].',
        ),
        (
            "pytest.ini: 'minversion' requires pytest-99, actual pytest-9.2.0'",
            "pytest: pytest.ini: 'minversion' requires pytest-99, actual pytest-9.2.0'",
            "Name pytest>=99 in the project's requirements.",
        ),
        ("while parsing this:\n\n  error::x\n\nIt failed.", "pytest: while parsing this: error::x", ""),
        ("", "pytest: usage error", ""),
    ],
)
def test_the_line_that_matters_is_the_message(text: str, message: str, hint: str) -> None:
    error = usage(text, context())
    assert (error.message, error.hint) == (message, hint)


def test_an_interruption_that_pytest_wraps_stays_one() -> None:
    interruption = Interrupted("Ctrl-C")
    wrapped = ImportError("conftest")
    wrapped.__cause__ = interruption
    assert explained(wrapped, context()) is interruption


def test_an_end_that_is_not_the_projects_stays_as_it_is() -> None:
    class Ended(BaseException):
        pass

    ended = Ended()
    assert explained(ended, context()) is ended
