"""``python -m ci.benchmark.cloning_mysql HOST PORT USER TEMPLATE SLOTS``: prints the seconds of making the slots' clones.

Each slot is a process with a connection of its own, as a worker is. The password comes as ``MYSQL_PWD``. The clones are
dropped after.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from harness.inside.mysql_clone import make_clone


def main(host: str, port: str, user: str, template: str, slots: str) -> None:
    """Make the clones of so many slots, all at once."""
    login: dict[str, Any] = {
        "host": host,
        "port": int(port),
        "user": user,
        "password": os.environ["MYSQL_PWD"],
        "autocommit": True,
    }
    login["client_flag"] = CLIENT.MULTI_STATEMENTS
    clones = [f"{template}_{slot}" for slot in range(1, int(slots) + 1)]
    seconds = _side_by_side(login, template, clones)
    connection = pymysql.connect(**login)
    with connection.cursor() as cursor:
        for clone in clones:
            cursor.execute(f"DROP DATABASE `{clone}`")
    connection.close()
    print(seconds)


def _side_by_side(login: dict[str, Any], template: str, clones: Sequence[str]) -> float:
    start, go = os.pipe()
    children = []
    for clone in clones:
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(start, 1)  # until the other end is closed
            status = 1
            try:
                make_clone(pymysql.connect(**login), template, clone)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    begin = time.perf_counter()
    os.close(go)
    ended = [os.waitpid(pid, 0)[1] for pid in children]
    if any(ended):
        sys.exit("a clone could not be made")
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(*sys.argv[1:])
