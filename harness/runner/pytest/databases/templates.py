"""Makes the templates by the project's own ``django_db_setup``, once, before the workers are forked.

The workers inherit the fixture as set up, with all that it has loaded, and each has clones of the templates. A worker sets up
other definitions of the fixture itself, on its clones or on databases of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import django.test.runner
import django.test.utils
import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ....errors import HarnessError, ProjectError
from ....protocol import naming
from ....protocol.topology import DUMMY_BACKEND, closure
from ... import private_apis
from ...databases import clones, migration_errors, spawned
from ...failures import import_advice, message_of, project_traceback, type_name
from ...project import portability
from ...project.session import Session
from ...replication.catch_up import await_replicas
from ...workers.worker import Worker
from .. import pytest_internals
from . import own_fixtures, set_ups

FIXTURE = "django_db_setup"


class Databases:
    """The test databases of a run. ``made`` are those that workers clone."""

    def __init__(self) -> None:
        self.made: tuple[clones.TestDatabase, ...] = ()
        self._old_config: list[tuple[Any, str, bool]] = []
        self._session: Session | None = None
        self._shared: Any = None
        self._users: list[Any] = []
        self._is_template_kept = self._has_own = False
        self._worker: Worker | None = None
        self._set_up: Callable[..., Any] = django.test.utils.setup_databases
        self._tear_down: Callable[..., Any] = django.test.utils.teardown_databases

    def install(self) -> None:
        """Put stand-ins in place of Django's two functions, before any module of the project imports them."""
        private_apis.replace_database_functions(self._setup_databases, self._teardown_databases)

    def choose(self, items: Iterable[Any]) -> Callable[[Any], str]:
        """Choose the definition of the fixture that is set up before the fork, for the tests of *items*.

        Returns the function that names what a test's own definition adds to the databases; empty for nothing.
        """
        self._users = [item for item in items if _uses_databases(item)]
        chains = {id(item): pytest_internals.fixture_chain(item, FIXTURE) for item in self._users}
        self._shared = set_ups.shared([chains[id(item)] for item in self._users], _calls_overridden)

        def own_data(item: Any) -> str:
            chain = chains.get(id(item))
            return "" if not chain or chain[-1] is self._shared else f"{FIXTURE} of {place_of(chain[-1])}"

        return own_data

    def make_templates(self, session: Session, pytest_session: pytest.Session) -> None:
        """Set up ``django_db_setup`` if a test uses databases. Raises ``ProjectError`` if it fails."""
        self._session = session
        session.gate.open()  # a test may ask for databases while it runs
        if self._shared is None:
            return
        session.journal.start_phase("template")
        self._leave_out_own(session)
        with _explained(session, self._shared):
            is_skipped = not _set_up_fixture(pytest_session, self._users, self._shared)
        if not self._old_config and not is_skipped:
            self._adopt(session)
        with pytest_internals.connections_allowed():
            await_replicas(session.mirrors_of(_aliases_of(self.made)), session.replicas)
            session.seeding.save_files(self.made)
        clones.close_connections()
        session.journal.finish_phase("template")

    def _leave_out_own(self, session: Session) -> None:
        """Make the project's own ``django_db_setup`` do nothing if the cached templates are those after it."""
        chains = (pytest_internals.fixture_chain(user, FIXTURE) for user in self._users)
        chain = next(chain for chain in chains if self._shared in chain)
        outermost, *own = set_ups.executed(chain[: chain.index(self._shared) + 1], _calls_overridden)
        if not _is_pytest_djangos(outermost):
            session.seeding.distrust(
                f"{FIXTURE} of {place_of(outermost)} makes the databases in place of pytest-django"
            )
        self._has_own = bool(own)
        if not own:
            return
        if reason := own_fixtures.why_not_cached(session.seeding, FIXTURE, [each.func.__code__ for each in own]):
            session.seeding.distrust(reason)
            return
        wanted = {alias for item in self._users for alias in pytest_internals.databases_of(item)[0]}
        with pytest_internals.connections_allowed():
            is_hit = session.seeding.decide(_with_primaries(session, wanted)).state == "hit"
        if is_hit:
            place = place_of(own[-1])
            for definition in own:
                definition.func = _do_nothing
            if session.spec.verify_template:
                text = f"--verify-template leaves out what {FIXTURE} of {place} makes: it cannot run twice."
                session.journal.notice("not-compared", text)

    def enter_worker(self, worker: Worker) -> None:
        """From now on, databases are made for *worker* alone."""
        self._worker = worker

    def remove_files(self, workers: int) -> None:
        """Remove SQLite's files, which would stay in the project, but no template that the project keeps."""
        with pytest_internals.connections_allowed():
            clones.remove_files(self.made, workers, is_template_kept=self._is_template_kept)

    def _adopt(self, session: Session) -> None:
        """Take the databases that the fixture has made, or found, without Django's function as templates."""
        wanted = {alias for item in self._users for alias in pytest_internals.databases_of(item)[0]}
        self.made = _made_otherwise(session, wanted)
        self._is_template_kept = True
        if self.made:
            spawned.publish(session.topology.aliases)
            names = ", ".join(f"{each.alias} ({each.template})" for each in self.made)
            session.journal.notice("own-databases", f"{FIXTURE} of the project makes its databases itself: {names}.")

    def _setup_databases(self, verbosity: Any, interactive: Any, *, aliases: Any = None, **options: Any) -> Any:
        session = self._session
        if session is None:  # the project sets up databases while it is loaded
            return self._set_up(verbosity, interactive, aliases=aliases, **options)
        aliases = _with_primaries(session, aliases)
        options["parallel"] = 0
        if self._worker is not None:
            return self._set_up_in_worker(session, self._worker, aliases, options)
        portability.check_models(session.topology, connections if aliases is None else aliases)
        self._is_template_kept = self._is_template_kept or bool(options.get("keepdb"))
        with migration_errors.reported(session.statement_log, session.journal.write):
            config = session.seeding.make(
                lambda: self._set_up(0, False, aliases=aliases, **options), aliases, is_compared=not self._has_own
            )
        self._old_config += config
        made_aliases = {connection.alias for connection, _, _ in self._old_config}
        self.made = clones.made_of(self._old_config, session.mirrors_of(made_aliases))
        spawned.publish(session.topology.aliases)
        return config

    def _set_up_in_worker(self, session: Session, worker: Worker, aliases: Any, options: dict[str, Any]) -> Any:
        """Make databases that *worker* alone uses: another ``django_db_setup`` than that of the templates asks for them."""
        known = _aliases_of(self.made)
        for alias in connections if aliases is None else aliases:
            connection = connections[alias]
            if clones.is_forked(connection):
                BaseDatabaseWrapper.close(connection)  # the fork's copy of the template ends with its connection
            elif alias not in known:
                name = private_apis.test_database_name(connection)
                connection.settings_dict["TEST"]["NAME"] = naming.clone(name, worker.slot)
        config = self._set_up(0, False, aliases=aliases, **options)
        pairs = session.mirrors_of({connection.alias for connection, _, _ in config})
        await_replicas(pairs, session.replicas)
        worker.mirrors.renew(pairs, session.replicas)
        spawned.publish(session.topology.aliases)
        return config

    def _teardown_databases(self, old_config: Any, *args: Any, **options: Any) -> None:
        """Drop no template on a server: servers end, or stay with their databases."""
        if self._worker is not None:
            self._tear_down(old_config, *args, **options)
        clones.restore_names(old_config or ())


