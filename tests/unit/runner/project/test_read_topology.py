from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ProjectError
from harness.protocol.topology import Alias
from harness.runner.project.read_topology import read_topology

POSTGRES = "django.db.backends.postgresql"


def only(**config: Any) -> Alias:
    topology, _ = read_topology({"default": {"ENGINE": POSTGRES, "NAME": "shop", **config}})
    return topology.aliases[0]


class TestAliases:
    def test_an_alias_is_read_whole(self) -> None:
        test = {"CHARSET": "UTF8", "DEPENDENCIES": [], "SERIALIZE": False}
        alias = only(HOST="db", PORT=5433, USER="shop", TEST=test)
        assert (alias.vendor, alias.database, alias.host, alias.port) == ("postgresql", "shop", "db", "5433")
        assert (alias.user, alias.test_name) == ("shop", "test_shop")
        assert (alias.test.charset, alias.test.dependencies, alias.test.serialize) == ("UTF8", (), False)

    @pytest.mark.parametrize("options", [{"host": "db"}, {"service": "db"}])
    def test_options_may_name_the_host(self, options: dict[str, str]) -> None:
        assert only(OPTIONS=options).host == "db"

    def test_host_wins_over_options(self) -> None:
        assert only(HOST="here", OPTIONS={"service": "there"}).host == "here"

    def test_a_string_of_dependencies_is_refused_with_a_list(self) -> None:
        with pytest.raises(ProjectError) as error:
            only(TEST={"DEPENDENCIES": "other"})
        assert "['other']" in error.value.hint

    def test_each_alias_on_sqlite_in_memory_has_its_own_name(self) -> None:
        topology, _ = read_topology({name: {"ENGINE": "django.db.backends.sqlite3"} for name in "ab"})
        assert len({alias.test_name for alias in topology.aliases}) == 2

    def test_a_backend_that_cannot_be_loaded_names_the_alias(self) -> None:
        with pytest.raises(ProjectError, match=r"'default'.*no\.such\.backend"):
            only(ENGINE="no.such.backend")


class TestFlatSpellings:
    def test_flat_spellings_move_into_test(self) -> None:
        databases: dict[str, dict[str, Any]] = {
            "default": {"ENGINE": POSTGRES, "NAME": "x", "TEST_NAME": "y", "TEST_DEPENDENCIES": ["a"]}
        }
        _, folded = read_topology(databases)
        assert folded == ["default.TEST_DEPENDENCIES", "default.TEST_NAME"]
        assert databases["default"]["TEST"] == {"NAME": "y", "DEPENDENCIES": ["a"]}
        assert "TEST_NAME" not in databases["default"]

    @pytest.mark.parametrize(("flat", "key"), [("TEST_CREATE", "CREATE_DB"), ("TEST_PASSWD", "PASSWORD")])
    def test_some_flat_spellings_have_another_name(self, flat: str, key: str) -> None:
        databases: dict[str, dict[str, Any]] = {"default": {"ENGINE": POSTGRES, flat: "x"}}
        read_topology(databases)
        assert databases["default"]["TEST"] == {key: "x"}

    def test_the_new_spelling_wins_over_the_old(self) -> None:
        assert only(TEST_NAME="old", TEST={"NAME": "new"}).test_name == "new"

    def test_aliases_that_share_a_dictionary_get_their_own(self) -> None:
        shared: dict[str, Any] = {"ENGINE": POSTGRES, "NAME": "x", "TEST": {}}
        databases = {"default": shared, "other": shared}
        read_topology(databases)
        assert databases["default"] is not databases["other"]
        assert databases["default"]["TEST"] is not databases["other"]["TEST"]
