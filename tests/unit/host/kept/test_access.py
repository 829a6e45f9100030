"""``DATABASE_URL`` and the clients' commands, as people and programs read them."""

import shlex
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest

from harness.host.kept import access
from harness.host.retention.kept_servers import KeptAlias, KeptServer, KeptServers

PG = "django.db.backends.postgresql"
MYSQL = "django.db.backends.mysql"


def kept(engine: str = "postgres", backend: str = PG, database: str = "shop", kind: str = "docker") -> KeptServers:
    servers = (
        KeptServer("default", engine, "Title 1.2", None, "127.0.0.1", 40001),
        KeptServer("replica", engine, "Title 1.2", "default", "127.0.0.1", 40002),
    )
    aliases = (
        KeptAlias("default", "default", backend, database, "web", None, (backend, database)),
        KeptAlias("read-only", "replica", backend, database, "web", "default", (backend, database)),
        KeptAlias("files", None, "django.db.backends.sqlite3", "a.sqlite3", "", None, ("", "")),
    )
    return KeptServers("ab12", kind, "/srv/shop", True, 1.0, "shop.settings", servers=servers, aliases=aliases)


def found(*args: str, has_client: bool = True, **rest: str) -> list[access.Access]:
    return access.accesses(kept(*args, **rest), "pa/ss", lambda _: has_client)


class TestUrls:
    def test_default_is_the_plain_variable(self) -> None:
        assert [each.variable for each in found()] == ["DATABASE_URL", "READ_ONLY_DATABASE_URL"]

    @pytest.mark.parametrize(
        ("engine", "backend", "scheme"),
        [
            ("postgres", PG, "postgres"),
            ("postgres", "django.contrib.gis.db.backends.postgis", "postgis"),
            ("mysql", MYSQL, "mysql"),
            ("mariadb", "django.contrib.gis.db.backends.mysql", "mysqlgis"),
        ],
    )
    def test_the_scheme_is_the_backends(self, engine: str, backend: str, scheme: str) -> None:
        assert urlsplit(found(engine, backend)[0].url).scheme == scheme

    @pytest.mark.parametrize("name", ["shop", "a b", "ä/ö?#@:", "50%"])
    def test_every_name_comes_back_from_a_url(self, name: str) -> None:
        parts = urlsplit(found(database=name)[1].url)
        assert unquote(parts.path.removeprefix("/")) == name
        assert (parts.hostname, parts.port, parts.username, unquote(parts.password or "")) == (
            "127.0.0.1",
            40002,
            "web",
            "pa/ss",
        )

    def test_exports_are_words_of_a_shell(self) -> None:
        (line, _) = access.exports(found(database="it's"))
        assert shlex.split(line) == ["export", f"DATABASE_URL={found(database='it' + chr(39) + 's')[0].url}"]


class TestClients:
    def test_psql_takes_the_url(self) -> None:
        assert found()[0].client == ("psql", found()[0].url)

    def test_mysql_and_mariadb_take_options(self) -> None:
        address = ("--host=127.0.0.1", "--port=40001", "--user=web", "--password=pa/ss", "shop")
        assert found("mysql", MYSQL)[0].client == ("mysql", *address)
        assert found("mariadb", MYSQL)[0].client == ("mariadb", "--skip-ssl", *address)

    def test_one_that_is_missing_runs_in_its_container(self) -> None:
        first, second = found(has_client=False)
        url = "postgres://web:pa%2Fss@127.0.0.1:5432/shop"
        assert first.client == ("docker", "exec", "-it", "harness-ab12-default", "psql", url)
        assert second.client[3] == "harness-ab12-replica"

    def test_that_of_a_local_server_is_beside_it(self) -> None:
        server = KeptServer(
            "default", "postgres", "", None, "127.1.2.3", 1, ("/none", "/pg/bin"), {"LD_LIBRARY_PATH": "/pg"}
        )
        made = replace(kept(kind="local"), servers=(server,))
        (way,) = access.accesses(made, "pw", lambda program: program.startswith("/pg/"))
        assert way.client[:3] == ("env", "LD_LIBRARY_PATH=/pg", "/pg/bin/psql")
        assert access.accesses(made, "pw", lambda _: False)[0].client[0] == "psql"


class TestViews:
    def test_the_table_says_which_server_is_a_replica(self) -> None:
        lines = list(access.lines(found()))
        assert lines[0].split() == ["ALIAS", "DATABASE", "SERVER", "ADDRESS"]
        assert "replica of default" in lines[2]
        assert f"DATABASE_URL={found()[0].url}" in lines

    def test_the_document_has_each_part_of_the_address(self) -> None:
        document = access.document(kept(), found())
        assert [each["alias"] for each in document["aliases"]] == ["default", "read-only"]
        assert document["aliases"][1]["role"] == "replica"
        assert document["aliases"][0]["password"] == "pa/ss"
