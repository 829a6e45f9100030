"""Settings of every test: how hypothesis runs, and that nothing is cached.

Tests that need Docker fail without it, or are skipped on request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from harness.errors import HarnessError
from harness.host import cache
from harness.host.docker.client import connect
from harness.host.local.binaries import Binaries, find

# a machine that does other things at the same time must not turn a property red
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("harness")

# no run takes anything over from another test's, or from the user's own runs; a test of the cache names a folder
os.environ["HARNESS_CACHE"] = os.devnull
os.environ["HARNESS_NO_CACHE"] = "1"

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


@pytest.fixture(scope="session")
def local_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``HARNESS_CACHE`` of all tests of this session that start local servers: a wheel is fetched once."""
    base = tmp_path_factory.getbasetemp()
    # each worker of pytest-xdist has a folder of its own beside the others
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "local-cache"


@pytest.fixture(scope="session")
def local_binaries(local_cache: Path) -> Callable[..., Binaries]:
    """``find`` of an engine and a version, with the cache of the session. Fails where this machine cannot run that server."""

    def found(engine: str, version: str | None = None) -> Binaries:
        try:
            return find(engine, version, {**os.environ, cache.VARIABLE: str(local_cache)})
        except HarnessError as error:
            pytest.fail(
                f"This test needs a local server: {error.message} {error.hint} {error.evidence} Or run ci/servers."
            )

    return found
