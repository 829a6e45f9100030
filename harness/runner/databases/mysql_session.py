"""The session that makes clones on MySQL and MariaDB: its variables, and how they are set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .mysql_definitions import plain_literal
from .mysql_statements import fetch

MODE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
"""The ``sql_mode`` of reading and copying: identifiers in backticks, values unchanged, and a zero stays a zero."""
HISTORY = "system_versioning_insert_history"
"""The variable of MariaDB (10.11 and later) that allows rows to be inserted with their period of validity."""
VARIABLES: Mapping[str, str] = {
    "sql_mode": MODE,
    # no checks: the template's rows have passed them, or were inserted with the check off
    "foreign_key_checks": "OFF",
    "unique_checks": "OFF",
    "check_constraint_checks": "OFF",
    "innodb_strict_mode": "OFF",
    "restrict_fk_on_non_standard_key": "OFF",
    "sql_require_primary_key": "OFF",
    HISTORY: "ON",
    # definitions are shown exactly as they are, and nothing is added to them
    "explicit_defaults_for_timestamp": "ON",
    "sql_generate_invisible_primary_key": "OFF",
    "show_gipk_in_create_table_and_information_schema": "ON",
    "show_create_table_skip_secondary_engine": "OFF",
    "show_create_table_verbosity": "OFF",
    "sql_quote_show_create": "ON",
    "default_collation_for_utf8mb4": "utf8mb4_0900_ai_ci",
    # definitions arrive as stored: a conversion makes "?" of each byte that is not of its character set
    "character_set_results": "binary",
    # UTC: in a zone with summer time one hour comes twice, and a copied time in it would be ambiguous
    "time_zone": "+00:00",
    # no limit on a statement's duration or rows
    "max_execution_time": "0",
    "max_statement_time": "0",
    "sql_big_selects": "ON",
    "sql_select_limit": "18446744073709551615",
}
"""Variables of a session that makes clones; those that the server does not know are left out."""
LOCK_WAIT_S = 30
"""The longest wait for a lock of another session, in seconds; the server's own default is a year."""


def prepare(cursor: Any) -> frozenset[str]:
    """Set the session as ``VARIABLES`` says; the names of the variables that the server knows."""
    # nothing changes the template, so its rows can be read without locks
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}, innodb_lock_wait_timeout = {LOCK_WAIT_S}")
    names = ", ".join(f"'{name}'" for name in VARIABLES)
    cursor.execute(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})")
    found: dict[str, str] = dict(fetch(cursor))
    # variables that have their value already are left alone: setting some needs a privilege
    set_variables(cursor, {name: value for name, value in VARIABLES.items() if found.get(name, value) != value})
    return frozenset(found)


def set_variables(cursor: Any, settings: dict[str, str]) -> None:
    if settings:
        pairs = ", ".join(
            f"{name} = {value if value.isdigit() else plain_literal(value)}" for name, value in settings.items()
        )
        cursor.execute(f"SET SESSION {pairs}")
