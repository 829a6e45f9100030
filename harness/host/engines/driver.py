"""The Python drivers of the engines, one of which a project needs in its image."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Driver:
    """The driver of an engine: *package* is installed by the command *install* where none of *modules* is there.

    ``names`` is a pattern for the packages that have one.
    """

    modules: tuple[str, str]
    names: str
    package: str
    install: str

    def is_named(self, text: str) -> bool:
        """Whether *text*, of a lock, a requirements file or a command, names a package with a driver."""
        return re.search(self.names, text, re.IGNORECASE) is not None

    @property
    def command(self) -> str:
        """The shell command that installs the package, unless another package brought a driver."""
        checks = [f"python -c 'import {module}' 2>/dev/null" for module in self.modules]
        return " || ".join([*checks, self.install])


_PSYCOPG_3 = "python -c 'import django; exit(django.VERSION < (4, 2))' && pip install 'psycopg[binary]'"

PSYCOPG = Driver(
    ("psycopg", "psycopg2"),
    "psycopg",
    "psycopg[binary]",
    f"{{ {_PSYCOPG_3} || pip install psycopg2-binary; }}",
)
MYSQLCLIENT = Driver(("MySQLdb", "pymysql"), "mysqlclient|pymysql", "mysqlclient", "pip install mysqlclient")
