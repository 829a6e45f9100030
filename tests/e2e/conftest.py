"""The engine's client, and the id and the network of a test's own run."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import pytest
from docker import DockerClient

from harness.host.docker import containers
from harness.host.docker.client import connect


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture
def run() -> str:
    return secrets.token_hex(4)


@pytest.fixture
def network(client: DockerClient, run: str) -> Iterator[str]:
    with containers.network(client, run) as name:
        yield name
