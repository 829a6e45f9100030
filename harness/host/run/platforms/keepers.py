"""Access to the servers that outlive a command, of either kind, without the resources of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.host.images import recipe
from harness.host.local.platform import LocalPlatform
from harness.host.run.persistent_servers import Keeper


@contextlib.contextmanager
def keeper(kind: str) -> Iterator[Keeper]:
    """The servers of *kind*, ``docker`` or ``local``. Raises ``ServerError`` where no engine answers."""
    if kind == "local":
        yield LocalPlatform(lambda name: recipe.load(name).files)
        return
    # nothing of Docker is imported where no engine is needed
    from harness.host.docker.client import connect
    from harness.host.run.platforms.engine import EngineKeeper

    with contextlib.closing(connect()) as client:
        yield EngineKeeper(client)
