"""Starts the servers of a run as early as can be, and those again for which a guess was wrong: the plan, or the seed.

A plan that is remembered from the last run starts at once; the runner's topology confirms it or replaces it; then the runner's
wanted seed confirms the servers' own or replaces it; then the runner hears of the servers. ``planning.start_state`` decides, and
``Servers`` keeps those that are the same. One start happens at a time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError, ServerError
from harness.host.interrupts import submit
from harness.host.planning.plan import ServerPlan
from harness.host.planning.start_state import State, Step, Target, primaries
from harness.host.run.record import Record
from harness.host.run.resources import Resources
from harness.host.saving import job as saving
from harness.host.saving.job import SavedFile, SavedServer
from harness.host.saving.seed_cache import SeedCache, seeds_of, templates_of
from harness.host.seeds.decision import is_worth_saving
from harness.protocol.events import DatabasesReady, Notice
from harness.protocol.messages import Endpoint, SeedFound

if TYPE_CHECKING:
    from harness.host.run.servers import Servers

_NOT_GIVEN = (
    "The databases are not cached: this engine's connections belong to one process, as over ssh, and another one saves them."
    " A DOCKER_HOST of tcp:// or unix:// has none of that."
)


class ServerStart:
    """The servers of one run. Every method may be called from any thread; *pool* has two threads at least.

    *on_ready* gets the endpoints, and the seed where the run has a *cache*; *on_loss* and *on_error* as a run handles them.
    """

    def __init__(
        self,
        resources: Resources,
        record: Record,
        pool: Executor,
        cache: SeedCache | None,
        on_ready: Callable[[tuple[Endpoint, ...], SeedFound | None], None],
        on_loss: Callable[[str, ServerError], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._resources = resources
        self._record = record
        self._pool = pool
        self._cache = cache
        self._on_ready = on_ready
        self._on_loss = on_loss
        self._on_error = on_error
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._state = State(has_cache=cache is not None)
        self._contents: dict[str, Future[str]] = {}
        self.servers: Servers | None = None
        self.are_up = threading.Event()

    def begin(self) -> None:
        """Start the servers of the last run, if it is remembered; in a thread of its own."""
        if self._cache is not None:
            submit(self._pool, self._begin, self._cache)

    def take_plan(self, plan: ServerPlan) -> None:
        """Start the servers of *plan*, unless these are started already."""
        self._change(lambda state: state.planned(plan))

    def take_wanted(self) -> None:
        """Start the servers on the seed that the runner wants, unless they are on it; in a thread of its own."""
        submit(self._pool, self._choose)

    def take_databases(self, databases: DatabasesReady) -> None:
        """Note what each primary has when its templates are ready, if that may be saved."""
        target = self._state.target
        if self._cache is None or not self._cache.may_save or self.servers is None or target is None:
            return
        templates = templates_of(databases, target.plan.routes)
        for id, server in self.servers.primaries().items():
            names = templates.get(id, ())
            self._contents[id] = submit(self._pool, server.state_of_contents, "", names)

    def end(self) -> None:
        """Start nothing any more."""
        with self._lock:
            self._state = replace(self._state, is_over=True)

    def close(self) -> None:
        """End and remove the servers. Raises ``ServerError`` when one could not be removed."""
        self.end()
        if self.servers is not None:
            self.servers.give_up()
        with self._turn:
            if self.servers is not None:
                self.servers.close()

    def save(self, databases: DatabasesReady, files: tuple[SavedFile, ...] | None, *, has_lost_server: bool) -> bool:
        """Leave the primaries to a saver, if their templates are worth it; whether that is so. Else ``close`` is to be called."""
        cache, servers, target = self._cache, self.servers, self._state.target
        if cache is None or target is None or files is None:
            return False
        cache.remember()
        if not is_worth_saving(cache.end(databases, has_lost_server=has_lost_server)):
            return False
        job = cache.job(self._saved(target, databases), files)
        if not job.parts or len(job.servers) < len(primaries(target.plan)):
            return False
        if not job.servers:
            saving.spawn(job)
            return True
        assert servers is not None
        given = servers.hand_over()
        if not given:
            self._record.add(Notice("not-cached", _NOT_GIVEN))
            return False
        run, watchdog = self._resources.give_away()
        leases = tuple(descriptor for one in given.values() for descriptor in one.lease)
        is_local = self._resources.config.server_kind == "local"
        saving.spawn(replace(job, run=run, watchdog=watchdog, leases=leases, are_local=is_local))
        return True

    def _saved(self, target: Target, databases: DatabasesReady) -> tuple[SavedServer, ...]:
        """The primaries whose state was noted."""
        if self.servers is None:
            return ()
        sources = self._sources(target.plan)
        templates = templates_of(databases, target.plan.routes)
        saved = []
        for server in primaries(target.plan):
            noted = self._contents.get(server.id)
            if noted is None or noted.exception() is not None:
                continue
            image = self._resources.source(server.engine.name, server.version)
            id = self.servers.primaries()[server.id].id
            names = templates.get(server.id, ())
            saved.append(SavedServer(server.id, sources[server.id], id, image, names, noted.result()))
        return tuple(saved)

    def _begin(self, cache: SeedCache) -> None:
        # the run itself reports what is wrong, as soon as its runner has said the topology
        with contextlib.suppress(HarnessError, OSError):
            found = cache.remembered()
            if found is None:
                return
            plan = self._resources.plan(found.topology, self._resources.config.db)
            parts = cache.remembered_parts(self._sources(plan)) if plan.servers else {}
            self._change(lambda state: state.remembered(plan, parts))

    def _choose(self) -> None:
        cache, target = self._cache, self._state.target
        if cache is None or target is None:
            return
        try:
            choice = cache.choose(self._sources(target.plan))
        except BaseException as error:  # noqa: BLE001 - a thread's exception would be lost
            self._fail(error)
            return
        self._change(lambda state: state.answered(choice.parts))

    def _change(self, change: Callable[[State], State]) -> None:
        """Take what is new, and go on in a thread; a start of servers that are not the wanted ones any more is interrupted."""
        with self._lock:
            before, self._state = self._state, change(self._state)
            after, servers = self._state.target, self.servers
        if servers is not None and after is not None and not after.fits(before.target):
            servers.interrupt()
        submit(self._pool, self._go_on)

    def _go_on(self) -> None:
        """Start the wanted servers unless they are up, and report them when the runner's answer is known."""
        with self._turn:
            try:
                while self._state.step is Step.START:
                    target = self._state.target
                    if target is None or not self._restart(target):
                        return
                if self._state.step is Step.REPORT:
                    self._report()
            except BaseException as error:  # noqa: BLE001 - a thread's exception would be lost
                self._fail(error)

    def _restart(self, target: Target) -> bool:
        """Start the servers of *target*, in place of others; false if others are wanted now, for which another call comes."""
        self.are_up.clear()
        images = self._resources.prepare_servers(target.plan)
        with self._record.phase("servers"):
            seeds = seeds_of(target.parts)
            name = self._cache.name if self._cache is not None else ""
            servers = self._resources.servers(
                target.plan, images, self._record, self._on_loss, seeds, name, self.servers
            )
            with self._lock:
                self.servers = servers
                self._state = self._state.with_started(None)
                if self._state.is_over or not target.fits(self._state.target):
                    return False
            try:
                servers.start()
            except ServerError as error:
                if self._state.is_over or servers.is_interrupted:
                    return False
                if not seeds or self._cache is None:
                    raise
                self._start_without(target, self._cache, error)
                return False
        with self._lock:
            self._state = self._state.with_started(target)
        self.are_up.set()
        return True

    def _start_without(self, target: Target, cache: SeedCache, error: ServerError) -> None:
        """Go on without a seed from which servers do not start, and remove it."""
        self._record.add(Notice("seed-refused", f"The cached databases are made anew: {error.message}"))
        cache.forget(target.parts)
        if self._state.is_answered:
            cache.refute("servers did not start from the cached databases")
        self._change(lambda state: state.refused(target))

    def _report(self) -> None:
        servers = self.servers
        assert servers is not None
        with self._lock:
            self._state = replace(self._state, is_reported=True)
        seed = None
        if self._cache is not None:
            seed = self._cache.found()
            for event in servers.ready():  # before, they may have been started on another seed
                self._record.add(event)
        self._on_ready(servers.endpoints(), seed)

    def _fail(self, error: BaseException) -> None:
        if (
            self._state.is_confirmed and not self._state.is_over
        ):  # a guess that fails is tried again when it is confirmed
            self._on_error(error)

    def _sources(self, plan: ServerPlan) -> dict[str, str]:
        """The programs of each primary, and what else its data depends on."""
        self._resources.prepare_servers(plan)
        replication = {name: server.replication for name, server in self._resources.config.servers.items()}
        return {
            server.id: " ".join(
                (
                    self._resources.source(server.engine.name, server.version),
                    replication.get(server.engine.name, "gtid"),
                )
            )
            for server in primaries(plan)
        }
