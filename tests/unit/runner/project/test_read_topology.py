from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ProjectError
from harness.protocol.topology import Alias
from harness.runner.project.read_topology import fold_flat_spellings, read_topology

POSTGRES = "django.db.backends.postgresql"


def only(**config: Any) -> Alias:
    databases: dict[str, dict[str, Any]] = {"default": {"ENGINE": POSTGRES, "NAME": "shop", **config}}
    fold_flat_spellings(databases)
    return read_topology(databases).aliases[0]


def test_an_alias_is_read_whole() -> None:
    alias = only(HOST="db", PORT=5433, USER="shop", TEST={"CHARSET": "UTF8", "DEPENDENCIES": [], "SERIALIZE": False})
    assert (alias.vendor, alias.database, alias.host, alias.port, alias.user) == (
        "postgresql",
        "shop",
        "db",
        "5433",
        "shop",
    )
    assert alias.test_name == "test_shop"
    assert (alias.test.charset, alias.test.dependencies, alias.test.serialize) == ("UTF8", (), False)


@pytest.mark.parametrize("options", [{"host": "db"}, {"service": "db"}])
def test_options_may_name_the_host(options: dict[str, str]) -> None:
    assert only(OPTIONS=options).host == "db"


def test_host_wins_over_options() -> None:
    assert only(HOST="here", OPTIONS={"service": "there"}).host == "here"


def test_flat_spellings_move_into_test() -> None:
    databases: dict[str, dict[str, Any]] = {
        "default": {"ENGINE": POSTGRES, "NAME": "x", "TEST_NAME": "y", "TEST_DEPENDENCIES": ["a"]}
    }
    assert fold_flat_spellings(databases) == ["default.TEST_DEPENDENCIES", "default.TEST_NAME"]
    assert databases["default"]["TEST"] == {"NAME": "y", "DEPENDENCIES": ["a"]}
    assert "TEST_NAME" not in databases["default"]


def test_the_new_spelling_wins_over_the_old() -> None:
    assert only(TEST_NAME="old", TEST={"NAME": "new"}).test_name == "new"


def test_aliases_that_share_a_dictionary_get_their_own() -> None:
    shared = {"ENGINE": POSTGRES, "NAME": "x", "TEST": {}}
    databases = {"default": shared, "other": shared}
    fold_flat_spellings(databases)
    assert databases["default"] is not databases["other"]
    assert databases["default"]["TEST"] is not databases["other"]["TEST"]


def test_a_string_of_dependencies_is_refused_with_a_list() -> None:
    with pytest.raises(ProjectError) as error:
        only(TEST={"DEPENDENCIES": "other"})
    assert "['other']" in error.value.hint


def test_each_alias_on_sqlite_in_memory_has_its_own_name() -> None:
    databases: dict[str, dict[str, Any]] = {
        "a": {"ENGINE": "django.db.backends.sqlite3"},
        "b": {"ENGINE": "django.db.backends.sqlite3"},
    }
    fold_flat_spellings(databases)
    assert len({alias.test_name for alias in read_topology(databases).aliases}) == 2


def test_a_backend_that_cannot_be_loaded_names_the_alias() -> None:
    with pytest.raises(ProjectError, match=r"'default'.*no\.such\.backend"):
        only(ENGINE="no.such.backend")
