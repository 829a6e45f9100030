"""The common parts of all engines: versions, the environment of a server, and the scripts that read it."""

import re

import pytest

from harness.host import engines
from harness.host.engines import ENGINES, HOME_VARIABLE, Boot, Engine, Place
from harness.host.engines.engine import READY, seed_variables
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL, REPLICATOR
from harness.host.engines.postgres import POSTGRES
from harness.host.images import recipe

EACH = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())


def text_of(engine: Engine, name: str) -> str:
    """The file *name* of the engine's recipe, as the image has it."""
    return dict(recipe.load(engine.name).files)[name].decode()


class TestReleases:
    def test_users_can_choose_these_versions(self) -> None:
        assert engines.KNOWN == {"postgres": ("15", "17", "18"), "mysql": ("9.7",), "mariadb": ("10.11", "11.8")}
        assert [engine.default_version for engine in ENGINES.values()] == ["17", "9.7", "11.8"]

    def test_each_has_an_official_image_and_a_debian_suite(self) -> None:
        assert {each.image: each.suite for engine in ENGINES.values() for each in engine.releases} == {
            "postgres:15": "bookworm",
            "postgres:17": "trixie",
            "postgres:18": "sid",
            "mysql:9.7": "sid",
            "mariadb:10.11": "bookworm",
            "mariadb:11.8": "trixie",
        }

    def test_an_unknown_version_has_none(self) -> None:
        with pytest.raises(KeyError):
            POSTGRES.release("9.6")

    def test_an_engine_is_found_by_the_vendor_of_djangos_backend(self) -> None:
        assert engines.for_vendor("postgresql") is POSTGRES
        assert engines.for_vendor("mysql") is MYSQL
        assert engines.for_vendor("oracle") is None
        assert MARIADB.backend == MYSQL.backend


class TestBoot:
    def test_a_primary_gets_its_users_and_a_replica_its_primary(self) -> None:
        primary = Boot("primary", "secret", ("shop", 'Web "User"')).environment
        replica = Boot("replica", "secret", ("shop",), "default", is_held=False).environment
        assert (primary["HARNESS_ROLE"], primary["HARNESS_USERS"]) == ("primary", 'shop\nWeb "User"')
        assert (replica["HARNESS_ROLE"], replica["HARNESS_PRIMARY"]) == ("replica", "default")
        assert (primary["HARNESS_HELD"], replica["HARNESS_HELD"]) == ("1", "")
        assert "HARNESS_PRIMARY" not in primary
        assert "HARNESS_USERS" not in replica
        assert primary["HARNESS_PASSWORD"] == replica["HARNESS_PASSWORD"] == "secret"

    def test_the_replication_mode_is_a_variable(self) -> None:
        assert Boot("primary", "s").environment["HARNESS_REPLICATION"] == "gtid"
        assert Boot("primary", "s", replication="position").environment["HARNESS_REPLICATION"] == "position"

    def test_the_password_is_not_in_its_representation(self) -> None:
        assert "secret" not in repr(Boot("primary", "secret"))


class TestScripts:
    @EACH
    def test_they_read_the_variables_of_a_server(self, engine: Engine) -> None:
        given = {**Boot("primary", "s").environment, **Boot("replica", "s", (), "p").environment}
        given |= Place("/parts", "/seed", "replica", ("127.1.2.3", 1), ("127.1.2.4", 1)).environment
        given |= seed_variables("/seed", 9)
        scripts = [text for name, text in recipe.load(engine.name).files if name.endswith(".sh")]
        read = re.findall(r"HARNESS_[A-Z_]+", b"".join(scripts).decode())
        assert {*given, HOME_VARIABLE} == set(read)

    @EACH
    def test_they_print_the_line_of_a_ready_server(self, engine: Engine) -> None:
        (printed,) = re.findall(r'echo "(harness: ready)"', text_of(engine, "entry.sh"))
        assert READY.search(f"a line\n{printed}\n")
        assert not READY.search("STATEMENT:  SELECT 'harness: ready'")

    @EACH
    def test_replicas_connect_as_the_user_that_they_make(self, engine: Engine) -> None:
        assert f"replicator={REPLICATOR}\n" in text_of(engine, "entry.sh")

    @pytest.mark.parametrize("engine", [MYSQL, MARIADB], ids=["mysql", "mariadb"])
    def test_primary_and_replica_share_the_settings_file(self, engine: Engine) -> None:
        settings = text_of(engine, "my.cnf")
        for key in ("log_bin_trust_function_creators = ON", "skip_name_resolve = ON", "sync_binlog = 0"):
            assert f"\n{key}" in settings


@EACH
def test_a_user_without_a_name_is_ours(engine: Engine) -> None:
    assert engine.user("") == "harness"
