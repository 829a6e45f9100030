"""MySQL and MariaDB, as the host describes them."""

import re
import shlex

import pytest

from harness.host import engines
from harness.host.engines import Boot, Engine
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL, REPLICATOR
from harness.host.images import recipe

BOTH = pytest.mark.parametrize("engine", [MYSQL, MARIADB], ids=["mysql", "mariadb"])


def text_of(engine: Engine, name: str) -> str:
    """The file *name* of the recipe, as the image has it."""
    return dict(recipe.load(engine.name).files)[name].decode()


def test_the_versions_that_users_can_ask_for() -> None:
    assert engines.KNOWN["mysql"] == ("9.7",)
    assert engines.KNOWN["mariadb"] == ("10.11", "11.8")
    assert (MYSQL.default_version, MARIADB.default_version) == ("9.7", "11.8")
    releases = (*MYSQL.releases, *MARIADB.releases)
    assert {each.image: each.suite for each in releases} == {
        "mysql:9.7": "sid",
        "mariadb:10.11": "bookworm",
        "mariadb:11.8": "trixie",
    }


def test_settings_for_either_engine_are_tested_on_mysql() -> None:
    assert engines.for_vendor("mysql") is MYSQL
    assert MARIADB.backend == MYSQL.backend


@BOTH
def test_a_primary_gets_its_users_and_a_replica_its_primary(engine: Engine) -> None:
    primary = engine.environment(Boot("primary", "secret", ("shop", 'Web "User"')))
    replica = engine.environment(Boot("replica", "secret", ("shop",), "default", is_held=False))
    assert (primary["HARNESS_ROLE"], primary["HARNESS_USERS"]) == ("primary", 'shop\nWeb "User"')
    assert (replica["HARNESS_ROLE"], replica["HARNESS_PRIMARY"]) == ("replica", "default")
    assert (primary["HARNESS_HELD"], replica["HARNESS_HELD"]) == ("1", "")
    assert "HARNESS_USERS" not in replica
    assert primary["HARNESS_PASSWORD"] == replica["HARNESS_PASSWORD"] == "secret"


def test_mysql_gets_the_replication_mode() -> None:
    assert MYSQL.environment(Boot("primary", "s"))["HARNESS_REPLICATION"] == "gtid"
    assert MYSQL.environment(Boot("primary", "s", replication="position"))["HARNESS_REPLICATION"] == "position"


@BOTH
def test_the_entry_script_reads_the_variables_of_a_server(engine: Engine) -> None:
    given = {**engine.environment(Boot("primary", "s")), **engine.environment(Boot("replica", "s", (), "p"))}
    assert set(given) == set(re.findall(r"HARNESS_[A-Z]+", text_of(engine, "entry.sh") + text_of(engine, "server.sh")))


@BOTH
def test_the_entry_script_prints_the_line_of_a_ready_server(engine: Engine) -> None:
    (printed,) = re.findall(r'echo "(harness: ready)"', text_of(engine, "entry.sh"))
    assert engine.ready.search(f"a line\n{printed}\n")
    assert not engine.ready.search("[Note] 'harness: ready'")


@BOTH
@pytest.mark.parametrize("name", ["shop", "root", "Web User", "it's", "back\\slash", "größe", "x" * 32])
def test_users_that_the_server_takes_are_kept(engine: Engine, name: str) -> None:
    assert engine.user(name) == name


@BOTH
@pytest.mark.parametrize(
    "name", ["", REPLICATOR, "mysql.sys", "mariadb.sys", "PUBLIC", "x" * 81, " blank", "two\nlines", "\U0001f600"]
)
def test_users_that_it_would_not_take_are_ours(engine: Engine, name: str) -> None:
    assert engine.user(name) == "harness"


def test_only_mariadb_takes_long_names_of_users() -> None:
    assert (MYSQL.user("x" * 33), MARIADB.user("x" * 33)) == ("harness", "x" * 33)


def test_the_user_that_replicas_connect_as_is_the_scripts() -> None:
    for engine in (MYSQL, MARIADB):
        assert f"replicator={REPLICATOR}\n" in text_of(engine, "entry.sh")


@BOTH
@pytest.mark.parametrize("name", ["test_shop", "-e", "it's"])
def test_a_schema_is_dumped_whatever_the_database_is_called(engine: Engine, name: str) -> None:
    command = engine.dump_schema(name)
    assert command[0] == {"mysql": "mysqldump", "mariadb": "mariadb-dump"}[engine.name]
    assert command[-2:] == ("--", name)
    assert "--no-data" in command


@BOTH
def test_how_many_rows_there_have_been_is_noise_in_a_dump(engine: Engine) -> None:
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


@BOTH
@pytest.mark.parametrize("key", ["host", "unix_socket", "passwd", "read_default_file", "ssl", "ssl_mode", "ssl_ca"])
def test_options_that_name_the_old_server_are_dropped(engine: Engine, key: str) -> None:
    assert key in engine.server_options


@BOTH
@pytest.mark.parametrize(
    "key", ["init_command", "isolation_level", "sql_mode", "charset", "use_unicode", "connect_timeout", "local_infile"]
)
def test_options_of_the_project_are_kept(engine: Engine, key: str) -> None:
    assert key not in engine.server_options


@BOTH
def test_the_recipe_holds_what_its_dockerfile_copies(engine: Engine) -> None:
    files = {path for path, _ in recipe.load(engine.name).files}
    (copied,) = re.findall(r"^COPY (.+) /opt/harness/$", text_of(engine, "Dockerfile"), re.MULTILINE)
    assert set(shlex.split(copied)) <= files
    assert "debian.Dockerfile" in files


@BOTH
def test_primary_and_replica_share_the_settings_file(engine: Engine) -> None:
    settings = text_of(engine, "my.cnf")
    for key in ("log_bin_trust_function_creators = ON", "skip_name_resolve = ON", "sync_binlog = 0"):
        assert f"\n{key}" in settings
