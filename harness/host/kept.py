"""Servers that are kept between runs (``--keepdb``): whose they are, and that one run at a time uses them.

They belong to a project with its settings and backends. Templates stay on them, as Django's ``--keepdb`` has it; clones are
made anew from the template by every run, after its migrations, so that they never go stale. A run without ``--keepdb`` ends
them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator

from harness.errors import ServerError, UsageError
from harness.host.config import Config
from harness.host.docker import containers
from harness.host.docker.engine import Client
from harness.host.engines.engine import PASSWORD_VARIABLE
from harness.host.locks import lock_file


def run_id(config: Config) -> str:
    """The id of the run that the kept servers of *config*'s project belong to."""
    parts = (str(config.project), config.settings or "", config.runner, config.network, *map(str, config.db))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


@contextlib.contextmanager
def held(run: str) -> Iterator[None]:
    """Use the kept servers alone. Raises ``UsageError`` while another run does."""
    with lock_file(f"kept-{run}") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                "Another run of this project uses its kept servers.",
                hint="Wait until it has ended, or leave out --keepdb: then this run has servers of its own.",
            ) from error
        yield


def password(client: Client, run: str) -> str | None:
    """The password of the servers that are kept; ``None`` if there are none."""
    return next(
        (kept.environment.get(PASSWORD_VARIABLE) for kept in containers.kept_servers(client, run).values()), None
    )


def end(client: Client, run: str) -> None:
    """End the servers that an earlier run has kept, unless another run uses them."""
    with contextlib.suppress(UsageError, ServerError), held(run):
        containers.remove_run(client, run)
