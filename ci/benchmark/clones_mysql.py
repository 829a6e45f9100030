"""Figures ``clones-mysql`` and ``clones-mariadb``: the slots' clones as workers make them, or as Django does.

Ours are made over connections from this machine, side by side. Django pipes one client program into another, for one clone
after the other; that very pipeline runs in the server's own container, where the programs are, which spares it the network.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pymysql

from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import ROOT, Ground, environment, pair_plan
from ci.benchmark.race import Side, Sides, timed
from harness.errors import HarnessError
from harness.host.engines import Engine
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL
from harness.protocol.messages import Endpoint

SLOTS = 2
TABLES = 200
ROWS = 20
TEMPLATE = "test_bench"
USER = "bench"
_PROGRAMS = {"mysql": ("mysqldump", "mysql", "--set-gtid-purged=OFF"), "mariadb": ("mariadb-dump", "mariadb", "")}


def comparison(engine: Engine) -> Comparison:
    """The figure of *engine*, MySQL or MariaDB."""
    return Comparison(
        f"clones-{engine.name}",
        f"{SLOTS} clones of a {engine.title} template of {TABLES} tables with rows, as workers make them",
        "the same as Django makes them, with the client programs",
        aim=Aim(ratio=0.33),
    )


FIGURES = tuple((comparison(engine), engine) for engine in (MYSQL, MARIADB))


def clones(engine: Engine) -> Callable[[Ground], AbstractContextManager[Sides]]:
    """Both sides on one server of *engine* that has the template."""

    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        plan, image = pair_plan(has_replica=False, engine=engine), ground.seeded_image(engine)
        with ground.network() as network, ground.stack(plan, network, image=image, publish=True) as stack:
            (endpoint,) = stack.endpoints()
            client: Any = ground.client
            (container,) = client.containers.list(filters={"network": network})
            _make_template(endpoint)
            yield Sides(_ours(endpoint), _djangos(container, engine))

    return prepare


def _ours(endpoint: Endpoint) -> Side:
    where = [endpoint.host, str(endpoint.port), USER, TEMPLATE, str(SLOTS)]
    command = [sys.executable, "-m", "ci.benchmark.cloning_mysql", *where]
    variables = environment(MYSQL_PWD=endpoint.password)
    return lambda: float(timed(command, ROOT, variables)[1])


def _djangos(container: Any, engine: Engine) -> Side:
    """The commands of ``django.db.backends.mysql.creation._clone_db``, timed in the server's container."""
    dump, load, dump_only = _PROGRAMS[engine.name]
    login = "--no-defaults --socket=/srv/harness/mysqld.sock --user=root"
    if engine is MARIADB:
        login += " --skip-ssl"
    script = f"""set -e
        for slot in $(seq {SLOTS}); do {load} {login} -e "CREATE DATABASE {TEMPLATE}_$slot"; done
        begin=$(date +%s%N)
        for slot in $(seq {SLOTS}); do
            {dump} {login} {dump_only} --routines --events {TEMPLATE} | {load} {login} {TEMPLATE}_$slot
        done
        end=$(date +%s%N)
        for slot in $(seq {SLOTS}); do {load} {login} -e "DROP DATABASE {TEMPLATE}_$slot"; done
        echo $((end - begin))
    """

    def run() -> float:
        status, (out, err) = container.exec_run(["sh", "-c", script], demux=True)
        if status != 0:
            raise HarnessError(
                f"The clones could not be made by {dump}.",
                hint="Run it by hand: it is no matter of the benchmark.",
                evidence=(err or b"").decode(),
            )
        return int(out) / 1e9

    return run


def _make_template(endpoint: Endpoint) -> None:
    """A database like a migrated one: keys, indexes, a foreign key and a few rows in each table."""
    connection = pymysql.connect(
        host=endpoint.host, port=endpoint.port, user=USER, password=endpoint.password, autocommit=True
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {TEMPLATE}")
        cursor.execute(f"USE {TEMPLATE}")
        for number in range(1, TABLES + 1):
            parent = max(1, number - 1)
            cursor.execute(
                f"CREATE TABLE table_{number} (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL UNIQUE,"
                " made datetime(6) NOT NULL, note longtext NOT NULL, parent_id bigint NULL, KEY (made),"
                f" FOREIGN KEY (parent_id) REFERENCES table_{parent} (id))"
            )
            cursor.executemany(
                f"INSERT INTO table_{number} (name, made, note) VALUES (%s, now(6), %s)",  # noqa: S608 - of our own
                [(f"name {row}", "note " * row) for row in range(1, ROWS + 1)],
            )
