"""Options in the project's configuration with which pytest runs no test. Options after ``--`` are refused earlier."""

from __future__ import annotations

from typing import Any

from ....errors import HarnessError, ProjectError, UsageError

_SHOW = {
    "help": "--help",
    "version": "--version",
    "collectonly": "--collect-only",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "markers": "--markers",
    "cacheshow": "--cache-show",
    "setupplan": "--setup-plan",
    "setuponly": "--setup-only",
}
_ASK = {"usepdb": "--pdb", "trace": "--trace"}
_LEAVE_OUT = 'Leave it out of addopts; harness ci -- -o addopts="" runs without them.'


def refusal(config: Any, project: str) -> HarnessError | None:
    """The error for the first option with which the tests cannot run; ``None`` for none. *project* is the project's folder."""
    given = {word.partition("=")[0] for word in config.invocation_params.args}
    for name, flag in (*_SHOW.items(), *_ASK.items()):
        if getattr(config.option, name, None):
            why = "runs no test" if name in _SHOW else "needs a terminal, and the tests run in workers that have none"
            return ProjectError(f"pytest is configured with {flag}, which {why}.", hint=_LEAVE_OUT)
    if getattr(config.option, "rootdir", None) and not config.rootpath.is_relative_to(project):
        return (UsageError if "--rootdir" in given else ProjectError)(
            f"--rootdir of pytest is {config.rootpath}, which is not in the project.",
            hint="Leave it out: pytest finds the root by its configuration. Files beside the project need root in"
            " [tool.harness].",
        )
    return None
