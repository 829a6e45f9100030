"""Servers that outlive a command (``harness up``, ``--keepdb``): their ids, their lock, and which of them a run uses.

Those of ``--keepdb`` belong to a project with its settings, backends and Django. Templates stay on them, as with Django's
``--keepdb``; every run makes its clones anew from the template, after its migrations, so that they never go stale. A run without
``--keepdb`` ends them. Those of ``harness up`` belong to a project; a run that fits uses them likewise, and none ends them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.errors import ServerError, UsageError
from harness.host.config.databases import exact
from harness.host.config.options import Config
from harness.host.engines.engine import PASSWORD_VARIABLE
from harness.host.locks import lock_file
from harness.host.platform import PersistentServer
from harness.host.retention.kept_servers import KeptRecords, KeptServers, state_folder

KINDS = {"docker": "containers", "local": "processes of this machine"}
"""The kinds of servers, in words."""


class Keeper(Protocol):
    """Finds servers that outlive a command, and removes them."""

    def persistent(self, run: str) -> Mapping[str, PersistentServer]:
        """The servers of *run* that run, by host name. Raises ``ServerError``."""

    def remove(self, run: str) -> None:
        """Remove all that belongs to *run*. Raises ``ServerError``."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one command to use servers that outlive it. ``run`` is their id.

    ``is_up``: they are those of ``harness up``. ``is_replaceable``: where they do not fit the plan, others take their place.
    ``opens_ports``: this machine reaches them, wherever the runner is.
    """

    run: str
    is_up: bool = False
    is_replaceable: bool = True
    opens_ports: bool = False


def run_id(config: Config) -> str:
    """The run id under which the servers of ``--keepdb`` are found for *config*'s project."""
    return _digest(
        str(config.project),
        config.settings or "",
        config.runner if config.server_kind != "local" else "local",
        config.network,
        *map(str, config.db),
        *config.django,
    )


def up_run_id(config: Config) -> str:
    """The run id of the servers that ``harness up`` keeps for *config*'s project, one set for each user."""
    return _digest("up", str(os.getuid()), str(config.project))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def kept_records() -> KeptRecords:
    """The records of this user."""
    return KeptRecords(state_folder(os.environ))


def choices(config: Config) -> dict[str, str]:
    """The choices in *config* that decide what is in the databases, by their flags; empty for the project's own."""
    return {
        "--settings": config.settings or "",
        # the default version of local servers is that of the machine
        "--db": " ".join(str(spec if config.server_kind == "local" else exact(spec)) for spec in config.db),
        "--django": " ".join(config.django),
    }


def obstacle(config: Config, kept: KeptServers, up: Collection[str]) -> str:
    """The reason why a run with *config* cannot use the servers of ``harness up``, of which those in *up* run; empty for none."""
    if kept.kind != config.server_kind:
        return f"they are {KINDS[kept.kind]}, this run is for --servers {config.server_kind}"
    if gone := [server.id for server in kept.servers if server.id not in up]:
        return f"{', '.join(gone)} ended. harness up starts new ones"
    if config.replica_lag.needs_proxy:
        return f"their replicas have no lag, and this run is for --replica-lag {config.replica_lag}"
    if config.network == "isolated":
        return "the network of this run is isolated"
    for flag, ours in choices(config).items():
        theirs = kept.choices.get(flag, "")
        if theirs != ours:
            made = f"with {flag} {theirs}" if theirs else f"without {flag}"
            return f"they were made {made}, this run has {f'{flag} {ours}' if ours else 'none'}"
    return ""


def take(config: Config, keeper: Keeper, held_by: contextlib.ExitStack) -> tuple[Lease | None, str]:
    """The lease of the servers that a run with *config* uses, locked until *held_by* closes, and a text for the user.

    ``None`` where it has servers of its own. Raises ``UsageError`` where another run uses those of ``--keepdb``.
    """
    lease, text = _take_up(config, keeper, held_by)
    if lease is None and config.keepdb:
        lease = Lease(run_id(config))
        held_by.enter_context(held(lease.run))
        _record(config, lease.run)
    return lease, text


def _take_up(config: Config, keeper: Keeper, held_by: contextlib.ExitStack) -> tuple[Lease | None, str]:
    run = up_run_id(config)
    kept = kept_records().read(run)
    if kept is None:
        return None, ""
    reason = obstacle(config, kept, keeper.persistent(run) if kept.kind == config.server_kind else ())
    if not reason:
        try:
            held_by.enter_context(held(run))
        except UsageError:
            reason = "another run uses them"
    if reason:
        return None, f"The servers of harness up are not used: {reason}. This run has servers of its own."
    return Lease(run, is_up=True, is_replaceable=False), "This run uses the servers of harness up."


def _record(config: Config, run: str) -> None:
    """Record the servers of ``--keepdb``, so that ``harness doctor`` and ``harness down`` find them. A folder that cannot be
    written is no reason to end the run.
    """
    records = kept_records()
    if records.read(run) is None:
        with contextlib.suppress(OSError):
            records.write(KeptServers(run, config.server_kind, str(config.project), is_up=False, made_at=time.time()))


@contextlib.contextmanager
def held(run: str) -> Iterator[None]:
    """Hold the lock of the persistent servers of *run*. Raises ``UsageError`` while another run holds it."""
    with lock_file(f"kept-{run}") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                "Another run of this project uses its kept servers.",
                hint="Wait until it has ended; a harness ci without --keepdb has servers of its own meanwhile.",
            ) from error
        yield


def password(servers: Mapping[str, PersistentServer]) -> str | None:
    """The password of the persistent *servers*; ``None`` if there are none."""
    return next((server.environment.get(PASSWORD_VARIABLE) for server in servers.values()), None)


def remove(keeper: Keeper, run: str) -> list[str]:
    """Remove the servers of *run* and its record; the names of those that ran. Raises ``UsageError`` while a run uses them."""
    with held(run):
        names = sorted(keeper.persistent(run))
        keeper.remove(run)
        kept_records().forget(run)
    return names


def end(run: str, remove: Callable[[str], None]) -> None:
    """End the persistent servers of an earlier run by *remove*, unless another run uses them."""
    with contextlib.suppress(UsageError, ServerError), held(run):
        remove(run)
        kept_records().forget(run)
