"""MySQL and MariaDB, as the host describes them."""

import pytest

from harness.host.engines import Engine
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL, REPLICATOR

BOTH = pytest.mark.parametrize("engine", [MYSQL, MARIADB], ids=["mysql", "mariadb"])


class TestUsers:
    @BOTH
    @pytest.mark.parametrize("name", ["shop", "root", "Web User", "it's", "back\\slash", "größe", "x" * 32])
    def test_names_that_the_server_accepts_stay(self, engine: Engine, name: str) -> None:
        assert engine.user(name) == name

    @BOTH
    @pytest.mark.parametrize(
        "name", [REPLICATOR, "mysql.sys", "mariadb.sys", "PUBLIC", "x" * 81, " blank", "two\nlines", "\U0001f600"]
    )
    def test_names_that_it_refuses_are_replaced(self, engine: Engine, name: str) -> None:
        assert engine.user(name) == "harness"

    def test_only_mariadb_accepts_long_names(self) -> None:
        assert (MYSQL.user("x" * 33), MARIADB.user("x" * 33)) == ("harness", "x" * 33)


class TestSchema:
    @BOTH
    @pytest.mark.parametrize("name", ["test_shop", "-e", "it's"])
    def test_a_database_of_any_name_is_dumped(self, engine: Engine, name: str) -> None:
        command = engine.dump_schema(name)
        assert command[0] == {"mysql": "mysqldump", "mariadb": "mariadb-dump"}[engine.name]
        assert command[-2:] == ("--", name)
        assert "--no-data" in command

    @BOTH
    def test_the_next_number_of_a_column_is_noise(self, engine: Engine) -> None:
        line = ") ENGINE=InnoDB AUTO_INCREMENT=4711 DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=1';\n"
        assert engine.schema_noise.sub("", line) == line.replace(" AUTO_INCREMENT=4711", "")


@pytest.mark.parametrize(
    ("engine", "line", "version"),
    [
        (MYSQL, "[Server] /usr/sbin/mysqld (mysqld 9.7.4-2) starting as process 8", "9.7.4"),
        (MYSQL, "[Server] /usr/sbin/mysqld (mysqld 8.4.7) starting as process 1", "8.4.7"),
        (MARIADB, "[Note] Starting MariaDB 11.8.6-MariaDB-0+deb13u1 from Debian-log source revision 9", "11.8.6"),
        (MARIADB, "[Note] Starting MariaDB 10.11.19-MariaDB-0+deb12u1-log source revision 5", "10.11.19"),
    ],
)
def test_the_exact_version_is_in_the_log(engine: Engine, line: str, version: str) -> None:
    found = engine.version_line.search(line)
    assert found is not None
    assert found[1] == version


class TestOptions:
    @BOTH
    @pytest.mark.parametrize("key", ["host", "unix_socket", "passwd", "read_default_file", "ssl", "ssl_mode", "ssl_ca"])
    def test_those_that_name_the_old_server_are_dropped(self, engine: Engine, key: str) -> None:
        assert key in engine.server_options

    @BOTH
    @pytest.mark.parametrize(
        "key",
        ["init_command", "isolation_level", "sql_mode", "charset", "use_unicode", "connect_timeout", "local_infile"],
    )
    def test_those_of_the_project_stay(self, engine: Engine, key: str) -> None:
        assert key not in engine.server_options


class TestDatabases:
    def test_any_name_is_quoted(self) -> None:
        assert MYSQL.create_database("a`b", "web")[-1] == "--execute=CREATE DATABASE IF NOT EXISTS `a``b`"

    def test_mariadbs_client_asks_for_no_certificate(self) -> None:
        assert MARIADB.create_database("shop", "web")[:3] == ("mariadb", "--no-defaults", "--skip-ssl")
