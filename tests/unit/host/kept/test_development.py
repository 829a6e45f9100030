"""The databases for development beside those of the tests."""

import pytest

from harness.host.config.databases import DbSpec
from harness.host.kept.development import kept_aliases, wanted_databases
from harness.host.planning.plan import make_plan
from harness.host.retention.kept_servers import KeptAlias
from harness.protocol.topology import Alias, TestOptions, Topology

PG = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"


def alias(name: str, database: str = "shop", host: str = "db", backend: str = PG, test_name: str = "") -> Alias:
    vendor = "postgresql" if backend == PG else "sqlite"
    mirror = "default" if name == "replica" else None
    return Alias(
        name, backend, vendor, database, host, "", "web", test_name or f"test_{database}", TestOptions(mirror=mirror)
    )


def kept(*aliases: Alias, db: str = "") -> dict[str, KeptAlias]:
    topology = Topology(aliases)
    made = kept_aliases(topology, make_plan(topology, (DbSpec(db),) if db else ()))
    return {each.alias: each for each in made}


class TestNames:
    def test_the_settings_name_it(self) -> None:
        assert kept(alias("default"))["default"].database == "shop"

    def test_a_mirror_reads_its_primarys(self) -> None:
        found = kept(alias("default"), alias("replica", "other", "elsewhere"))
        assert found["replica"].database == "shop"
        assert (found["replica"].server, found["replica"].mirror_of) == ("replica", "default")

    def test_no_name_becomes_the_aliass(self) -> None:
        assert kept(alias("default", ""))["default"].database == "default"

    def test_a_file_on_a_server_has_its_stem(self) -> None:
        found = kept(alias("default", "/srv/shop.sqlite3", backend=SQLITE), db="postgres")["default"]
        assert (found.database, found.backend, found.original) == ("shop", PG, (SQLITE, "/srv/shop.sqlite3"))

    def test_sqlite_keeps_its_file_without_a_server(self) -> None:
        found = kept(alias("default", "/srv/shop.sqlite3", backend=SQLITE))["default"]
        assert (found.database, found.server) == ("/srv/shop.sqlite3", None)

    @pytest.mark.parametrize("name", ["shop", "shop_2"])
    def test_the_tests_databases_and_clones_are_never_it(self, name: str) -> None:
        found = kept(alias("default", name, test_name="shop"))["default"].database
        assert found.startswith(f"{name}_")
        assert found not in ("shop", "shop_2")


class TestWanted:
    def test_each_database_is_made_once_and_none_on_a_replica(self) -> None:
        aliases = (
            alias("default"),
            alias("replica", host="elsewhere"),
            alias("reports"),
            alias("other", "stock", "two"),
        )
        found = wanted_databases(tuple(kept(*aliases).values()))
        assert found == {("default", "shop"): "web", ("other", "stock"): "web"}
