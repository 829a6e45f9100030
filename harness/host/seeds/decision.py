"""Decides which seed the servers of a run start from, and whether the run's databases are saved. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.host.seeds.memory import LastRun
from harness.host.seeds.seed import FILE_PART, Manifest, StoredSeed, servers_of
from harness.protocol.messages import SeedState
from harness.protocol.seed_events import SeedWanted

Parts = Mapping[str, StoredSeed]
"""The parts of a seed by their name; empty for none."""
_PARTS = {
    "versions": "the versions of Python, Django or packages",
    "databases": "the settings of databases",
    "models": "models of apps without migrations",
    "receivers": "receivers of signals",
    "code": "code, settings or files that the databases depend on",
    "order": "the order of migrations",
    "set-up": "the project's own set-up",
}
"""The parts of ``SeedWanted`` for people."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer to ``SeedWanted``: the ``parts`` that servers start from, with the state and the reason for people."""

    state: SeedState
    reason: str = ""
    parts: Parts = field(default_factory=dict)


def choose(
    wanted: SeedWanted, sources: Mapping[str, str], stored: Iterable[StoredSeed], last: LastRun | None = None
) -> Choice:
    """The best of the *stored* seeds for *wanted*. *sources* are those of the primary servers, by server.

    Where the *last* run began from an ancestor, its databases are not kept: one of the same key begins from nothing, so that its
    own can be.
    """
    if not wanted.key:
        return Choice("miss", wanted.reason or "nothing can be cached")
    sets: dict[tuple[str, str], dict[str, StoredSeed]] = {}
    for seed in stored:
        sets.setdefault(seed.manifest.seed, {})[seed.manifest.part] = seed
    if parts := sets.get((wanted.key, servers_of(sources))):
        refused = refusal(parts, sources)
        return Choice("miss", refused) if refused else Choice("hit", "", parts)
    near = [parts for parts in sets.values() if _manifest(parts).base == wanted.base and not refusal(parts, sources)]
    ancestors = [parts for parts in near if is_ancestor(_manifest(parts).migrations, wanted.migrations)]
    if ancestors and last is not None and wanted.key == last.near:
        return Choice(
            "miss", "the last run had these migrations on top of others; now they are made from nothing, to be kept"
        )
    if ancestors:
        parts = max(ancestors, key=lambda parts: (len(_manifest(parts).migrations), _manifest(parts).key))
        return Choice("near", new_migrations(_manifest(parts).migrations, wanted.migrations), parts)
    return Choice("miss", _why_none(wanted, sources, list(sets.values()), near, last))


def refusal(parts: Parts, sources: Mapping[str, str]) -> str:
    """Why servers of these *sources* cannot start from *parts*; empty if they can."""
    servers = {part for part in parts if not part.startswith(FILE_PART)}
    if {name for seed in parts.values() for name in seed.manifest.parts} != set(parts):
        return "a part of the cached databases is missing"
    if servers != set(sources):
        return "the cached databases are of other servers"
    changed = sorted(part for part in servers if parts[part].manifest.source != sources[part])
    return f"the programs of the server {changed[0]} have changed" if changed else ""


def is_ancestor(earlier: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the migrations *earlier*, with their content, come among the *wanted* ones in the same order."""
    rest = iter(wanted)
    return bool(earlier) and all(migration in rest for migration in earlier)


def new_migrations(earlier: Sequence[str], wanted: Sequence[str]) -> str:
    """The migrations that are on top of *earlier*, for people."""
    known = set(earlier)
    new = [migration.partition(":")[0] for migration in wanted if migration not in known]
    shown = ", ".join(new[:3]) + (f" and {len(new) - 3} more" if len(new) > 3 else "")
    return f"new: {shown}"


def changed_parts(earlier: Sequence[str], wanted: Sequence[str]) -> str:
    """The parts that are others than *earlier*, for people; empty for none."""
    names = [part.partition(":")[0] for part in wanted if part not in earlier] if earlier else []
    return " and ".join(_PARTS.get(name, name) for name in names)


def _why_none(
    wanted: SeedWanted,
    sources: Mapping[str, str],
    sets: Sequence[Parts],
    near: Sequence[Parts],
    last: LastRun | None,
) -> str:
    if not sets:
        return "no databases are cached yet"
    if others := [parts for parts in sets if _manifest(parts).key == wanted.key]:
        return refusal(others[0], sources)
    if not near:
        if last is not None and (parts := changed_parts(last.parts, wanted.parts)):
            return f"changed since the last run: {parts}"
        return "nothing that is cached has these settings, apps and packages"
    names = {migration.partition(":")[0]: migration for migration in wanted.migrations}
    latest = max(map(_manifest, near), key=lambda one: len(set(one.migrations) & set(wanted.migrations)))
    changed = [name for each in latest.migrations if names.get(name := each.partition(":")[0]) != each]
    return f"{changed[0]} has changed" if changed else "the migrations have another order"


def _manifest(parts: Parts) -> Manifest:
    return next(iter(parts.values())).manifest


@dataclass(frozen=True, slots=True)
class End:
    """The state of a run at its end, as far as it decides on saving.

    ``key`` is that of ``SeedUsed``, ``slots`` that of ``SeedWanted``, ``found`` the number of slots in the seed of a hit.
    ``are_templates_ready``: ``DatabasesReady`` came. ``has_lost_server``: a server went away, or cannot answer.
    """

    key: str
    state: SeedState
    slots: int
    found: int = 0
    are_templates_ready: bool = False
    has_lost_server: bool = False
    is_persistent: bool = False


def is_worth_saving(end: End) -> bool:
    """Whether the databases at the *end* of a run are known to be good, and are not in the cache with as many slots."""
    if not end.key or not end.are_templates_ready or end.has_lost_server or end.is_persistent:
        return False
    return end.state != "hit" or end.slots > end.found
