"""The choice of a framework: whether it may be pytest, and the options that only the other one has.

Where the choice is left to the runner, the runner checks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.host.config.command_line import django_args
from harness.host.config.options import Config
from harness.host.project.entry import is_set_up_for_pytest
from harness.protocol.options import pytest_options


def may_be_of_pytest(project: Path, framework: str, words: Sequence[str]) -> bool:
    """Whether pytest may run the tests of *project*: the runner decides. *words* are those for pytest.

    pytest finds the settings itself, so nothing else needs to say that *project* is one of Django's.
    """
    if framework == "auto":
        return bool(words) or is_set_up_for_pytest(project)
    return framework == "pytest"


def check_framework(config: Config) -> None:
    """Raise ``UsageError`` for options that contradict the framework, as far as that is known before the run."""
    if config.framework == "pytest" and config.bootstrap is not None:
        raise UsageError(
            'framework = "pytest" and bootstrap exclude each other: bootstrap has a command of Django\'s runner.',
            hint="Leave bootstrap out: pytest-django finds the settings, or a conftest.py configures them.",
        )
    if config.framework == "pytest":
        if refused := pytest_options.refusal(
            django_args(config),
            config.pytest_args,
            legacy_discovery=config.legacy_discovery,
            doctest=config.doctest,
        ):
            raise refused
    elif (config.framework == "django" or config.bootstrap is not None) and "pytest_args" in config.given:
        reason = 'framework = "django"' if config.framework == "django" else "as bootstrap says"
        raise UsageError(
            f"Words after -- are options of pytest, and Django's runner runs these tests ({reason}).",
            hint="Labels and flags of Django's runner stand before --. --framework pytest runs the tests by pytest.",
        )


def pytest_args(config: Config) -> tuple[str, ...]:
    """The options for pytest that the runner gets: none where Django's runner is certain to run the tests."""
    return () if config.framework == "django" or config.bootstrap is not None else config.pytest_args
