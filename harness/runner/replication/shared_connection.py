"""A mirror's connection in a ``TestCase``: that of its primary, on which the server refuses writes while the mirror uses it.

MySQL and MariaDB cannot refuse them; there, ``mysql_writes`` finds the statements to refuse, and ``mysql_routines`` the calls.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import cache, partial, partialmethod
from typing import Any

from django.db import DatabaseError

from .mysql_routines import routines_of
from .mysql_writes import is_write

_SAVEPOINT = "harness_mirror"


class MirrorReadError(AssertionError):
    """A ``TestCase`` used a mirror, and the run is strict."""

    def __init__(self, mirror: str, primary: str) -> None:
        super().__init__(
            f"A TestCase used the mirror {mirror!r} inside its transaction, which --mirrors strict refuses: a TestCase commits"
            f" nothing, so that a real replica has none of its rows.\n"
            f"Next: a TransactionTestCase (pytest: transactional_db) is connected to the replica; reading {primary!r} is what"
            f" code does that must see its own writes; @harness.testing.mirrors('primary') goes on reading through {primary!r}."
        )


class SharedConnection:
    """A mirror's connection that uses its primary's driver connection, and cannot write.

    ``shared_connection`` makes one, of a class that derives from this and from the backend's. It tracks transactions but sends
    no transaction command: it has nothing to commit, and a refused write must not roll back what the primary has written.
    """

    _primary: Any
    _backend: type
    _is_strict: bool
    connect: Callable[..., Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a connection of the backend's own class when Django makes another of this class, as it does to copy a
        connection.
        """
        return cls._backend(*args, **kwargs)

    @property
    def connection(self) -> Any:
        """The driver's connection."""
        return self._primary.connection

    @connection.setter
    def connection(self, _value: Any) -> None:
        """Do nothing: the primary opens and closes the driver's connection."""

    def _nothing(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing: replaces each step that only the primary may take. The primary also checks the rows that it wrote."""

    close = close_if_unusable_or_obsolete = close_if_health_check_failed = close_pool = check_constraints = _nothing
    _commit = _rollback = _set_autocommit = _savepoint = _savepoint_commit = _savepoint_rollback = _nothing

    def make_cursor(self, cursor: Any) -> Any:
        """Django's cursor around that of the driver, of which COPY writes nothing either."""
        return _without_copies(self._backend.make_cursor(self, cursor))  # type: ignore[attr-defined]  # a backend of Django

    def make_debug_cursor(self, cursor: Any) -> Any:
        """As ``make_cursor``, of a cursor that records its statements."""
        return _without_copies(self._backend.make_debug_cursor(self, cursor))  # type: ignore[attr-defined]  # the same

    @contextlib.contextmanager
    def only_reading(self) -> Iterator[None]:
        """Refuse writes on PostgreSQL in the block, as ``run_read_only`` does for a statement."""
        self._check_mode()
        with _read_only(self._primary):
            yield

    def _check_mode(self) -> None:
        if self._is_strict:
            raise MirrorReadError(self.alias, self._primary.alias)  # type: ignore[attr-defined]  # a backend's

    def run_read_only(self, run: Callable[..., Any], cursor: Any, sql: Any, params: Any, rest: Any) -> Any:
        """Run a statement while writes are refused: ``run(cursor, sql, params, *rest)`` is Django's innermost execution, and the
        first of *rest* is true for ``executemany``.
        """
        self._check_mode()
        return _RUN[self._primary.vendor](self._primary, run, cursor, sql, params, rest)


@cache
def _shared_class(backend: type) -> Any:
    return type("SharedConnection", (SharedConnection, backend), {"_named_cursor_idx": 1_000_000, "_backend": backend})


def shared_connection(mirror: Any, primary: Any, *, is_strict: bool = False) -> Any:
    """A connection for the alias of *mirror* that reads through *primary* (both Django's connections); with *is_strict* each
    statement is a ``MirrorReadError``.
    """
    backend: Any = type(primary)
    shared = object.__new__(_shared_class(backend))
    shared._primary = primary
    shared._is_strict = is_strict
    shared.__init__(mirror.settings_dict, mirror.alias)
    # the primary's features: detecting them again would send queries, which a test may forbid or count
    shared.features = primary.features
    if primary.vendor == "postgresql":
        shared.ops.last_executed_query = partial(_last_query, shared.ops.last_executed_query)
    # the class's method: Django replaces those of the primary's object where a test may use the mirror alone
    shared.connect = lambda: backend.connect(primary)
    return shared


_IN_TRANSACTION = (
    f"SAVEPOINT {_SAVEPOINT}; SET LOCAL transaction_read_only = on",
    f"RELEASE SAVEPOINT {_SAVEPOINT}",
    f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; RELEASE SAVEPOINT {_SAVEPOINT}",
    2,
)
_ALONE = ("BEGIN READ ONLY", "COMMIT", "ROLLBACK", 1)
"""The statements before and after one that must not write, those after its failure, and the number of those before."""

_AROUND = re.compile(
    "|".join(rf"{begin}; (.*)\n; {commit}" for begin, commit, *_ in (_IN_TRANSACTION, _ALONE)), re.DOTALL
)
"""A statement as ``_run_postgresql`` sends it in one message."""


def _run_postgresql(primary: Any, run: Callable[..., Any], cursor: Any, sql: Any, params: Any, rest: Any) -> Any:
    """Run the statement in a read-only subtransaction or transaction; the setting ends with the savepoint in which it was made.

    One message to the server has the whole, if the driver can send several statements in one.
    """
    is_one = not rest[0] and type(sql) is str and ";" not in sql and _takes_several(primary, type(cursor.cursor))
    if not is_one:
        with _read_only(primary):
            return run(cursor, sql, params, *rest)
    begin, commit, rollback, before = _IN_TRANSACTION if primary.in_atomic_block else _ALONE
    try:
        result = run(cursor, f"{begin}; {sql}\n; {commit}", params, *rest)
        _skip(cursor.cursor, before)
    except BaseException:
        # a statement that fails before it is sent, as Django refuses one after an error, has begun nothing
        if primary.connection.info.transaction_status.name == "INERROR":
            _send(primary, rollback)
        raise
    return result


@contextlib.contextmanager
def _read_only(primary: Any) -> Iterator[None]:
    """Run the block in a read-only subtransaction or transaction of PostgreSQL, with messages of their own."""
    begin, commit, rollback, _ = _IN_TRANSACTION if primary.in_atomic_block else _ALONE
    _send(primary, begin)
    try:
        yield
    except BaseException:
        _send(primary, rollback)
        raise
    _send(primary, commit)


def _without_copies(cursor: Any) -> Any:
    """*cursor*, Django's, with methods for COPY that run while writes are refused: its own ones reach the driver directly."""
    cls: Any = type(cursor)
    driver: Any = type(cursor.cursor)
    cursor.__class__ = _class_without_copies(cls, driver)
    return cursor


@cache
def _class_without_copies(cls: Any, driver: Any) -> Any:
    def run_whole(cursor: Any, *arguments: Any, name: str, **named: Any) -> Any:
        with cursor.db.only_reading():
            return getattr(cursor.cursor, name)(*arguments, **named)

    @contextlib.contextmanager
    def copy(cursor: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
        with cursor.db.only_reading(), cursor.cursor.copy(*arguments, **named) as copying:
            yield copying

    names = [name for name in ("copy_expert", "copy_from", "copy_to") if hasattr(driver, name)]
    methods: dict[str, Any] = {name: partialmethod(run_whole, name=name) for name in names}
    if hasattr(driver, "copy") and hasattr(driver, "stream"):  # psycopg 3
        methods["copy"] = copy
    return type(cls.__name__, (cls,), methods) if methods else cls


def _skip(cursor: Any, results: int) -> None:
    """Go to the result of a statement that *results* others were sent before."""
    if hasattr(cursor, "set_result"):  # psycopg 3.3 and later
        cursor.set_result(results)
    else:
        for _ in range(results):
            cursor.nextset()


def _last_query(last_executed_query: Callable[..., str | None], *args: Any) -> str | None:
    """The statement that a cursor has executed, as Django's and the project's own tools show it."""
    text = last_executed_query(*args)
    around = _AROUND.fullmatch(text) if text else None
    return around[around.lastindex or 0] if around else text


def _send(primary: Any, sql: str) -> None:
    with primary.wrap_database_errors, primary.connection.cursor() as cursor:
        cursor.execute(sql)


def _takes_several(primary: Any, cursor: type) -> bool:
    """Whether a *cursor* can send a statement between others: that of psycopg 3 that puts the parameters into the text. psycopg 2
    forgets all results but the last one.
    """
    is_prepared = getattr(primary.connection, "prepare_threshold", None) is not None
    return not is_prepared and issubclass(cursor, getattr(primary.Database, "ClientCursor", ()))


def _run_sqlite(primary: Any, run: Callable[..., Any], cursor: Any, sql: Any, params: Any, rest: Any) -> Any:
    primary.connection.execute("PRAGMA query_only = 1")
    try:
        return run(cursor, sql, params, *rest)
    finally:
        primary.connection.execute("PRAGMA query_only = 0")


def _run_mysql(primary: Any, run: Callable[..., Any], cursor: Any, sql: Any, params: Any, rest: Any) -> Any:
    """Refuse what writes before it is sent: the server cannot make a transaction that has written read-only."""
    text = str(sql)
    routine = "" if is_write(text) else routines_of(primary.alias).writing(primary.settings_dict["NAME"].lower(), text)
    if routine or is_write(text):
        _refuse(primary, routine)
    return run(cursor, sql, params, *rest)


def _refuse(primary: Any, routine: str) -> None:
    """Raise the error of a read-only replica; for the stored program *routine* with a note that names it."""
    is_mariadb = "mariadb" in primary.connection.get_server_info().lower()
    product, option = ("MariaDB", "read-only") if is_mariadb else ("MySQL", "super-read-only")
    text = f"The {product} server is running with the --{option} option so it cannot execute this statement"
    try:
        with primary.wrap_database_errors:
            raise primary.Database.OperationalError(1290, text)
    except DatabaseError as error:
        if routine:
            error.add_note(
                f"The stored program {routine} has a statement that writes, perhaps in a branch that this call does not take."
                ' A real replica decides that: @harness.testing.mirrors("replica"), or a TransactionTestCase.'
            )
        raise


_RUN: dict[str, Callable[..., Any]] = {"postgresql": _run_postgresql, "sqlite": _run_sqlite, "mysql": _run_mysql}
