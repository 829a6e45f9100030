"""MySQL, as data and small functions. The image that this describes is made by ``images/mysql``.

``mariadb.py`` beside it imports the common parts from here. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.host.engines.engine import PASSWORD_VARIABLE, Boot, Engine, Release
from harness.protocol import naming

DEFAULT_USER = "harness"
"""The user of an alias whose USER is empty or not accepted by the server."""

REPLICATOR = "harness_replication"
"""The user as which a replica connects to its primary: no user of a project can have this name."""

USER_CHARACTERS = 32

SOCKET = "/srv/harness/mysqld.sock"

SERVER_OPTIONS = (
    # where the server is
    "host",
    "port",
    "unix_socket",
    "named_pipe",
    "bind_address",
    "db",
    "database",
    "failover",
    # the client's identity: the run's users have the run's password
    "user",
    "username",
    "passwd",
    "password",
    "password1",
    "password2",
    "password3",
    "auth_plugin",
    "auth_plugin_map",
    "default_auth",
    "server_public_key",
    "server_public_key_path",
    "get_server_public_key",
    "passwd_first",
    "oci_config_file",
    "oci_config_profile",
    # files that name either, and do not exist in the runner
    "read_default_file",
    "read_default_group",
    "option_files",
    "option_groups",
    # how the connection is encrypted: the run's servers have no certificates
    "ssl",
    "ssl_mode",
    "ssl_ca",
    "ssl_capath",
    "ssl_cert",
    "ssl_cipher",
    "ssl_disabled",
    "ssl_key",
    "ssl_key_password",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "tls_versions",
    "tls_ciphersuites",
)


def environment(boot: Boot) -> Mapping[str, str]:
    """The environment that ``images/entry.sh`` and MySQL's ``server.sh`` read."""
    return {**family_environment(boot), "HARNESS_REPLICATION": boot.replication}


def family_environment(boot: Boot) -> Mapping[str, str]:
    """The variables that MySQL and MariaDB have in common."""
    common = {"HARNESS_ROLE": boot.role, PASSWORD_VARIABLE: boot.password, "HARNESS_HELD": "1" if boot.is_held else ""}
    if boot.role == "replica":
        return {**common, "HARNESS_PRIMARY": boot.primary_host}
    return {**common, "HARNESS_USERS": "\n".join(boot.users)}


def user(name: str) -> str:
    """The user that replaces *name*: *name* itself, or ``harness`` where MySQL would not accept it."""
    return family_user(name, USER_CHARACTERS)


def family_user(name: str, characters: int) -> str:
    """*name*, or ``harness`` for a name that is empty, reserved, longer than *characters* or cannot be written on a line."""
    reserved = name == REPLICATOR or name.startswith(("mysql.", "mariadb.")) or name.lower() in ("public", "none")
    is_plain = name == name.strip() and not re.search(r"[\0-\x1f\x7f\U00010000-\U0010ffff]", name)
    if not name or reserved or len(name) > characters or not is_plain:
        return DEFAULT_USER
    return name


def dump_schema(database: str) -> tuple[str, ...]:
    """The command line that prints the schema of *database*, inside its server's container."""
    return ("mysqldump", "--no-defaults", "--set-gtid-purged=OFF", *DUMP_OPTIONS, "--", database)


DUMP_OPTIONS = (
    f"--socket={SOCKET}",
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

NOISE = re.compile(r" AUTO_INCREMENT=\d+(?= |;)")
"""Matches the part of a schema dump that depends on the rows that were inserted."""

MYSQL = Engine(
    name="mysql",
    title="MySQL",
    vendor="mysql",
    backend="django.db.backends.mysql",
    gis_backend="django.contrib.gis.db.backends.mysql",
    releases=(Release("9.7", "mysql:9.7", "sid"),),
    default_version="9.7",
    port=3306,
    name_bytes=naming.MYSQL_NAME_CHARACTERS,
    unquotable="`\0",
    reserved_databases=frozenset({"mysql", "information_schema", "performance_schema", "sys"}),
    server_options=SERVER_OPTIONS,
    environment=environment,
    ready=re.compile(r"^harness: ready$", re.MULTILINE),
    version_line=re.compile(r"\(mysqld (\d+\.\d+\.\d+)\S*\) starting"),
    user=user,
    dump_schema=dump_schema,
    schema_noise=NOISE,
    memory_folder="/srv/harness/memory",
    memory_bytes=450 << 20,
    hint=(
        "MySQL needs memory for its buffers (300 MB) and, where its data is in memory, for the seed and every database"
        " (memory_size and in_memory in [tool.harness.servers.mysql]); the end of its log is part of this message."
    ),
)
