"""A mirror's connection in a ``TestCase``: that of its primary, on which the server refuses writes while the mirror uses it.

MySQL and MariaDB cannot refuse them; there, ``mysql_writes`` finds the statements to refuse, and ``mysql_routines`` the calls.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import cache, partial, partialmethod
from itertools import count
from operator import attrgetter
from typing import Any

from django.db import DatabaseError, ProgrammingError
from django.db.backends.base import base

from .mysql_routines import routines_of
from .mysql_writes import is_write

_SAVEPOINT = "harness_mirror"
_CURSOR_NUMBERS = count(1_000_000, 1_000_000)
"""The first number of each connection's server-side cursors: primary and mirrors have theirs on one connection of the driver."""

_REFUSED = {"connect", "temporary_connection", "cursor", "chunked_cursor"}
"""The methods that Django replaces on the connection of an alias that a test may not use."""


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

    ops: Any
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

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor of the driver. Raises ``ProgrammingError``, as for the primary, if a test has closed that in a transaction."""
        if self.connection is None:
            raise ProgrammingError(
                f"The connection of {self._primary.alias!r} was closed in a transaction that goes on."
            )
        return super().create_cursor(name)  # type: ignore[misc]  # of the backend's class

    def _nothing(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing: replaces each step that only the primary may take. The primary also checks the rows that it wrote."""

    @property
    def mysql_server_data(self) -> Any:
        """The server's version and settings, read once for primary and mirrors: each test would count a query of its own.

        The mirror reads them, since Django refuses the primary's queries in a test of the mirror alone.
        """
        known = vars(self._primary)
        if "mysql_server_data" not in known:
            known["mysql_server_data"] = self._backend.mysql_server_data.func(self)  # type: ignore[attr-defined]  # of MySQL's class
        return known["mysql_server_data"]

    close = close_if_unusable_or_obsolete = close_if_health_check_failed = close_pool = check_constraints = _nothing
    _commit = _rollback = _set_autocommit = _nothing

    def _start_transaction_under_autocommit(self) -> None:
        self._count("BEGIN")

    def _savepoint(self, sid: str) -> None:
        self._count(self.ops.savepoint_create_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        self._count(self.ops.savepoint_commit_sql(sid))

    def _savepoint_rollback(self, sid: str) -> None:
        self._count(self.ops.savepoint_rollback_sql(sid))

    def _count(self, sql: str) -> None:
        """Let *sql* be counted and shown as a query of this alias, as Django's mirror would send it, and send nothing."""
        with base.debug_transaction(self, sql):  # type: ignore[attr-defined]  # not in the stubs
            pass

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
    return type("SharedConnection", (SharedConnection, backend), {"_backend": backend})


def shared_connection(mirror: Any, primary: Any, *, is_strict: bool = False) -> Any:
    """A connection for the alias of *mirror* that reads through *primary* (both Django's connections); with *is_strict* each
    statement is a ``MirrorReadError``.
    """
    backend: Any = type(primary)
    shared = object.__new__(_shared_class(backend))
    shared._primary = primary
    shared._is_strict = is_strict
    shared._named_cursor_idx = next(_CURSOR_NUMBERS)
    shared.__init__(mirror.settings_dict, mirror.alias)
    shared.features = features_of(primary, shared)
    shared.autocommit = mirror.settings_dict["AUTOCOMMIT"]  # Django's connect sets it, which is the primary's here
    shared.execute_wrappers = mirror.execute_wrappers  # the project's own, as of an ``AppConfig``
    if primary.vendor == "postgresql":
        shared.ops.last_executed_query = partial(_last_query, shared.ops.last_executed_query)
    shared.connect = partial(_connect, primary)
    return shared


def _connect(primary: Any) -> None:
    """Connect *primary* by its class: Django replaces methods of the object where a test may use the mirror alone.

    Does nothing in a transaction that was closed with its connection: only a cursor is refused there.
    """
    if primary.in_atomic_block and primary.closed_in_transaction:
        return
    own = vars(primary)
    refusals = {name: own.pop(name) for name in _REFUSED & own.keys()}
    try:
        primary.connect()
    finally:
        own.update(refusals)


def features_of(primary: Any, mirror: Any) -> Any:
    """The features of *primary*'s server for the connection *mirror*. What one of them has detected the other one knows, without
    queries that a test may count; the mirror detects by itself, since a test may be refused the primary.
    """
    features = object.__new__(_features_class(primary.features.__class__))
    features.__dict__ = vars(primary.features)
    features.mirror = mirror
    return features


@cache
def _features_class(features: type) -> Any:
    members = {"__slots__": ("mirror",), "connection": property(attrgetter("mirror"))}
    return type(features.__name__, (features,), members)


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
