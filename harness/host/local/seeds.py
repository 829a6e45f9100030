"""The seeds of local servers: one for each version of the programs and of the recipe, made once and kept in the cache.

A seed is what ``images/*/seed.sh`` makes for an image, as a tar; beside it are the files of the recipe, which the servers run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from harness.errors import ServerError
from harness.host import cache
from harness.host.digest import digest_of
from harness.host.local import folders, supervisor
from harness.host.local.account import Account
from harness.host.local.binaries import Binaries
from harness.host.local.environment import environment_of
from harness.host.local.server import Programs, Supervised
from harness.host.locks import alone

FOLDER, SEED, IDENTITY = "local-seeds", "seed.tar", "identity"
"""The folder of the cache with a folder for each seed; the names there of the seed and of the file with ``Programs.identity``."""
DIGITS = 16
EVIDENCE_LINES = 20
ROOM_BYTES = 512 << 20
"""The memory below which a seed is made on disk."""
UNUSED_FILES = ("Dockerfile",)
"""The ends of names of a recipe's files that are for images alone."""
_MAKE = f'sh "$HARNESS_PARTS/seed.sh" "$1" && tar -cSf - -C "$HARNESS_HOME/data" . >&{supervisor.DESCRIPTOR}'

Recipe = Callable[[str], Iterable[tuple[str, bytes]]]
"""The files of an engine's recipe, by its name: ``host.images.recipe`` reads them."""


def programs(
    binaries: Binaries,
    recipe: Recipe,
    account: Account,
    environ: Mapping[str, str],
    on_progress: Callable[[str, str], None] = lambda _name, _line: None,
) -> Programs:
    """The programs of *binaries* with their seed, made if missing. Raises ``ServerError`` if it cannot be made."""
    files = [(name, content) for name, content in sorted(recipe(binaries.engine)) if not name.endswith(UNUSED_FILES)]
    where = cache.readable_folder(environ, FOLDER) / f"{binaries.engine}-{binaries.version}-{_digest(binaries, files)}"
    if not (where / SEED).is_file():
        title = f"{binaries.engine} {binaries.version}"
        with alone(f"local-seed-{where.name}", lambda: on_progress(title, "another run makes its seed: waiting")):
            if not (where / SEED).is_file():
                on_progress(title, "making the seed of local servers, once")
                _make(where, binaries, files, account, environ)
                cache.prune(where.parent, time.time())
    cache.use(where)
    return Programs(
        folders=_folders(binaries),
        variables=binaries.environment,
        source=binaries.source,
        parts=where,
        seed=where / SEED,
        identity=identity(where, binaries, files),
        options=" ".join(binaries.options),
    )


def _folders(binaries: Binaries) -> tuple[str, ...]:
    """The folders of the programs: first that of the server's own, which may be a copy."""
    return tuple(dict.fromkeys(map(str, (binaries.server.parent, *binaries.folders))))


def _digest(binaries: Binaries, files: Iterable[tuple[str, bytes]]) -> str:
    """A digest of all that the content of a seed depends on: the recipe, and the server's program by
    path, size, and the time of change, which only the kernel sets: a cache of another machine is not used.
    """
    status = binaries.server.stat()
    program = f"{binaries.server.resolve()} {status.st_size} {status.st_ctime_ns} {binaries.wanted}"
    parts = [part for name, content in files for part in (name.encode(), content)]
    return digest_of([program.encode(), *parts])[:DIGITS]


def identity(where: Path, binaries: Binaries, files: Iterable[tuple[str, bytes]]) -> str:
    """The name of the programs by the content of the server's own one and of the recipe's *files*; *where* may have it."""
    with contextlib.suppress(FileNotFoundError):
        return (where / IDENTITY).read_text()
    parts = [part for name, content in files for part in (name.encode(), content)]
    return f"{binaries.engine}-{binaries.version}-{digest_of([binaries.server.read_bytes(), *parts])[:DIGITS]}"


def _make(
    where: Path,
    binaries: Binaries,
    files: Iterable[tuple[str, bytes]],
    account: Account,
    environ: Mapping[str, str],
) -> None:
    """Make the folder *where* in one step: beside it first, then by its name."""
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=where.parent))
    try:
        making.chmod(cache.READABLE if account.is_other else cache.PRIVATE)
        for name, content in files:
            (making / name).write_bytes(content)
            (making / name).chmod(0o644)
        _make_seed(making, binaries, account, environ)
        (making / SEED).chmod(0o644)
        (making / IDENTITY).write_text(identity(making, binaries, files))
        shutil.rmtree(where, ignore_errors=True)  # a folder without a seed is the remains of another version
        making.rename(where)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _make_seed(making: Path, binaries: Binaries, account: Account, environ: Mapping[str, str]) -> None:
    environment = environment_of(_folders(binaries), binaries.environment, environ)
    environment |= {"HARNESS_PARTS": str(making), "HARNESS_OPTIONS": " ".join(binaries.options)}
    with (making / SEED).open("wb") as output:
        made = Supervised(
            account,
            ["sh", "-c", _MAKE, "seed", binaries.wanted],
            environment,
            folders.bases(is_on_disk=folders.memory_bytes() < ROOM_BYTES),
            descriptor=output.fileno(),
        )
        try:
            log = os.open(made.folder / supervisor.LOG, os.O_RDONLY | os.O_CLOEXEC)
            with open(log, errors="replace") as text:  # noqa: PTH123 - the file is gone by the time it is read
                code = made.process.wait()
                lines = text.read().strip().splitlines()
        finally:
            made.close()
            made.process.wait()
    if code:
        raise ServerError(
            f"The seed of local {binaries.engine} servers could not be made: {binaries.source} ended with exit status {code}.",
            hint="The output is that of its own programs. --servers docker takes servers in containers.",
            evidence="\n".join(lines[-EVIDENCE_LINES:]),
        )
