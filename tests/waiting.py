"""Waits for a condition with a deadline: a test that waits in vain fails and says for what."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 120.0


def wait_for(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when *condition* holds. Raises ``TimeoutError`` after *patience_s* seconds."""
    until = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not after {patience_s:g} s: {what}")
        time.sleep(0.01)


def wait_for_text(path: Path, text: str = "") -> None:
    """Return when the file *path* is there and has *text* in it."""
    wait_for(lambda: path.exists() and text in path.read_text(), f"{path} has {text!r} in it")
