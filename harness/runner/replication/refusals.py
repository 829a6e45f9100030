"""Says of a write that a mirror's server has refused: which alias it is, what was written, and by which line of the project."""

from __future__ import annotations

from ..failures import blame
from ..text import cut

STATEMENT_CHARACTERS = 300
_READ_ONLY = "25006"
"""The SQLSTATE of PostgreSQL's ``read_only_sql_transaction``, of a standby too."""
_READ_ONLY_NUMBERS = frozenset({1290, 1792, 1836})
"""MySQL's errors of a server with ``read_only``, of a read-only transaction, and of a server in read-only mode."""
_SQLITE_READ_ONLY = "attempt to write a readonly database"


def is_refused_write(error: BaseException) -> bool:
    """Whether *error*, Django's around a driver's, says that the server or the transaction takes no writes."""
    driver = error.__cause__ or error
    state = getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None)
    number = driver.args[0] if driver.args else None
    return state == _READ_ONLY or (
        number == _SQLITE_READ_ONLY or (isinstance(number, int) and number in _READ_ONLY_NUMBERS)
    )


def explain(alias: str, primary: str, sql: str, error: BaseException) -> None:
    """Add to *error*, of a statement through the mirror *alias* of *primary*, what refused it, and mark the line to look at."""
    if not is_refused_write(error):
        return
    frame = blame(error)
    by = f" by {frame.file}:{frame.line} in {frame.function}" if frame is not None else ""
    error.add_note(
        f"Refused: {alias!r} is a mirror of {primary!r}, and a replica takes no writes.\n"
        f"Sent{by}: {cut(' '.join(sql.split()), STATEMENT_CHARACTERS)}\n"
        f"Next: .using({primary!r}) where the code names the alias; a router's db_for_write returns {primary!r}."
    )
