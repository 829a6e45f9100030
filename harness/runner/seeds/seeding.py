"""Takes the templates of a run from the seed that its servers started from, where their content is known to be the same.

Owns the order: the key is sent before any server is awaited, and is compared once more just before the templates are made. A
doubt means that they are made from nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections

from ...protocol.events import Event, Notice
from ...protocol.messages import Route, RunSpec, SeedFound, SeedState
from ...protocol.seed_events import SeedRefuted, SeedUsed, SeedWanted
from ...protocol.topology import DUMMY_BACKEND
from .. import private_apis
from ..databases import clones
from ..failures import message_of, type_name
from . import ancestors, key, sqlite_files, verify
from .cached import in_place_of_migrations, is_there
from .facts.collect import Collector, OwnSetUp, receivers_of_migrations


@dataclass(frozen=True, slots=True)
class Decision:
    """The beginning of the templates, and the reason; ``is_kept``: they may be cached under the key that was sent."""

    state: SeedState
    reason: str = ""
    is_kept: bool = False


class Seeding:
    """The seed of a run: wanted, found and used. Without ``spec.cache`` it does nothing, and sends nothing.

    *write* sends an event; *slots* is the number of workers; *root* is the project's folder, whose settings *began* to load at
    that time, in seconds since the epoch.
    """

    def __init__(
        self,
        spec: RunSpec,
        routes: Sequence[Route],
        slots: int,
        root: str,
        write: Callable[[Event], None],
        began: float,
    ) -> None:
        self._spec = spec
        self._began = began
        self._routes = routes
        self._slots = slots
        self._root = root
        self._write = write
        self._collector: Collector | None = None
        self._own = OwnSetUp()
        self._wanted: SeedWanted | None = None
        self._found: SeedFound | None = None
        self._used: SeedUsed | None = None
        self._contents: dict[str, bytes] = {}
        self._distrust = ""
        self._has_clones = True
        self._is_saved = False
        self.is_building_anew = False
        """Whether the templates are being made beside the cached ones, to be compared."""

    @property
    def is_open(self) -> bool:
        """Whether the key is still to be sent."""
        return self._spec.cache and self._wanted is None

    @property
    def allows_own_set_up(self) -> bool:
        """Whether the user has the templates cached that the project's own set-up makes."""
        return self._spec.cache_setup

    @property
    def counted_files(self) -> tuple[str, ...]:
        """The files of the project's own set-up that count in the key."""
        return self._own.files

    def want(self, own: OwnSetUp) -> None:
        """Compute the key, with what *own* adds to it, and send it, once."""
        if not self.is_open:
            return
        if "--keepdb" in self._spec.django_args or not apps.ready:
            kept = "--keepdb keeps databases of its own"
            self.want_nothing(kept if apps.ready else "Django is not set up before the tests are chosen")
            return
        self._own = own
        try:
            self._collector = Collector(self._routes, self._root, own, self._began)
            self._wanted = key.wanted(self._collector.facts(), self._slots)
        except Exception as error:  # noqa: BLE001 - the project's code is called for values and names, and may raise anything
            self.want_nothing(f"the key cannot be computed: {type_name(type(error))}: {message_of(error)}")
        else:
            self._write(self._wanted)

    def want_nothing(self, reason: str) -> None:
        """Say that nothing may be cached, for *reason*, unless the key was sent already."""
        if self.is_open:
            self._wanted = SeedWanted("", slots=self._slots, reason=reason)
            self._write(self._wanted)

    def take(self, found: SeedFound | None) -> None:
        """Take the host's answer."""
        self._found = found

    def distrust(self, reason: str) -> None:
        """Cache nothing after all, for *reason*."""
        self._distrust = reason

    def decide(self, aliases: Iterable[str] | None) -> Decision:
        """The beginning that the templates of *aliases* (of all, without) can have. The servers are there."""
        wanted, found = self._wanted, self._found
        if wanted is None or found is None:
            return Decision("miss")
        if not wanted.key or self._distrust:
            return Decision("miss", self._distrust or wanted.reason)
        if changed := self._changed(wanted):
            return Decision("miss", changed)
        if found.state == "miss":
            return Decision("miss", found.reason, is_kept=True)
        try:
            self._contents = sqlite_files.unpacked(found.files, _name_of)
        except (ValueError, zlib.error) as error:
            return Decision("miss", f"a cached file is torn: {error}", is_kept=True)
        if missing := [each for each in self._made_of(aliases) if not is_there(connections[each], self._contents)]:
            return Decision("miss", f"the seed has no database of {', '.join(missing)}", is_kept=True)
        if found.state == "near":
            if self._own.modules or self._own.files:
                return Decision(
                    "miss", "new migrations, and the cached databases have the project's set-up", is_kept=True
                )
            new = len(set(wanted.migrations) - set(found.migrations))
            return Decision("near", found.reason or f"{new} new migrations on top of a cached seed")
        return Decision("hit", found.reason, is_kept=True)

    def _changed(self, wanted: SeedWanted) -> str:
        """Why nothing may be cached: the parts that are others than when the key was sent. Empty for none."""
        assert self._collector is not None
        try:
            now = key.wanted(self._collector.facts(), self._slots)
        except Exception as error:  # noqa: BLE001 - as for the first time
            return f"the key cannot be computed again: {type_name(type(error))}: {message_of(error)}"
        names = sorted({part.partition(":")[0] for part in {*now.parts} ^ {*wanted.parts}})
        if now.key == wanted.key or (names == ["databases"] and self._own.renames):
            return ""
        migrations = sorted({each.partition(":")[0] for each in {*now.migrations} ^ {*wanted.migrations}})
        changed = names or [f"migration {name}" for name in migrations[:3]] or ["the order of migrations"]
        return f"{', '.join(changed)} changed between the loading of the project and its test databases"

    def _made_of(self, aliases: Iterable[str] | None) -> list[str]:
        """The aliases whose databases Django makes for *aliases*."""
        mirrors = {route.alias for route in self._routes if route.mirror_of is not None}
        wanted = connections if aliases is None else aliases
        made = [each for each in wanted if each not in mirrors]
        return [each for each in made if connections[each].settings_dict["ENGINE"] != DUMMY_BACKEND]

    def make(self, build: Callable[[], Any], aliases: Iterable[str] | None, *, is_compared: bool = True) -> Any:
        """The result of *build*, Django's ``setup_databases`` for *aliases*: it makes no database that the seed has.

        Raises ``ProjectError`` where ``--verify-template`` finds a difference; without *is_compared* it does not look.
        """
        if self.is_building_anew:
            return build()
        aliases = None if aliases is None else list(aliases)
        decision = self.decide(aliases)
        if decision.state == "hit" and self._spec.verify_template and is_compared:
            self.compare(build, aliases)
        with in_place_of_migrations(decision.state, self._contents):
            made = build()
        if self._found is not None and self._used is None:
            is_kept = decision.is_kept or (decision.state == "near" and self._equals_fresh(aliases))
            key_now = self._wanted.key if self._wanted and is_kept else ""
            self._used = SeedUsed(decision.state, decision.reason, key_now)
            self._write(self._used)
        return made

    def _equals_fresh(self, aliases: Iterable[str] | None) -> bool:
        """Whether the templates on top of an ancestor may be cached: each is migrated, and as a fresh one would be."""
        if self._found is None or set(self._made_of(None)) - set(self._made_of(aliases)):
            return False
        known = [migration.partition(":")[0] for migration in self._found.migrations]
        try:
            return not ancestors.doubt(known, receivers_of_migrations())
        except Exception:  # noqa: BLE001 - the project's modules are asked, and may raise anything: a doubt
            return False

    def compare(self, build: Callable[[], Any], aliases: Iterable[str] | None) -> None:
        """Make the templates anew by *build*, under other names, and compare the cached ones with them.

        Raises ``ProjectError`` if they differ.
        """
        made = self._made_of(aliases)
        self.is_building_anew = True
        try:
            fresh = verify.fresh_contents(build, made)
            with in_place_of_migrations("hit", self._contents):
                cached = verify.cached_contents(made)
        finally:
            self.is_building_anew = False
        if error := verify.difference(cached, fresh):
            assert self._wanted is not None
            self._write(SeedRefuted(self._wanted.key, error.evidence))
            raise error

    def take_clones(self) -> set[int]:
        """The slots whose clones are there, unused. Once: the next workers of these slots make theirs."""
        is_hit = self._used is not None and self._used.state == "hit" and self._has_clones
        self._has_clones = False
        return set(range(1, self._found.slots + 1)) if self._found is not None and is_hit else set()

    def save_files(self, made: Iterable[clones.TestDatabase]) -> None:
        """Save the templates of SQLite for the host, once, where the host may keep the templates: after a miss, after new
        migrations, and after a hit whose seed has clones of fewer slots.
        """
        used, found = self._used, self._found
        if used is None or found is None or not used.key or self._is_saved:
            return
        if used.state != "hit" or found.slots < self._slots:
            self._is_saved = True
            try:
                saved = sqlite_files.save(made, used.key, self._spec.scratch)
            except Exception as error:  # noqa: BLE001 - a driver's, or a full disk: the run goes on, and its databases are not cached
                text = f"The databases of SQLite are not cached: {type_name(type(error))}: {message_of(error)}"
                self._write(Notice("not-cached", text))
            else:
                for event in saved:
                    self._write(event)


def _name_of(alias: str) -> str:
    return private_apis.test_database_name(connections[alias])
