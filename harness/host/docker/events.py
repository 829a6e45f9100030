"""Watches the engine's events for a run's containers: that one has ended, or was paused."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import docker

from harness.host.docker.containers import RUN_LABEL
from harness.host.docker.errors import FAILURES

EVENTS = ("die", "oom", "pause")


class Watch:
    """Calls *on_event* with a container's id and one of ``EVENTS``, from a thread of its own, until it is closed.

    If the engine itself goes away, no event comes: the next call to a container shows that.
    """

    def __init__(self, client: docker.DockerClient, run: str, on_event: Callable[[str, str], None]) -> None:
        self._on_event = on_event
        self._stream: Any = None
        with contextlib.suppress(*FAILURES):
            chosen = {"type": "container", "event": list(EVENTS), "label": f"{RUN_LABEL}={run}"}
            self._stream = client.api.events(filters=chosen, decode=True)
            threading.Thread(target=self._follow, name="watch", daemon=True).start()

    def close(self) -> None:
        """Stop watching. Safe to call twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(*FAILURES, AttributeError):
                stream.close()

    def _follow(self) -> None:
        with contextlib.suppress(*FAILURES, ValueError, AttributeError):  # another thread has closed it
            for event in self._stream:
                if self._stream is None:
                    return
                self._on_event(event["Actor"]["ID"], event["Action"])
