"""MariaDB, as data: the parts that differ from MySQL. The image that this describes is made by ``images/mariadb``.

Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from harness.host.engines.engine import Release
from harness.host.engines.mysql import DUMP_OPTIONS, MYSQL, be_patient, client, create_database, user

_OPTIONS = ("--skip-ssl",)
"""The client's options: from 11.4 on it asks for a certificate, which the servers do not have."""

# Django has one vendor and one backend for both
MARIADB = replace(
    MYSQL,
    name="mariadb",
    title="MariaDB",
    releases=(Release("10.11", "mariadb:10.11", "bookworm"), Release("11.8", "mariadb:11.8", "trixie")),
    default_version="11.8",
    version_line=re.compile(r"Starting MariaDB (\d+\.\d+\.\d+)"),
    user=partial(user, characters=80),
    dump_schema=lambda database: ("mariadb-dump", "--no-defaults", "--skip-ssl", *DUMP_OPTIONS, "--", database),
    create_database=lambda database, _owner: create_database("mariadb", _OPTIONS, database),
    client=partial(client, "mariadb", _OPTIONS),
    memory_bytes=300 << 20,
    be_patient=be_patient("mariadb", _OPTIONS, "slave"),
    hint=(
        "MariaDB needs memory for its buffers (200 MB) and, where its data is in memory, for the seed and every database"
        " (memory_size and in_memory in [tool.harness.servers.mariadb]); the end of its log is part of this message."
    ),
)
