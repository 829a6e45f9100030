"""MySQL, as data and small functions. The image that this describes is made by ``images/mysql``.

``mariadb.py`` beside it imports the common parts from here. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from functools import partial

from harness.host.engines.driver import MYSQLCLIENT
from harness.host.engines.engine import DEFAULT_USER, Engine, Login, Release
from harness.protocol import naming

REPLICATOR = "harness_replication"
"""The user as which a replica connects to its primary: no user of a project can have this name."""

SERVER_OPTIONS = (  # noqa: SIM905 - a list with a name a line would be a page
    # where the server is
    "host port unix_socket named_pipe bind_address db database failover"
    # the client's identity: the run's users have the run's password
    " user username passwd password password1 password2 password3 auth_plugin auth_plugin_map default_auth"
    " server_public_key server_public_key_path get_server_public_key passwd_first oci_config_file"
    " oci_config_profile"
    # files that name either, and do not exist in the runner
    " read_default_file read_default_group option_files option_groups"
    # how the connection is encrypted: the run's servers have no certificates
    " ssl ssl_mode ssl_ca ssl_capath ssl_cert ssl_cipher ssl_disabled ssl_key ssl_key_password ssl_verify_cert"
    " ssl_verify_identity tls_versions tls_ciphersuites"
).split()


def user(name: str, characters: int) -> str:
    """*name*, or ``harness`` for a name that is empty, reserved, longer than *characters* or cannot be written on a line."""
    reserved = name == REPLICATOR or name.startswith(("mysql.", "mariadb.")) or name.lower() in ("public", "none")
    is_plain = name == name.strip() and not re.search(r"[\0-\x1f\x7f\U00010000-\U0010ffff]", name)
    if not name or reserved or len(name) > characters or not is_plain:
        return DEFAULT_USER
    return name


DUMP_OPTIONS = (
    "--user=root",
    "--no-data",
    "--routines",
    "--events",
    "--triggers",
    "--no-tablespaces",
    "--skip-add-drop-table",
    "--skip-lock-tables",
    "--skip-comments",
    "--default-character-set=utf8mb4",
)
"""The options of a schema dump: without data, and without text that differs from one dump to the next."""


def create_database(program: str, options: tuple[str, ...], database: str) -> tuple[str, ...]:
    """The command line of *program*, the client with *options*, that makes *database* unless it is there; run
    where ``Server.execute`` does.
    """
    quoted = database.replace("`", "``")
    statement = f"CREATE DATABASE IF NOT EXISTS `{quoted}`"
    return (program, "--no-defaults", *options, "--user=root", f"--execute={statement}")


def be_patient(program: str, options: tuple[str, ...], word: str) -> tuple[str, ...]:
    """The command line of *program*, the client with *options*, that lets a replica bear a silent primary; *word* is ``replica``
    in the engine's words. The primary keeps its binary logs for longer than any run.
    """
    statements = f"STOP {word} IO_THREAD; SET GLOBAL {word}_net_timeout = 3600; START {word} IO_THREAD"
    return (program, "--no-defaults", *options, "--user=root", f"--execute={statements}")


def client(program: str, options: tuple[str, ...], login: Login) -> tuple[str, ...]:
    """The command line of *program*, the client with *options*, for *login*."""
    address = (f"--host={login.host}", f"--port={login.port}", f"--user={login.user}", f"--password={login.password}")
    return (program, *options, *address, login.database)


MYSQL = Engine(
    name="mysql",
    title="MySQL",
    vendor="mysql",
    driver=MYSQLCLIENT,
    backend="django.db.backends.mysql",
    gis_backend="django.contrib.gis.db.backends.mysql",
    releases=(Release("9.7", "mysql:9.7", "sid"),),
    default_version="9.7",
    port=3306,
    name_bytes=naming.MYSQL_NAME_CHARACTERS,
    unquotable="`\0",
    reserved_databases=frozenset({"mysql", "information_schema", "performance_schema", "sys"}),
    server_options=tuple(SERVER_OPTIONS),
    account="mysql",
    version_line=re.compile(r"\(mysqld (\d+\.\d+\.\d+)\S*\) starting"),
    user=partial(user, characters=32),
    dump_schema=lambda database: (
        "mysqldump",
        "--no-defaults",
        "--set-gtid-purged=OFF",
        *DUMP_OPTIONS,
        "--",
        database,
    ),
    # the next number depends on the rows that were inserted
    schema_noise=re.compile(r" AUTO_INCREMENT=\d+(?= |;)"),
    create_database=lambda database, _owner: create_database("mysql", (), database),
    schemes=("mysql", "mysqlgis"),
    client=partial(client, "mysql", ()),
    memory_bytes=450 << 20,
    be_patient=be_patient("mysql", (), "replica"),
    hint=(
        "MySQL needs memory for its buffers (300 MB) and, where its data is in memory, for the seed and every database"
        " (memory_size and in_memory in [tool.harness.servers.mysql]); the end of its log is part of this message."
    ),
)
