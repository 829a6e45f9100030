"""The resources that a run makes, and those that it does not need."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.host.config.load import load
from harness.host.docker.client import connect
from harness.host.docker.containers import RUN_LABEL
from harness.host.planning.plan import make_plan
from harness.host.run.resources import Resources
from harness.protocol.topology import Alias, TestOptions, Topology

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(("backend", "networks"), [("sqlite3", 0), ("postgresql", 1)])
def test_a_network_is_made_for_servers_alone(tmp_path: Path, backend: str, networks: int) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nrunner = "host"\n')
    config = load({}, {}, tmp_path, need_settings=False)
    vendor = backend.removesuffix("3")
    alias = Alias("default", f"django.db.backends.{backend}", vendor, "db", "", "", "", ":memory:", TestOptions())
    record: Any = SimpleNamespace(add=lambda _event: None, hide=lambda _password: None)  # its calls are not looked at
    client = connect()
    try:
        with Resources(config, lambda *_: None) as resources:
            resources.servers(make_plan(Topology((alias,)), ()), {}, record, lambda *_: None)
            label = {"label": f"{RUN_LABEL}={resources._run}"}
            assert len(client.api.networks(filters=label)) == networks
        assert client.api.networks(filters=label) == []
    finally:
        client.close()
