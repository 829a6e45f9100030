"""PostgreSQL, as data and small functions. The image that this describes is made by ``images/postgres``.

Imports neither Docker nor Django.
"""

from __future__ import annotations

import re

from harness.host.engines.driver import PSYCOPG
from harness.host.engines.engine import DEFAULT_USER, Engine, Login, Release
from harness.protocol import naming

SERVER_OPTIONS = (  # noqa: SIM905 - a list with a name a line would be a page
    # where the server is
    "host hostaddr port dbname service servicefile target_session_attrs load_balance_hosts"
    # the client's identity: the run's users are superusers with the run's password
    " user password passfile assume_role require_auth requirepeer channel_binding scram_client_key"
    " scram_server_key krbsrvname gsslib gssencmode gssdelegation oauth_issuer oauth_client_id oauth_client_secret"
    " oauth_scope"
    # how the connection is encrypted
    " requiressl sslmode sslnegotiation sslcompression sslcert sslcertmode sslkey sslpassword sslrootcert sslcrl"
    " sslcrldir sslsni sslkeylogfile ssl_min_protocol_version ssl_max_protocol_version"
).split()


def user(name: str) -> str:
    """The role that replaces *name*: *name* itself, or ``harness`` where PostgreSQL would not accept it."""
    reserved = name.startswith("pg_") or name in ("public", "none")
    if not name or reserved or len(name.encode()) > naming.POSTGRES_NAME_BYTES or re.search(r"[\0\r\n]", name):
        return DEFAULT_USER
    return name


def dump_schema(database: str) -> tuple[str, ...]:
    """The command line that prints the schema of *database*, beside its server."""
    quoted = database.replace("\\", "\\\\").replace("'", "\\'")
    # a bare name with "=" in it would be read as a connection string
    dbname = f"--dbname=dbname='{quoted}'"
    return ("pg_dump", "--schema-only", "--no-password", "--username=postgres", dbname)


_CREATE = """\
psql -X -q -v ON_ERROR_STOP=1 -v database="$1" -v owner="$2" -w -U postgres -d postgres <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
SQL
"""


_BE_PATIENT = (
    # the slot ends with the connection, so that no primary has one that is saved as a seed
    "ALTER SYSTEM SET wal_receiver_create_temp_slot = on",
    "ALTER SYSTEM SET wal_receiver_timeout = 0",
    "SELECT pg_reload_conf()",
)


def client(login: Login) -> tuple[str, ...]:
    """The command line of ``psql`` for *login*."""
    return ("psql", POSTGRES.url("", login))


POSTGRES = Engine(
    name="postgres",
    title="PostgreSQL",
    vendor="postgresql",
    driver=PSYCOPG,
    backend="django.db.backends.postgresql",
    gis_backend="django.contrib.gis.db.backends.postgis",
    releases=(
        Release("15", "postgres:15", "bookworm"),
        Release("17", "postgres:17", "trixie"),
        Release("18", "postgres:18", "sid"),
    ),
    default_version="17",
    port=5432,
    name_bytes=naming.POSTGRES_NAME_BYTES,
    unquotable='"\0',
    reserved_databases=frozenset({"postgres", "template0", "template1"}),
    server_options=tuple(SERVER_OPTIONS),
    account="postgres",
    version_line=re.compile(r"starting PostgreSQL (\S+)"),
    user=user,
    dump_schema=dump_schema,
    schema_noise=re.compile(r"^\\(?:un)?restrict .*\n", re.MULTILINE),
    create_database=lambda database, owner: ("sh", "-c", _CREATE, "sh", database, owner),
    schemes=("postgres", "postgis"),
    client=client,
    memory_bytes=150 << 20,
    be_patient=(
        *("psql", "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"),
        *(f"--command={statement}" for statement in _BE_PATIENT),
    ),
    hint=(
        "PostgreSQL needs memory for shared buffers (128 MB) and, where its databases are in memory, for them (memory_size and"
        " in_memory in [tool.harness.servers.postgres]), and space on the engine's disk; the end of its log is part"
        " of this message."
    ),
)
