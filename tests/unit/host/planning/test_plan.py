"""Which servers a topology needs, and where each alias goes."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode, ProjectError, UsageError
from harness.host.config.databases import DbSpec
from harness.host.engines.postgres import POSTGRES
from harness.host.planning.plan import ServerPlan, lag_notices, make_plan
from harness.protocol import naming
from harness.protocol.messages import Lag, Route
from harness.protocol.topology import Alias, TestOptions, Topology

PG = "django.db.backends.postgresql"
POSTGIS = "django.contrib.gis.db.backends.postgis"
SQLITE = "django.db.backends.sqlite3"
MYSQL = "django.db.backends.mysql"
VENDORS = {PG: "postgresql", POSTGIS: "postgresql", SQLITE: "sqlite", MYSQL: "mysql"}
EVERYWHERE = (DbSpec("postgres"),)


def alias(
    name: str,
    /,
    backend: str = PG,
    database: str = "shop",
    host: str = "db",
    port: str = "",
    user: str = "shop",
    vendor: str | None = None,
    test_name: str | None = None,
    **test: Any,
) -> Alias:
    """An alias as the runner reads it: with the test name that Django would give."""
    vendor = vendor or VENDORS[backend]
    named = test.get("name")
    if vendor == "sqlite":
        host = user = ""
        test_name = named if named not in (None, ":memory:") else f"file:memorydb_{name}?mode=memory&cache=shared"
    return Alias(
        name, backend, vendor, database, host, port, user, test_name or named or f"test_{database}", TestOptions(**test)
    )


def plan(*aliases: Alias, db: Sequence[DbSpec] = ()) -> ServerPlan:
    return make_plan(Topology(aliases), db)


def servers(made: ServerPlan) -> dict[str, tuple[object, ...]]:
    return {
        server.id: (server.engine.name, server.version, server.role, server.primary, server.aliases)
        for server in made.servers
    }


def routes(made: ServerPlan) -> dict[str, Route]:
    return {route.alias: route for route in made.routes}


def codes(made: ServerPlan) -> list[str]:
    return [notice.code for notice in made.notices]


SQLITE_ALONE = (DbSpec("sqlite"),)


def name_of(*aliases: Alias, db: Sequence[DbSpec] = (), of: str = "default") -> str | None:
    return routes(plan(*aliases, db=db))[of].test_name


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)

NUMBERED = st.from_regex(r"[ab](_[0-9]{1,2}){0,2}", fullmatch=True)

NOTHING = Alias("default", "django.db.backends.dummy", "dummy")


class TestServers:
    def test_one_alias_has_one_primary_and_keeps_its_settings(self) -> None:
        made = plan(alias("default"))
        assert servers(made) == {"default": ("postgres", "17", "primary", None, ("default",))}
        (route,) = made.routes
        assert (route.server, route.backend, route.user, route.test_name) == ("default", PG, "shop", None)
        assert route.drop_options == POSTGRES.server_options
        assert made.notices == ()

    def test_aliases_on_the_same_host_and_port_share_a_server(self) -> None:
        made = plan(alias("default"), alias("reports", database="reports"))
        assert servers(made) == {"default": ("postgres", "17", "primary", None, ("default", "reports"))}

    @pytest.mark.parametrize("elsewhere", [{"host": "db2"}, {"port": "5433"}])
    def test_another_host_or_port_is_another_server(self, elsewhere: dict[str, str]) -> None:
        made = plan(alias("default"), alias("catalog", **elsewhere))
        assert servers(made) == {
            "default": ("postgres", "17", "primary", None, ("default",)),
            "catalog": ("postgres", "17", "primary", None, ("catalog",)),
        }

    def test_a_server_of_default_has_that_name(self) -> None:
        made = plan(alias("audit", database="audit"), alias("default"))
        assert list(servers(made)) == ["default"]

    def test_dependencies_are_created_first(self) -> None:
        made = plan(
            alias("catalog", database="catalog", dependencies=("default",)),
            alias("default", dependencies=()),
        )
        assert made.creation_order == ("default", "catalog")
        assert {known.alias: known.dependencies for known in made.routes} == {"catalog": ("default",), "default": ()}

    def test_a_project_without_a_database_has_no_server(self) -> None:
        made = make_plan(Topology((NOTHING,)))
        assert made.servers == ()
        assert made.routes[0].backend == "django.db.backends.dummy"
        assert make_plan(Topology(()), EVERYWHERE).servers == ()

    def test_an_empty_alias_is_served_where_the_user_says_how(self) -> None:
        for db in (EVERYWHERE, (DbSpec("postgres", None, "default"),)):
            (route,) = plan(NOTHING, db=db).routes
            assert (route.server, route.backend) == ("default", "django.db.backends.postgresql")
            assert route.test_name == "test_default"
        assert plan(NOTHING, db=(DbSpec("sqlite"),)).routes[0].backend == "django.db.backends.sqlite3"

    def test_an_empty_alias_beside_others_stays_empty(self) -> None:
        made = plan(NOTHING, alias("users"), db=EVERYWHERE)
        assert [route.server for route in made.routes] == [None, "users"]
        assert made.routes[0].backend == "django.db.backends.dummy"
        named = plan(NOTHING, alias("users"), db=(DbSpec("postgres", None, "default"),))
        assert named.routes[0].server is not None

    def test_an_unsupported_engine_is_a_project_error(self) -> None:
        with pytest.raises(ProjectError, match=r"DATABASES\['legacy'\].*oracle") as caught:
            plan(alias("default"), alias("legacy", "django.db.backends.oracle", host="ora", vendor="oracle"))
        assert caught.value.exit_code == ExitCode.PROJECT
        assert "--db" in caught.value.hint


class TestMirrors:
    def test_a_mirror_on_another_host_is_a_replica(self) -> None:
        made = plan(alias("default"), alias("replica", host="db2", mirror="default"))
        assert servers(made) == {
            "default": ("postgres", "17", "primary", None, ("default",)),
            "replica": ("postgres", "17", "replica", "default", ("replica",)),
        }
        replica = routes(made)["replica"]
        assert (replica.server, replica.role) == ("replica", "replica")
        assert (replica.mode, replica.mirror_of, replica.database) == ("mirror", "default", "test_shop")
        assert codes(made) == []

    def test_a_mirror_is_planned_after_its_primary(self) -> None:
        made = plan(alias("replica", host="db2", mirror="default"), alias("default"))
        assert [server.role for server in made.servers] == ["primary", "replica"]
        assert [route.alias for route in made.routes] == ["replica", "default"]

    def test_a_mirror_on_its_primarys_host_reads_the_primary(self) -> None:
        made = plan(alias("default"), alias("replica", mirror="default"))
        assert list(servers(made)) == ["default"]
        assert (routes(made)["replica"].server, routes(made)["replica"].role) == ("default", "primary")
        (notice,) = made.notices
        assert notice.code == "mirror-without-replica"
        assert "replica is a mirror of default" in notice.text

    def test_mirrors_share_a_replica_only_on_one_host(self) -> None:
        made = plan(
            alias("default"),
            alias("a", host="r1", mirror="default"),
            alias("b", host="r1", mirror="default"),
            alias("c", host="r2", mirror="default"),
        )
        assert servers(made) == {
            "default": ("postgres", "17", "primary", None, ("default",)),
            "a": ("postgres", "17", "replica", "default", ("a", "b")),
            "c": ("postgres", "17", "replica", "default", ("c",)),
        }

    def test_mirrors_of_two_servers_on_one_host_are_two_replicas(self) -> None:
        made = plan(
            alias("default"),
            alias("other", host="db2"),
            alias("default_ro", host="ro", mirror="default"),
            alias("other_ro", host="ro", mirror="other"),
        )
        primaries = {server.id: server.primary for server in made.servers}
        assert primaries == {"default": None, "other": None, "default-ro": "default", "other-ro": "other"}

    def test_a_mirror_on_a_foreign_primarys_host_follows_its_own(self) -> None:
        made = plan(alias("default"), alias("other", host="db2"), alias("ro", host="db2", mirror="default"))
        assert servers(made)["ro"] == ("postgres", "17", "replica", "default", ("ro",))

    def test_a_chain_of_mirrors_ends_at_its_primary(self) -> None:
        made = plan(
            alias("default"),
            alias("far", host="r2", mirror="near"),
            alias("near", host="r1", mirror="default"),
        )
        assert {server.id: server.primary for server in made.servers} == {
            "default": None,
            "far": "default",
            "near": "default",
        }
        assert {known.alias: known.mirror_of for known in made.routes} == {
            "default": None,
            "far": "default",
            "near": "default",
        }

    def test_a_mirror_of_an_alias_that_shares_a_database_follows_it(self) -> None:
        made = plan(alias("default"), alias("same"), alias("ro", host="r1", mirror="same"))
        assert servers(made)["ro"] == ("postgres", "17", "replica", "default", ("ro",))
        modes = {known.alias: known.mode for known in made.routes}
        assert modes == {"default": "primary", "same": "shared", "ro": "mirror"}

    def test_unknown_mirrors_and_circles_are_project_errors(self) -> None:
        with pytest.raises(ProjectError, match="mirror of 'nowhere'"):
            plan(alias("default"), alias("ro", mirror="nowhere"))
        with pytest.raises(ProjectError, match="a -> b -> a"):
            plan(alias("default"), alias("a", mirror="b"), alias("b", mirror="a"))
        with pytest.raises(ProjectError, match="circle"):
            plan(
                alias("a", database="a", dependencies=("b",)),
                alias("b", database="b", dependencies=("a",)),
            )

    def test_a_mirror_of_another_vendor_is_an_error_without_db(self) -> None:
        aliases = (alias("default"), alias("ro", SQLITE, "x.db", mirror="default"))
        with pytest.raises(ProjectError, match=r"'ro'.*'default'"):
            plan(*aliases)
        assert servers(plan(*aliases, db=EVERYWHERE))["ro"][2:4] == ("replica", "default")


class TestSqlite:
    def test_sqlite_needs_no_server(self) -> None:
        made = plan(
            alias("default", SQLITE, "/srv/db.sqlite3"), alias("ro", SQLITE, "/srv/db.sqlite3", mirror="default")
        )
        assert made.servers == ()
        assert [(route.server, route.backend, route.test_name) for route in made.routes] == [(None, SQLITE, None)] * 2

    def test_sqlite_replaces_servers_with_a_database_for_each_alias(self) -> None:
        made = plan(
            alias("default"),
            alias("replica", host="db2", mirror="default"),
            alias("map", POSTGIS, "map"),
            alias("files", SQLITE, "files.db"),
            db=SQLITE_ALONE,
        )
        assert made.servers == ()
        assert {name: (route.server, route.backend, route.user) for name, route in routes(made).items()} == {
            "default": (None, SQLITE, ""),
            "replica": (None, SQLITE, ""),
            "map": (None, "django.contrib.gis.db.backends.spatialite", ""),
            "files": (None, SQLITE, ""),
        }
        routed = routes(made)
        assert routed["default"].database == "file:memorydb_default?mode=memory&cache=shared"
        assert (routed["replica"].mirror_of, routed["replica"].database) == ("default", routed["default"].database)
        assert routed["files"].database == "file:memorydb_files?mode=memory&cache=shared"
        assert codes(made) == []

    def test_aliases_of_one_database_have_two_on_sqlite(self) -> None:
        made = plan(alias("default"), alias("reports"), db=SQLITE_ALONE)
        assert [(routed.alias, routed.mode) for routed in made.routes] == [
            ("default", "primary"),
            ("reports", "primary"),
        ]
        assert made.routes[1].database == "file:memorydb_reports?mode=memory&cache=shared"
        (notice,) = made.notices
        assert notice.code == "database-not-shared"
        assert "default, reports share" in notice.text

    def test_sqlite_for_one_alias_leaves_the_others_on_their_servers(self) -> None:
        made = plan(alias("default"), alias("analytics", database="a"), db=(DbSpec("sqlite", alias="analytics"),))
        assert list(servers(made)) == ["default"]
        assert (routes(made)["analytics"].server, routes(made)["analytics"].backend) == (None, SQLITE)

    def test_sqlite_files_share_a_server_and_their_mirrors_a_replica(self) -> None:
        made = plan(
            alias("default", SQLITE, "db.sqlite3"),
            alias("other", SQLITE, "other.sqlite3"),
            alias("ro", SQLITE, "db.sqlite3", mirror="default"),
            db=EVERYWHERE,
        )
        assert servers(made) == {
            "default": ("postgres", "17", "primary", None, ("default", "other")),
            "ro": ("postgres", "17", "replica", "default", ("ro",)),
        }

    def test_files_and_a_server_are_not_one_server(self) -> None:
        made = plan(alias("default", SQLITE, "db.sqlite3"), alias("other", host=""), db=EVERYWHERE)
        assert set(servers(made)) == {"default", "other"}


class TestDb:
    def test_without_db_each_alias_keeps_the_backend_of_the_settings(self) -> None:
        made = plan(alias("default"), alias("analytics", SQLITE, "a.db"))
        assert list(servers(made)) == ["default"]
        assert {name: route.backend for name, route in routes(made).items()} == {"default": PG, "analytics": SQLITE}

    @pytest.mark.parametrize("db", [EVERYWHERE, SQLITE_ALONE])
    def test_a_document_database_is_replaced_only_by_its_alias(self, db: Sequence[DbSpec]) -> None:
        documents = alias("documents", "django_mongodb_backend", "docs", vendor="mongodb")
        with pytest.raises(UsageError) as caught:
            plan(alias("default"), alias("replica", mirror="default", host="db2"), documents, db=db)
        assert (
            f"--db {db[0]} cannot serve DATABASES['documents']: no other engine can replace django_mongodb_backend (mongodb)."
            in caught.value.message
        )
        assert caught.value.hint == f"Name the aliases that are meant: --db default={db[0]}."
        named = (*db, DbSpec(db[0].engine, alias="documents"))
        assert len(plan(alias("default"), documents, db=named).routes) == 2

    def test_db_replaces_each_backend_of_another_vendor(self) -> None:
        made = plan(
            alias("default", SQLITE, "db.sqlite3"),
            alias("old", MYSQL, host="my"),
            alias("places", POSTGIS, host="gis"),
            alias("map", "django.contrib.gis.db.backends.spatialite", "map.db", vendor="sqlite"),
            db=EVERYWHERE,
        )
        assert {name: route.backend for name, route in routes(made).items()} == {
            "default": PG,
            "old": PG,
            "places": POSTGIS,
            "map": POSTGIS,
        }

    def test_a_third_partys_backend_of_the_right_vendor_stays(self) -> None:
        made = plan(alias("default", "psqlextra.backend", vendor="postgresql"), db=EVERYWHERE)
        assert made.routes[0].backend == "psqlextra.backend"
        assert made.routes[0].test_name is None

    def test_a_given_version_wins_over_the_engines_default(self) -> None:
        assert plan(alias("default"), db=(DbSpec("postgres", "15"),)).servers[0].version == "15"
        assert plan(alias("default"), db=EVERYWHERE).servers[0].version == POSTGRES.default_version

    def test_a_machines_version_is_taken_where_none_is_named(self) -> None:
        topology = Topology((alias("default"),))
        for db, version in (((), "16"), (EVERYWHERE, "16"), ((DbSpec("postgres", "15"),), "15")):
            assert make_plan(topology, db, {"postgres": "16"}).servers[0].version == version
        assert make_plan(topology, (), {"mysql": "8.0"}).servers[0].version == POSTGRES.default_version

    def test_db_for_one_alias_leaves_the_others_alone(self) -> None:
        made = plan(
            alias("default", SQLITE, "db.sqlite3"),
            alias("ro", SQLITE, "db.sqlite3", mirror="default"),
            alias("files", SQLITE, "files.sqlite3"),
            db=(DbSpec("postgres", "18", "default"),),
        )
        assert servers(made) == {
            "default": ("postgres", "18", "primary", None, ("default",)),
            "ro": ("postgres", "18", "replica", "default", ("ro",)),
        }
        assert routes(made)["files"].server is None

    def test_db_for_one_alias_splits_a_server_of_two_versions(self) -> None:
        made = plan(alias("default"), alias("other", database="other"), db=(DbSpec("postgres", "15", "other"),))
        assert servers(made) == {
            "default": ("postgres", "17", "primary", None, ("default",)),
            "other": ("postgres", "15", "primary", None, ("other",)),
        }

    def test_db_for_one_alias_applies_to_its_whole_database(self) -> None:
        db = (DbSpec("postgres", "17"), DbSpec("postgres", "15", "same"))
        made = plan(alias("default"), alias("same"), alias("ro", host="r", mirror="default"), db=db)
        assert {server.version for server in made.servers} == {"15"}

    def test_contradicting_db_for_one_database_is_a_usage_error(self) -> None:
        db = (DbSpec("postgres", "15", "default"), DbSpec("postgres", "17", "ro"))
        with pytest.raises(UsageError, match=r"default=postgres:15.*ro=postgres:17"):
            plan(alias("default"), alias("ro", host="r", mirror="default"), db=db)

    def test_db_for_an_unknown_alias_names_the_known_ones(self) -> None:
        with pytest.raises(UsageError, match="no alias 'defualt'") as caught:
            plan(alias("default"), db=(DbSpec("postgres", None, "defualt"),))
        assert "default" in caught.value.hint

    @pytest.mark.parametrize("db", [EVERYWHERE, (DbSpec("sqlite"),)])
    def test_db_for_a_project_without_databases_is_noted(self, db: Sequence[DbSpec]) -> None:
        assert codes(plan(db=db)) == ["db-without-effect"]
        assert f"--db {db[0]} has no effect" in plan(db=db).notices[0].text
        assert codes(plan()) == []


class TestUsers:
    def test_users_stay_and_an_empty_one_is_replaced(self) -> None:
        made = plan(alias("default", user="Web User"), alias("ro", host="r", user="", mirror="default"))
        assert routes(made)["default"].user == "Web User"
        assert routes(made)["ro"].user == "harness"
        assert [server.users for server in made.servers] == [("Web User", "harness")] * 2

    def test_users_of_other_servers_are_not_made(self) -> None:
        made = plan(alias("default", user="a"), alias("other", host="db2", user="b"))
        assert [server.users for server in made.servers] == [("a",), ("b",)]

    def test_a_user_that_the_engine_refuses_is_replaced(self) -> None:
        made = plan(alias("default", user="pg_owner"))
        assert routes(made)["default"].user == "harness"
        assert codes(made) == ["user-replaced"]


class TestDatabaseNames:
    @pytest.mark.parametrize(
        "database",
        ["shop.v2", "it's", "Shop", "größe", "シ", "a b", "percent%s", "semi;colon", "x" * 53, "back\\slash"],
    )
    def test_a_name_that_postgresql_accepts_is_djangos_own(self, database: str) -> None:
        assert name_of(alias("default", database=database)) is None

    def test_a_name_of_63_characters_is_shortened_for_the_slot(self) -> None:
        made = plan(alias("default", database="x" * 63))
        name = routes(made)["default"].test_name or ""
        assert len(naming.clone(name, 9999).encode()) <= naming.POSTGRES_NAME_BYTES
        assert name.startswith("test_xxxx")
        assert codes(made) == ["database-renamed"]
        assert made.routes[0].database == name

    def test_a_quotation_mark_that_django_cannot_quote_is_replaced(self) -> None:
        made = plan(alias("default", database='we"ird'), alias("other", database="we_ird"))
        name = routes(made)["default"].test_name or ""
        assert '"' not in name
        assert name.startswith("test_we_ird_")
        assert name != "test_we_ird"
        assert routes(made)["other"].test_name is None

    def test_shortened_names_stay_distinct_and_equal_ones_shared(self) -> None:
        made = plan(
            alias("default", database="x" * 70 + "a"),
            alias("b", database="x" * 70 + "b"),
            alias("same", database="x" * 70 + "a"),
        )
        by_alias = routes(made)
        assert by_alias["default"].test_name == by_alias["same"].test_name != by_alias["b"].test_name

    def test_a_reserved_name_is_changed(self) -> None:
        assert name_of(alias("default", name="postgres")) not in (None, "postgres")

    def test_a_database_without_a_name_has_that_of_its_alias(self) -> None:
        assert name_of(alias("default", database="")) == "test_default"

    def test_the_name_of_another_databases_clone_is_changed(self) -> None:
        made = plan(alias("default", database="app"), alias("numbered", database="app_1"))
        assert routes(made)["default"].test_name is None
        name = routes(made)["numbered"].test_name or ""
        assert name.startswith("test_app_1_")
        parsed = naming.parse_clone(name)
        assert parsed is None or parsed[0] != "test_app"

    def test_the_name_of_a_clone_on_another_server_stays(self) -> None:
        made = plan(alias("default", database="app"), alias("numbered", database="app_1", host="db2"))
        assert routes(made)["numbered"].test_name is None

    def test_two_backends_of_one_name_are_two_test_databases(self) -> None:
        made = plan(alias("default"), alias("gis", POSTGIS))
        assert routes(made)["default"].test_name is None
        assert routes(made)["gis"].test_name not in (None, "test_shop")

    @pytest.mark.parametrize(
        ("database", "test", "expected"),
        [
            ("/srv/app/db.sqlite3", {}, "test_db"),
            (r"C:\app\shop.db", {}, "test_shop"),
            (":memory:", {}, "test_default"),
            ("", {}, "test_default"),
            ("file:shop?mode=memory", {}, "test_default"),
            ("db.sqlite3", {"name": "/tmp/checks.sqlite3"}, "checks"),
            ("db.sqlite3", {"name": ":memory:"}, "test_db"),
        ],
    )
    def test_a_file_gives_its_name_to_its_database(self, database: str, test: dict[str, str], expected: str) -> None:
        assert name_of(alias("default", SQLITE, database, **test), db=EVERYWHERE) == expected

    def test_files_of_one_name_in_two_folders_are_two_databases(self) -> None:
        made = plan(alias("default", SQLITE, "/a/db.sqlite3"), alias("b", SQLITE, "/b/db.sqlite3"), db=EVERYWHERE)
        names = [route.test_name or "" for route in made.routes]
        assert names[0] == "test_db"
        assert names[1].startswith("test_db_")

    def test_a_replaced_backend_always_names_its_database(self) -> None:
        assert name_of(alias("default", MYSQL), db=EVERYWHERE) == "test_shop"

    def test_a_mirror_has_the_name_of_its_primarys_database(self) -> None:
        made = plan(
            alias("default", SQLITE, "db.sqlite3"), alias("ro", SQLITE, "x.db", mirror="default"), db=EVERYWHERE
        )
        assert routes(made)["ro"].test_name == "test_db"

    @given(st.lists(TEXT | NUMBERED, min_size=1, max_size=6, unique=True), st.sampled_from([PG, MYSQL]))
    def test_distinct_databases_have_distinct_names_that_fit(self, names: list[str], backend: str) -> None:
        aliases = [alias(f"a{number}", backend, name) for number, name in enumerate(names)]
        made = make_plan(Topology(tuple(aliases)), EVERYWHERE)
        final = [known.database for known in made.routes]
        signatures = {known.signature for known in aliases}
        assert len(set(final)) == len(signatures)
        for name in final:
            assert name
            assert '"' not in name
            assert len(naming.clone(name, 9999).encode()) <= naming.POSTGRES_NAME_BYTES
            assert name not in POSTGRES.reserved_databases
        clones = {naming.clone(name, slot) for name in final for slot in range(1, 10)}
        assert clones.isdisjoint(final)


class TestLag:
    @pytest.mark.parametrize("lag", [Lag("natural"), Lag("delayed", 0.5), Lag("frozen")])
    def test_a_lag_that_meets_no_replica_is_a_notice(self, lag: Lag) -> None:
        (notice,) = lag_notices(plan(alias("default"), alias("near", mirror="default")), lag)
        assert f"--replica-lag {lag} has no effect" in notice.text

    def test_a_check_without_a_replica(self) -> None:
        (notice,) = lag_notices(plan(alias("default")), Lag(), 0.5)
        assert "--lag-check has no effect" in notice.text

    def test_there_is_none_with_a_replica_or_without_lag(self) -> None:
        pair = plan(alias("default"), alias("far", host="db2", mirror="default"))
        assert lag_notices(pair, Lag("frozen")) == ()
        assert lag_notices(plan(alias("default")), Lag()) == ()
