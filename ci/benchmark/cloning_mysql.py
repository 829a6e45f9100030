"""``python -m ci.benchmark.cloning_mysql HOST PORT USER TEMPLATE SLOTS``: prints the seconds of making the slots' clones.

The template is read once, as the coordinator does. Each slot is a process with a connection of its own, as a worker is. The
password comes as ``MYSQL_PWD``. The clones are dropped after.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from functools import partial
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from ci.benchmark.forks import seconds_of
from harness.runner.databases.mysql_clone import make_clone, read_schema
from harness.runner.databases.mysql_schema import Schema


def main(host: str, port: str, user: str, template: str, slots: str) -> None:
    """Make the clones of *slots* slots, all at once."""
    login: dict[str, Any] = {
        "host": host,
        "port": int(port),
        "user": user,
        "password": os.environ["MYSQL_PWD"],
        "autocommit": True,
    }
    login["client_flag"] = CLIENT.MULTI_STATEMENTS
    clones = [f"{template}_{slot}" for slot in range(1, int(slots) + 1)]
    begin = time.perf_counter()
    with contextlib.closing(pymysql.connect(**login)) as connection:
        schema = read_schema(connection, template)
    seconds = time.perf_counter() - begin
    seconds += seconds_of([partial(_clone, login, schema, clone) for clone in clones])
    connection = pymysql.connect(**login)
    with connection.cursor() as cursor:
        for clone in clones:
            cursor.execute(f"DROP DATABASE `{clone}`")
    connection.close()
    print(seconds)


def _clone(login: dict[str, Any], schema: Schema, clone: str) -> None:
    make_clone(pymysql.connect(**login), schema, clone)


if __name__ == "__main__":
    main(*sys.argv[1:])
