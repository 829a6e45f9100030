"""Runs the project's tests by pytest."""

from __future__ import annotations

from ...errors import ProjectError


def run(handshake: object) -> None:  # noqa: ARG001 - the core of the runner for pytest will use it
    """Run the tests of the project to whose host *handshake* speaks."""
    raise ProjectError(
        "This version of the harness does not run pytest yet.",
        hint='framework = "django" in [tool.harness] runs the tests that Django\'s runner can run.',
    )
