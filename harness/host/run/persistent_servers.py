"""Servers that outlive a run (``--keepdb``): their id, their password, and the lock for one run at a time.

They belong to a project with its settings, backends and Django. Templates stay on them, as with Django's ``--keepdb``; every run
makes its clones anew from the template, after its migrations, so that they never go stale. A run without ``--keepdb``
ends them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Callable, Iterator

from harness.errors import ServerError, UsageError
from harness.host.config.options import Config
from harness.host.engines.engine import PASSWORD_VARIABLE
from harness.host.locks import lock_file
from harness.host.platform import Platform


def run_id(config: Config) -> str:
    """The run id under which the persistent servers of *config*'s project are found."""
    parts = (
        str(config.project),
        config.settings or "",
        config.runner if config.server_kind != "local" else "local",
        config.network,
        *map(str, config.db),
        *config.django,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


@contextlib.contextmanager
def held(run: str) -> Iterator[None]:
    """Hold the lock of the persistent servers of *run*. Raises ``UsageError`` while another run holds it."""
    with lock_file(f"kept-{run}") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                "Another run of this project uses its kept servers.",
                hint="Wait until it has ended, or leave out --keepdb: then this run has servers of its own.",
            ) from error
        yield


def password(platform: Platform, run: str) -> str | None:
    """The password of the persistent servers; ``None`` if there are none."""
    servers = platform.persistent(run).values()
    return next((server.environment.get(PASSWORD_VARIABLE) for server in servers), None)


def end(run: str, remove: Callable[[str], None]) -> None:
    """End the persistent servers of an earlier run by *remove*, unless another run uses them."""
    with contextlib.suppress(UsageError, ServerError), held(run):
        remove(run)
