"""Figures ``storefront-BACKEND``: the storefront on another backend, against the same on PostgreSQL, with both sides' phases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from ci.benchmark.figures import Comparison
from ci.benchmark.ground import Ground
from ci.benchmark.race import Sides
from ci.benchmark.suite import harness_on, phases

BACKENDS = ("mysql", "mariadb", "sqlite")


def comparison(backend: str) -> Comparison:
    """The figure of *backend*."""
    ours = f"the storefront by harness ci --db {backend}, images warm"
    return Comparison(f"storefront-{backend}", ours, "the same with --db postgres")


def storefront(backend: str) -> Callable[[Ground], AbstractContextManager[Sides]]:
    """The two sides of the figure of *backend*."""

    @contextlib.contextmanager
    def prepare(ground: Ground) -> Iterator[Sides]:
        folders = {db: ground.work / f"storefront-{db}" for db in (backend, "postgres")}

        def details() -> Mapping[str, float]:
            return {f"{db} {name}": s for db in folders for name, s in _phases(folders[db]).items()}

        yield Sides(harness_on(backend, folders[backend]), harness_on("postgres", folders["postgres"]), details)

    return prepare


def _phases(folder: Path) -> Mapping[str, float]:
    # in the first round, one side's folder has no summary before that side has run
    summary = folder / "summary.json"
    return phases(summary) if summary.is_file() else {}
