"""A clone equals its template: random databases, cloned by the workers' functions, and compared by the server's catalogues.

``CLONES_EXAMPLES`` is the number of databases for each server, ``CLONES_SEED`` the first seed: a failure names its seed. The
versions of a server share the seeds: a seed always goes to the same version.
"""

import contextlib
import os
import re
from typing import Any

import psycopg
import pymysql
import pytest
from psycopg import sql

from harness.host.engines.engine import Engine
from harness.host.engines.postgres import POSTGRES
from harness.runner.databases import mysql_clone, postgres_clone
from harness.runner.replication.catch_up import await_position
from harness.runner.replication.positions import GtidPositions, WalPositions
from tests.e2e import catalogues, pairs, random_mysql, random_postgres

pytestmark = pytest.mark.docker

EXAMPLES = int(os.environ.get("CLONES_EXAMPLES", "10"))
FIRST = int(os.environ.get("CLONES_SEED", "0"))
TEMPLATE = "test_random"
CLONE = "test_random_1"
Contents = dict[tuple[str, ...], Any]
"""Catalogue entries and rows by table or kind, and name."""
EVENTS = (("EVENTS",), ("SHOW", "EVENT"))
"""The keys of events in the contents: a replica's events are disabled."""


class Database:
    """A random template of MySQL or MariaDB, and the catalogue contents of it and of its clone."""

    def __init__(self, pair: pairs.Pair, types: list[str]) -> None:
        self.pair = pair
        self.types = types

    def write(self, seed: int) -> bool:
        """Make the template. Returns whether a replica has the names in it unchanged."""
        with self.pair.session() as session:
            session.run("DROP USER IF EXISTS 'someone'@'%'", "CREATE USER 'someone'@'%'")
            session.run("SET GLOBAL innodb_default_row_format = dynamic")
            session.run(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            session.run(f"CREATE DATABASE {TEMPLATE} COLLATE utf8mb4_unicode_ci", f"USE {TEMPLATE}")
            writer = random_mysql.Writer(seed, TEMPLATE, self.types, lambda statement: is_written(session, statement))
            writer.write()
            session.run("SET SESSION sql_log_bin = 0")
            drop_broken_views(session)
        return not writer.has_odd_names

    def clone(self) -> None:
        with contextlib.closing(self.pair.connect()) as connection:
            mysql_clone.make_clone(connection, mysql_clone.read_schema(connection, TEMPLATE), CLONE)

    def catch_up(self) -> None:
        positions = GtidPositions()
        with self.pair.session() as primary, primary.connection.cursor() as cursor:
            wanted = positions.position(cursor)
        with self.pair.session("replica") as replica, replica.connection.cursor() as cursor:
            await_position(positions, cursor, wanted, 30.0, "default")

    def contents(self, database: str, role: str = "primary") -> Contents:
        with self.pair.session(role) as session:
            return catalogues.contents(session, database, TEMPLATE)


def is_written(session: pairs.Session, statement: bytes) -> bool:
    """Run *statement*; whether the server took it. Only sequences go to the binary log: neither server can send a replica all
    that a session can make, so it gets the clones alone, but cloning touches a sequence, which must exist there.
    """
    session.run(f"SET SESSION sql_log_bin = {int(statement.startswith(b'CREATE SEQUENCE'))}")
    return is_taken(session, statement)


def is_taken(session: pairs.Session, statement: str | bytes) -> bool:
    try:
        session.run(statement)
    except pymysql.Error:
        return False
    return True


def drop_broken_views(session: pairs.Session) -> None:
    """Drop the views that cannot be read: they cannot be made either, and are not in a clone. A grant on one would stay, so
    revoke it first.
    """
    views = "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"
    session.run("SET NAMES utf8mb4")
    while broken := [name for (name,) in session.run(views) if is_broken(session, name)]:
        for name in broken:
            for right in ("ALL", "GRANT OPTION"):
                is_taken(session, f"REVOKE {right} ON {random_mysql.quote(name)} FROM 'someone'@'%'")
            session.run(f"DROP VIEW {random_mysql.quote(name)}")


def is_broken(session: pairs.Session, view: str) -> bool:
    try:
        session.run(f"SELECT * FROM {random_mysql.quote(view)}")
    except pymysql.Error as error:
        return bool(error.args[0] == 1356)
    return False


def known_types(session: pairs.Session) -> list[str]:
    """The random types that the server has."""
    session.run("CREATE DATABASE known", "USE known")
    return [
        name
        for number, name in enumerate(random_mysql.TYPES)
        if is_taken(session, f"CREATE TABLE t{number} (x {name})")
    ]


def without(contents: Contents, *keys: tuple[str, ...]) -> Contents:
    return {key: value for key, value in contents.items() if not any(key[: len(each)] == each for each in keys)}


def as_replicated(contents: Contents) -> Contents:
    """*contents* without what a replica has of its own: events are disabled there, and a table whose definition names no row
    format has the replica's.
    """
    kept = without(contents, *EVENTS)
    for key, rows in kept.items():
        if key[0] == "TABLES":
            kept[key] = [
                [each for name, each in zip(key[1:], row, strict=True) if name != "ROW_FORMAT"] for row in rows
            ]
    return kept


def differences(expected: Contents, found: Contents) -> dict[Any, Any]:
    return {
        key: (expected.get(key), found.get(key))
        for key in sorted({*expected, *found})
        if expected.get(key) != found.get(key)
    }


@pytest.mark.parametrize(
    ("kind", "version"),
    [(kind, version) for kind in pairs.ENGINES for version in kind.versions],
    ids=lambda each: getattr(each, "name", each),
)
def test_a_clone_is_its_template(kind: Engine, version: str) -> None:
    share = kind.versions.index(version)
    with pairs.running(kind, version=version) as pair:
        with pair.session() as session:
            types = known_types(session)
        database = Database(pair, types)
        for seed in range(FIRST, FIRST + EXAMPLES):
            if seed % len(kind.versions) != share:
                continue
            names_are_replicated = database.write(seed)
            before = database.contents(TEMPLATE)
            try:
                database.clone()
            except Exception as error:
                error.add_note(f"seed {seed}")
                raise
            template, clone = database.contents(TEMPLATE), database.contents(CLONE)
            # the values that a sequence has in reserve are released
            sequences = ("ROWS", "SEQUENCE")
            assert differences(without(before, sequences), without(template, sequences)) == {}, f"template, seed {seed}"
            assert differences(template, clone) == {}, f"clone, seed {seed}"
            database.catch_up()
            if names_are_replicated:
                replica = as_replicated(database.contents(CLONE, "replica"))
                assert differences(as_replicated(clone), replica) == {}, f"replica, seed {seed}"


def test_a_postgres_clone_is_its_template() -> None:
    with pairs.running(POSTGRES) as pair:
        assert pair.endpoint("primary").is_in_memory
        for seed in range(FIRST, FIRST + EXAMPLES):
            strategy = postgres_clone.strategy(170_000, is_in_memory=bool(seed % 2))
            write_postgres(pair, seed)
            with postgres(pair) as session:
                postgres_clone.make_clone(session.cursor(), TEMPLATE, CLONE, strategy)
                expected = of_database(session, TEMPLATE)
                assert of_database(session, CLONE) == expected, f"clone, seed {seed}"
                wanted = WalPositions().position(session.cursor())
            assert dump(pair, CLONE) == dump(pair, TEMPLATE), f"dump, seed {seed}"
            with postgres(pair, role="replica") as replica:
                await_position(WalPositions(), replica.cursor(), wanted, 30.0, "default")
                assert of_database(replica, CLONE) == expected, f"replica, seed {seed}"


def postgres(pair: pairs.Pair, database: str = "postgres", role: str = "primary") -> psycopg.Connection[Any]:
    endpoint = pair.endpoint(role)
    return psycopg.connect(
        host=endpoint.host,
        port=endpoint.port,
        user=pairs.USER,
        password=endpoint.password,
        dbname=database,
        autocommit=True,
    )


def write_postgres(pair: pairs.Pair, seed: int) -> None:
    with postgres(pair) as session:
        session.execute(f"DROP DATABASE IF EXISTS {CLONE} WITH (FORCE)")
        session.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
        session.execute(f"CREATE DATABASE {TEMPLATE}")
        for role in random_postgres.ROLES:
            with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.ReservedName):
                session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    with postgres(pair, TEMPLATE) as session:

        def take(statement: str) -> None:
            with contextlib.suppress(psycopg.Error):
                session.execute(statement.encode())

        random_postgres.Writer(seed, TEMPLATE, take).write()


def of_database(session: psycopg.Connection[Any], database: str) -> Any:
    """The entries of *database* in the shared catalogues."""
    return session.execute(
        """
        SELECT datdba::regrole, datconnlimit, datacl, datistemplate, datallowconn,
            shobj_description(oid, 'pg_database'),
            (SELECT array_agg((provider, label)::text) FROM pg_shseclabel WHERE objoid = pg_database.oid),
            (SELECT array_agg((setrole::regrole, setconfig)::text ORDER BY setrole)
                FROM pg_db_role_setting WHERE setdatabase = pg_database.oid)
        FROM pg_database WHERE datname = %s
        """,
        [database],
    ).fetchone()


def dump(pair: pairs.Pair, database: str) -> str:
    """The dump of *database* by ``pg_dump``."""
    command = ["pg_dump", "--create", "--no-password", "--host=/tmp", "--username=postgres", f"--dbname={database}"]
    status, out, err = pair.execute(command)
    assert status == 0, err
    return re.sub(r"(?m)^.(un)?restrict .*$", "", out.replace(CLONE, TEMPLATE))
