"""The place of a run's servers: containers where an engine answers, else this machine, unless the user decides otherwise."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host import engine_address
from harness.host.run.platforms import choice
from harness.host.run.platforms.choice import choose, notice, resolved
from tests.unit.host.config.conftest import MANAGE_PY, load

SILENT = "no Docker engine answers on this machine"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "manage.py").write_text(MANAGE_PY)
    return tmp_path


def never() -> str:
    raise AssertionError("the engine was asked")


class TestChoice:
    def test_containers_where_an_engine_answers(self, project: Path) -> None:
        assert choose(load(project), {}, lambda: "") == ("docker", "")

    def test_this_machine_where_none_answers(self, project: Path) -> None:
        assert choose(load(project), {}, lambda: SILENT) == ("local", SILENT)
        assert choose(load(project, runner="host"), {}, lambda: SILENT) == ("local", SILENT)

    @pytest.mark.parametrize("kind", ["docker", "local"])
    def test_a_choice_of_the_user_asks_no_engine(self, project: Path, kind: str) -> None:
        assert choose(load(project, server_kind=kind), {}, never) == (kind, "")

    @pytest.mark.parametrize("toml", ['runner = "container"', 'network = "isolated"'])
    def test_a_container_that_the_user_wants_needs_an_engine(self, project: Path, toml: str) -> None:
        assert choose(load(project, toml), {}, never) == ("docker", "")

    @pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT"])
    def test_an_engine_that_the_user_names_is_the_only_way(self, project: Path, name: str) -> None:
        assert choose(load(project), {name: "tcp://elsewhere:2375"}, never) == ("docker", "")


class TestResolved:
    @pytest.fixture(autouse=True)
    def silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_address, "silence", lambda: SILENT)

    def test_the_tests_run_on_this_machine_too(self, project: Path) -> None:
        config = resolved(load(project), {"HOME": str(project)}, project)
        assert (config.server_kind, config.runner) == ("local", "host")
        assert config.sources["runner"] == choice.NO_ENGINE
        assert "server_kind" not in config.given
        assert SILENT in notice(config)
        assert "without a container" in notice(config)

    def test_there_is_no_notice_for_a_choice_of_the_user(self, project: Path) -> None:
        assert notice(resolved(load(project, server_kind="local"), {}, project)) == ""

    def test_an_error_of_this_machine_says_that_no_engine_answers(self, project: Path) -> None:
        (project / ".python-version").write_text("3.99\n")
        with pytest.raises(UsageError) as raised:
            resolved(load(project, python="3.13"), {"HOME": str(project)}, project)
        assert SILENT in raised.value.hint

    def test_containers_need_nothing_else(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_address, "silence", lambda: "")
        config = resolved(load(project), {"HOME": str(project)}, project)
        assert (config.server_kind, config.runner) == ("docker", "container")
        assert notice(config) == ""
