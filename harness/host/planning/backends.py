"""The backends of a configuration, one run each: their names, the jobs of ``harness matrix``, the share of each run.

Decides only: ``host.backends.fleet`` acts. Imports neither Docker nor Django.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate

from harness.errors import UsageError
from harness.host.config.databases import SQLITE, DbSpec, exact
from harness.host.config.djangos import check_python
from harness.host.config.options import Config
from harness.protocol.options import django_version

_FROM_SETTINGS = "settings"
"""The backend's name where ``db`` is empty: each alias runs on the engine that the settings name."""
_MAX_JOBS = 256
"""GitHub's limit for the jobs of one matrix."""

_MIB = 1 << 20
_SERVERS_BYTES = {SQLITE: 0, "postgres": 512 * _MIB, "mariadb": 1024 * _MIB, "mysql": 1536 * _MIB}
"""Approximate bytes of an engine's servers with their databases in memory, for a suite of some hundred tests."""
_WORKER_BYTES = 256 * _MIB
_USED_OF_MEMORY = 0.8


@dataclass(frozen=True, slots=True)
class Backend:
    """The backend of one run. ``name`` can name a folder and a job: ``postgres-17``, ``sqlite``, ``postgres-17-django5.2``.

    ``db`` is the run's own ``--db`` as it was given: at most one spec for all aliases, and those for one alias. As text, it
    has explicit versions.
    ``django`` is its own ``--django``; empty where the project's dependencies decide.
    """

    name: str
    db: tuple[DbSpec, ...]
    django: str = ""

    def __str__(self) -> str:
        return " ".join(str(exact(spec)) for spec in self.db)


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of a matrix. ``db`` is written as ``HARNESS_DB`` takes it, ``django`` is empty for the project's own."""

    db: str
    python: str
    name: str
    django: str = ""

    def __str__(self) -> str:
        django = [f"--django {self.django}"] if self.django else []
        return " ".join(
            [f"{self.name}: --python {self.python}", *django, *(f"--db {word}" for word in self.db.split())]
        )


def backends_of(db: Sequence[DbSpec], django: Sequence[str] = ()) -> tuple[Backend, ...]:
    """The backends of *db*, one for each run, on each version in *django*; specs that name an alias are part of all of
    them.
    """
    backends = _backends_of(db)
    if not django:
        return backends
    return tuple(Backend(f"{each.name}-django{version}", each.db, version) for each in backends for version in django)


def _backends_of(db: Sequence[DbSpec]) -> tuple[Backend, ...]:
    everywhere = [spec for spec in db if spec.alias is None]
    named = tuple(spec for spec in db if spec.alias is not None)
    if not everywhere:
        return (Backend("-".join(_name(spec) for spec in named) or _FROM_SETTINGS, named),)
    return tuple(Backend(_name(spec), (spec, *named)) for spec in everywhere)


def matrix(config: Config) -> tuple[Job, ...]:
    """A job for each backend of ``db`` and ``django`` on each version of ``python`` that its Django admits, in their order.

    Raises ``UsageError`` where both are empty, where no job is left, where there are more jobs than a matrix may have, and
    for an alias that a variable cannot hold.
    """
    if not config.db and not config.django:
        raise UsageError(
            f"The matrix would be empty: [tool.harness] of {config.project} names neither db nor django.",
            hint='Write for example db = ["postgres:17", "sqlite"] there, and python = ["3.12", "3.13"].',
        )
    if split := [str(spec) for spec in config.db if len(str(spec).split()) > 1]:
        raise UsageError(
            f"db: {split[0]!r} has white space in it, and a job gets db in a variable, which is split at white space.",
            hint="Give the alias another name, or leave it out of db.",
        )
    jobs = tuple(
        Job(str(backend), python, f"{backend.name}-py{python}", backend.django)
        for backend in backends_of(config.db, config.django)
        for python in config.pythons
        if not backend.django or django_version.admits(backend.django, python)
    )
    if not jobs:
        check_python(config.django[0], config.pythons)
    if len(jobs) > _MAX_JOBS:
        raise UsageError(
            f"The matrix has {len(jobs)} jobs, and GitHub accepts {_MAX_JOBS} at most.",
            hint="Name fewer backends in db, or fewer versions in python.",
        )
    return jobs


def left_out(config: Config) -> tuple[str, ...]:
    """A line for each pair of a Django and a Python that ``matrix`` leaves out."""
    return tuple(
        f"Django {django} does not run on Python {python}: no job has both."
        for django in config.django
        for python in config.pythons
        if not django_version.admits(django, python)
    )


def matrix_document(jobs: Sequence[Job]) -> dict[str, list[dict[str, str]]]:
    """*jobs* as a workflow's ``strategy.matrix``, which ``fromJSON`` reads."""
    return {"include": [asdict(job) for job in jobs]}


def at_once(backends: Sequence[Backend], cores: int, memory_bytes: int, workers: int | None) -> int:
    """The number of runs that fit side by side, at least one.

    *workers* is the value of ``--parallel``; with ``None``, each run counts as one worker, so that the runs share the
    cores. Runs side by side beat workers side by side: servers start, and templates are migrated, on one core.
    """
    by_cores = max(1, cores // (workers or 1))
    needs = sorted((_memory_bytes(backend, workers or 1) for backend in backends), reverse=True)
    by_memory = sum(total <= memory_bytes * _USED_OF_MEMORY for total in accumulate(needs))
    return max(1, min(by_cores, by_memory))


def workers_each(runs_at_once: int, cores: int, workers: int | None) -> int:
    """The number of workers of each run: *workers* if given, else the run's share of the cores."""
    return workers if workers is not None else max(1, cores // runs_at_once)


def _memory_bytes(backend: Backend, workers: int) -> int:
    servers = {spec.engine for spec in backend.db} or set(_SERVERS_BYTES)
    return max(_SERVERS_BYTES.get(engine, max(_SERVERS_BYTES.values())) for engine in servers) + workers * _WORKER_BYTES


def _name(spec: DbSpec) -> str:
    parts = (spec.alias, spec.engine, exact(spec).version)
    return "-".join(slug(part) or "alias" for part in parts if part is not None)


def slug(text: str) -> str:
    """*text* without characters that the names of folders, jobs and artifacts cannot have."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")