def place_of(definition: Any) -> str:
    """The file of a fixture's *definition*, relative to the working directory where it is below."""
    path = Path(definition.func.__code__.co_filename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name)


def _do_nothing(**_arguments: Any) -> None:
    """In place of a fixture whose work is in the cached templates."""


def _is_pytest_djangos(definition: Any) -> bool:
    return str(definition.func.__module__).partition(".")[0] == "pytest_django"


def _with_primaries(session: Session, aliases: Any) -> Any:
    """*aliases* with the primaries of mirrors, which Django leaves out; ``None`` for all.

    pytest-django asks for no alias where no test names one before it runs, as by ``getfixturevalue("db")``. That fixture is for
    the default alias.
    """
    if aliases is None:
        return None
    if not aliases and connections[DEFAULT_DB_ALIAS].settings_dict["ENGINE"] != DUMMY_BACKEND:
        aliases = {DEFAULT_DB_ALIAS}
    return {*aliases, *closure(session.topology, set(aliases) & set(session.topology.names))}


def _uses_databases(item: Any) -> bool:
    aliases, _ = pytest_internals.databases_of(item)
    return bool(aliases) or FIXTURE in getattr(item, "fixturenames", ())


def _calls_overridden(definition: Any) -> bool:
    return FIXTURE in definition.argnames


def _set_up_fixture(session: pytest.Session, users: Sequence[Any], definition: Any) -> bool:
    """Set up *definition* as the tests *users* see it; all else that this sets up is torn down again.

    Returns whether it was set up. A skip is left to the tests, each of which gets it from the fixture.
    """
    chains = [(pytest_internals.fixture_chain(user, FIXTURE), user) for user in users]
    _, user = min((each for each in chains if definition in each[0]), key=lambda each: len(each[0]))

    def template() -> None: ...

    module = user.getparent(pytest.Module) or user.parent
    item: Any = pytest.Function.from_parent(module, name="the templates of the databases", callobj=template)
    pytest_internals.see_fixture_as(item, FIXTURE, definition)
    try:
        pytest_internals.set_up(session, item)
    except pytest.skip.Exception:
        return False
    finally:
        pytest_internals.tear_down(session, _Nothing.from_parent(session, name="no test"))
    return True


class _Nothing(pytest.Item):
    def runtest(self) -> None:
        raise NotImplementedError


@contextlib.contextmanager
def _explained(session: Session, definition: Any) -> Iterator[None]:
    try:
        yield
    except HarnessError:
        raise
    except BaseException as error:
        session.messages.check()
        error.with_traceback(pytest_internals.after_fixtures(error.__traceback__))
        raise ProjectError(
            f"{FIXTURE} of {place_of(definition)}, which makes the test databases, failed:"
            f" {type_name(type(error))}: {message_of(error)}",
            hint=import_advice(error) or "Does pytest -p no:xdist come further, on an empty server?",
            evidence=project_traceback(error),
        ) from error


def _made_otherwise(session: Session, wanted: Collection[str]) -> tuple[clones.TestDatabase, ...]:
    """The databases that the aliases *wanted* reach now."""
    topology = session.topology
    pairs = session.mirrors_of(topology.names)
    by_place: dict[tuple[str, ...], list[str]] = {}
    for alias in sorted(closure(topology, set(wanted) & set(topology.names)) - pairs.keys()):
        connection = connections[alias]
        if connection.vendor in clones.VENDORS and not clones.is_forked(connection) and _answers(connection):
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
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).is_file():
        return False  # to connect would create it
    with pytest_internals.connections_allowed(), contextlib.suppress(Exception):
        connection.ensure_connection()
        return True
    return False


def _aliases_of(made: Sequence[clones.TestDatabase]) -> set[str]:
    return {alias for each in made for alias in (each.alias, *each.shared_by)}
