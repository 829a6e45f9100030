"""Makes the templates by the project's own ``django_db_setup``, once, before the workers are forked.

The workers inherit the fixture as set up, with all that it has loaded, and each has clones of the templates.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import django.test.utils
import pytest
from django.db import connections

from ...errors import HarnessError, ProjectError
from ...protocol import naming
from ...protocol.topology import closure
from .. import private_apis
from ..databases import clones, migration_errors, spawned
from ..failures import import_advice, message_of, project_traceback, type_name
from ..project import portability
from ..project.session import Session
from ..replication.catch_up import await_replicas
from . import pytest_internals

FIXTURE = "django_db_setup"
_CLONED = ("postgresql", "mysql", "sqlite")


class Databases:
    """The test databases of a run. ``made`` are those that workers clone."""

    def __init__(self) -> None:
        self.made: tuple[clones.TestDatabase, ...] = ()
        self._old_config: list[tuple[Any, str, bool]] = []
        self._session: Session | None = None
        self._pid = os.getpid()
        self._set_up: Callable[..., Any] = django.test.utils.setup_databases
        self._tear_down: Callable[..., Any] = django.test.utils.teardown_databases

    def install(self) -> None:
        """Put stand-ins in place of Django's two functions, before any module of the project imports them."""
        django.test.utils.setup_databases = self._setup_databases
        django.test.utils.teardown_databases = self._teardown_databases

    def remove(self) -> None:
        django.test.utils.setup_databases = self._set_up
        django.test.utils.teardown_databases = self._tear_down

    def make_templates(self, session: Session, pytest_session: pytest.Session) -> None:
        """Set up ``django_db_setup`` if a test uses databases. Raises ``ProjectError`` if it fails."""
        self._session = session
        session.gate.open()
        users = [item for item in pytest_session.items if _uses_databases(item)]
        if not users:
            return
        session.journal.start_phase("template")
        with _explained(session):
            _set_up_fixture(pytest_session, users[0])
        if not self._old_config:
            self.made = _made_otherwise(session, pytest_session.items)
            if self.made:
                names = ", ".join(f"{each.alias} ({each.template})" for each in self.made)
                session.journal.notice(
                    "own-databases", f"{FIXTURE} of the project makes its databases itself: {names}."
                )
        with pytest_internals.connections_allowed():
            await_replicas(session.mirrors_of(_aliases_of(self.made)), session.replicas)
        clones.close_connections()
        session.journal.finish_phase("template")

    def remove_files(self, workers: int) -> None:
        """Remove SQLite's files, which would stay in the project."""
        with pytest_internals.connections_allowed():
            clones.remove_files(self.made, workers)

    def _setup_databases(self, verbosity: Any, interactive: Any, *, aliases: Any = None, **options: Any) -> Any:
        session = self._session
        if session is None:  # the project sets up databases while it is loaded
            return self._set_up(verbosity, interactive, aliases=aliases, **options)
        if os.getpid() != self._pid:
            return self._set_up_in_worker(verbosity, interactive, aliases=aliases, **options)
        topology = session.topology
        if aliases is not None:  # Django leaves out the primary of a mirror
            aliases = {*aliases, *closure(topology, set(aliases) & set(topology.names))}
        portability.check_models(topology, connections if aliases is None else aliases)
        options["parallel"] = 0
        with migration_errors.reported(session.statement_log, session.journal.write):
            config = self._set_up(0, False, aliases=aliases, **options)
        self._old_config += config
        made_aliases = {connection.alias for connection, _, _ in self._old_config}
        self.made = clones.made_of(self._old_config, session.mirrors_of(made_aliases))
        spawned.publish(topology.aliases)
        return config

    def _set_up_in_worker(self, verbosity: Any, interactive: Any, *, aliases: Any = None, **options: Any) -> Any:
        """Make databases that this worker alone uses: another ``django_db_setup`` than that of the templates asks for them."""
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        known = _aliases_of(self.made)
        for alias in connections if aliases is None else aliases:
            connection = connections[alias]
            if alias not in known and not clones.is_forked(connection):
                name = private_apis.test_database_name(connection)
                connection.settings_dict["TEST"]["NAME"] = naming.clone(name, int(number) + 1)
        return self._set_up(verbosity, interactive, aliases=aliases, **options)

    def _teardown_databases(self, old_config: Any, *_args: Any, **_options: Any) -> None:
        """Drop nothing on a server: servers end, or stay with their databases."""
        clones.restore_names(old_config or ())


def _uses_databases(item: Any) -> bool:
    aliases, _ = pytest_internals.databases_of(item)
    return bool(aliases) or FIXTURE in getattr(item, "fixturenames", ())


def _set_up_fixture(session: pytest.Session, user: Any) -> None:
    """Set up ``django_db_setup`` as *user* sees it; all else that this sets up is torn down again.

    A skip is left to the tests, each of which gets it from the fixture.
    """
    module = user.getparent(pytest.Module)
    if module is None:
        return

    def template(django_db_setup: None) -> None: ...

    item: Any = pytest.Function.from_parent(module, name="the templates of the databases", callobj=template)
    item.fixturenames[:] = [FIXTURE]
    try:
        pytest_internals.set_up(session, item)
    except pytest.skip.Exception:
        pass
    finally:
        pytest_internals.tear_down(session, _Nothing.from_parent(session, name="no test"))


class _Nothing(pytest.Item):
    def runtest(self) -> None:
        raise NotImplementedError


@contextlib.contextmanager
def _explained(session: Session) -> Any:
    try:
        yield
    except HarnessError:
        raise
    except BaseException as error:
        session.messages.check()
        raise ProjectError(
            f"{FIXTURE}, which makes the test databases, failed: {type_name(type(error))}: {message_of(error)}",
            hint=import_advice(error) or "Does pytest -p no:xdist come further, on an empty server?",
            evidence=project_traceback(error),
        ) from error


def _made_otherwise(session: Session, items: Iterable[Any]) -> tuple[clones.TestDatabase, ...]:
    """The databases that ``django_db_setup`` has made without Django's function: those that the aliases of *items* reach now."""
    topology = session.topology
    wanted = {alias for item in items for alias in pytest_internals.databases_of(item)[0]}
    pairs = session.mirrors_of(topology.names)
    by_place: dict[tuple[str, ...], list[str]] = {}
    for alias in sorted(closure(topology, wanted & set(topology.names)) - pairs.keys()):
        connection = connections[alias]
        if connection.vendor in _CLONED and not clones.is_forked(connection) and _answers(connection):
            place = tuple(str(connection.settings_dict[key]) for key in ("HOST", "PORT", "NAME"))
            by_place.setdefault(place, []).append(alias)
    return tuple(
        clones.TestDatabase(
            first,
            name,
            tuple(others),
            tuple(mirror for mirror, primary in pairs.items() if primary in (first, *others)),
        )
        for (_, _, name), (first, *others) in by_place.items()
    )


def _answers(connection: Any) -> bool:
    with pytest_internals.connections_allowed(), contextlib.suppress(Exception):
        connection.ensure_connection()
        return True
    return False


def _aliases_of(made: Sequence[clones.TestDatabase]) -> set[str]:
    return {alias for each in made for alias in (each.alias, *each.shared_by)}
