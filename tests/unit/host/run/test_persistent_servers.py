"""Which servers that outlive their command a run uses."""

from collections.abc import Collection
from pathlib import Path

import pytest

from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.retention.kept_servers import KeptServer, KeptServers
from harness.host.run import persistent_servers


def config(folder: Path, **given: object) -> Config:
    return load({"server_kind": "docker", **given}, {}, folder, need_settings=False)


def obstacle(made_for: Config, run: Config, up: Collection[str] = ("default", "replica")) -> str:
    servers = tuple(KeptServer(id, "postgres", "PostgreSQL 17", None, "127.0.0.1", 1) for id in ("default", "replica"))
    choices = persistent_servers.choices(made_for)
    return persistent_servers.obstacle(run, KeptServers("a", "docker", "/p", True, 1.0, "", choices, servers), up)


class TestFit:
    def test_a_run_with_the_same_choices_fits(self, tmp_path: Path) -> None:
        assert obstacle(config(tmp_path), config(tmp_path, runner="host", keepdb=True)) == ""

    def test_the_default_version_is_the_same_backend(self, tmp_path: Path) -> None:
        assert obstacle(config(tmp_path, db=["postgres"]), config(tmp_path, db=["postgres:17"])) == ""

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"db": ["mysql"]}, "made without --db, this run has --db mysql:9.7"),
            ({"django": ["5.2"]}, "made without --django, this run has --django 5.2"),
            ({"settings": "other"}, "made without --settings, this run has --settings other"),
            ({"server_kind": "local"}, "they are containers, this run is for --servers local"),
            ({"network": "isolated"}, "isolated"),
        ],
    )
    def test_another_choice_is_named(self, tmp_path: Path, given: dict[str, object], message: str) -> None:
        assert message in obstacle(config(tmp_path), config(tmp_path, **given))

    def test_a_choice_that_is_missing_is_named(self, tmp_path: Path) -> None:
        assert "made with --db mysql:9.7, this run has none" in obstacle(
            config(tmp_path, db=["mysql"]), config(tmp_path)
        )

    def test_a_server_that_has_ended_is_named(self, tmp_path: Path) -> None:
        assert obstacle(config(tmp_path), config(tmp_path), ["default"]).startswith("replica ended")


class TestIds:
    def test_one_project_has_one_set_of_servers_that_are_up(self, tmp_path: Path) -> None:
        assert persistent_servers.up_run_id(config(tmp_path)) == persistent_servers.up_run_id(
            config(tmp_path, db=["mysql"], runner="host")
        )
        assert persistent_servers.up_run_id(config(tmp_path)) != persistent_servers.run_id(config(tmp_path))
