"""Options that pytest has no place for, each with its counterpart: the host refuses them where it knows the framework, the
runner where it chooses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import UsageError

_COUNTERPARTS = {
    "--tag": '-m "NAME" after -- chooses the tests with a marker',
    "--exclude-tag": '-m "not NAME" after -- leaves out the tests with a marker',
    "--pattern": '-o python_files="PATTERN" after --, or python_files in the configuration of pytest',
    "--top-level-directory": "pythonpath in the configuration of pytest",
    "--testrunner": "-p PLUGIN after -- loads a plugin",
    "--legacy-discovery": "python_files in the configuration of pytest names the files",
    "--doctest": "--doctest-modules after --",
}
"""The options of Django's runner that a run by pytest refuses, each with the next step."""
_NEEDS_A_TERMINAL = ("--pdb", "--trace")
_SHOWS = (
    "-h",
    "--help",
    "-V",
    "--version",
    "--co",
    "--collect-only",
    "--fixtures",
    "--fixtures-per-test",
    "--funcargs",
)
_SHOWS_TOO = ("--markers", "--setup-only", "--setup-plan", "--cache-show", "--debug-setup")


def refusal(
    django_args: Sequence[str], pytest_args: Sequence[str], *, legacy_discovery: bool, doctest: bool
) -> UsageError | None:
    """The error for the first option that a run by pytest cannot take; ``None`` where there is none.

    *django_args* are words as in ``RunSpec``, each option in one word with its value.
    """
    given = [arg.partition("=")[0] for arg in django_args]
    given += ["--legacy-discovery"] * legacy_discovery + ["--doctest"] * doctest
    for flag in given:
        if flag in _COUNTERPARTS:
            hint = f'With pytest: {_COUNTERPARTS[flag]}. framework = "django" keeps Django\'s runner.'
            return UsageError(f"{flag} is an option of Django's runner, and pytest runs these tests.", hint)
    for word in pytest_args:
        name = word.partition("=")[0]
        if name in _NEEDS_A_TERMINAL:
            return UsageError(
                f"{name} after -- needs a terminal, and the tests run in workers that have none.",
                hint="Leave it out: a failing test's report has its traceback, its output and its SQL.",
            )
        if name in (*_SHOWS, *_SHOWS_TOO):
            return UsageError(
                f"{name} after -- runs no test.", hint=f"pytest {name} in the project shows it. Here, leave it out."
            )
    return None
