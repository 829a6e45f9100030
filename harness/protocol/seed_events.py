"""The events about the cached databases of a run, as those of ``events``: what is wanted, used, saved and refuted."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Event
from .messages import SeedState


@dataclass(frozen=True, slots=True)
class SeedWanted(Event):
    """The content of the test databases is known by its key; ``ServersReady`` answers. Comes before the runner needs a server.

    ``key`` is a digest of all that the runner can see of what the content depends on; the host adds the servers' images and
    versions. It is empty where nothing may be cached, for ``reason``. ``base`` is the digest without the migrations, and
    ``migrations`` has those, each as ``app.0001_x:digest``: a seed of the same base whose migrations are all among these is an
    ancestor. ``parts`` has a short digest of each part of the base, ``settings:0123``, to say what has changed. ``slots`` is the
    number of workers whose clones are worth keeping.
    """

    key: str
    base: str = ""
    migrations: tuple[str, ...] = ()
    slots: int = 0
    reason: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedUsed(Event):
    """The templates began from a cached seed (``hit``), from an ancestor (``near``) or from nothing (``miss``), for ``reason``.

    ``key`` is that under which the templates may be cached now; empty where they must not. So it is after ``near`` where rows
    that Django adds after each migrate, such as content types, may have other ids than in a database that is made from nothing.
    The next run of the same key should begin from nothing then.
    """

    state: SeedState
    reason: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class SeedFileSaved(Event):
    """The template of ``alias``, a database of SQLite, was saved to the file ``path`` where the tests run: absolute, compressed
    by zlib. The host keeps it with the seed ``key``, if its SHA-256 still is ``digest``. Comes where the templates may be kept,
    but not on a hit whose seed has as many slots as the run has workers.
    """

    key: str
    alias: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class SeedRefuted(Event):
    """``--verify-template`` found templates that differ from the cached ones of ``key``: that seed must go."""

    key: str
    difference: str
