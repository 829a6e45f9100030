"""MariaDB, as data and small functions. The image that this describes is made by ``images/mariadb``.

Imports neither Docker nor Django.
"""

from __future__ import annotations

import re

from harness.host.engines import mysql
from harness.host.engines.engine import Engine, Release
from harness.protocol import naming

USER_CHARACTERS = 80


def user(name: str) -> str:
    """The user that replaces *name*: *name* itself, or ``harness`` where MariaDB would not accept it."""
    return mysql.family_user(name, USER_CHARACTERS)


def dump_schema(database: str) -> tuple[str, ...]:
    """The command line that prints the schema of *database*, inside its server's container."""
    return ("mariadb-dump", "--no-defaults", "--skip-ssl", *mysql.DUMP_OPTIONS, "--", database)


MARIADB = Engine(
    name="mariadb",
    title="MariaDB",
    vendor="mysql",  # Django has one backend for both
    backend="django.db.backends.mysql",
    gis_backend="django.contrib.gis.db.backends.mysql",
    releases=(Release("10.11", "mariadb:10.11", "bookworm"), Release("11.8", "mariadb:11.8", "trixie")),
    default_version="11.8",
    port=3306,
    name_bytes=naming.MYSQL_NAME_CHARACTERS,
    unquotable="`\0",
    reserved_databases=frozenset({"mysql", "information_schema", "performance_schema", "sys"}),
    server_options=mysql.SERVER_OPTIONS,
    environment=mysql.family_environment,
    ready=re.compile(r"^harness: ready$", re.MULTILINE),
    version_line=re.compile(r"Starting MariaDB (\d+\.\d+\.\d+)"),
    user=user,
    dump_schema=dump_schema,
    schema_noise=mysql.NOISE,
    memory_folder="/srv/harness/memory",
    memory_bytes=300 << 20,
    hint=(
        "MariaDB needs memory for its buffers (200 MB) and, where its data is in memory, for the seed and every database"
        " (memory_size and in_memory in [tool.harness.servers.mariadb]); the end of its log is part of this message."
    ),
)
