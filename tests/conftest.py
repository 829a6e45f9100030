"""Settings of every test: how hypothesis runs, and that tests which need Docker fail without it, or are skipped on request."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from harness.errors import HarnessError
from harness.host.docker.client import connect

# a machine that does other things at the same time must not turn a property red
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("harness")

NO_DOCKER = "HARNESS_NO_DOCKER"


@pytest.fixture(scope="session")
def engine() -> str:
    """Why no Docker engine can be used; empty when one answers."""
    try:
        connect().close()
    except HarnessError as error:
        return f"{error.message} {error.hint}"
    return ""


@pytest.fixture(autouse=True)
def _docker(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("docker") is None:
        return
    if os.environ.get(NO_DOCKER) == "1":
        pytest.skip(f"{NO_DOCKER}=1")
    problem = request.getfixturevalue("engine")
    if problem:
        pytest.fail(f"This test needs Docker: {problem} Or run ci/engine, or set {NO_DOCKER}=1.", pytrace=False)
