"""The database servers that are installed on this machine, and the facts that decide which others can run on it.

``read_machine`` and ``installed`` look at the machine; the rest is pure. Imports no Docker.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import packaging.tags

from harness.host import programs

PROBE_DEADLINE_S = 20
TIME_ZONES = Path("/usr/share/zoneinfo/UTC")
"""A file of Debian's package tzdata, which a minimal system may lack."""

FOLDERS: Mapping[str, tuple[str, ...]] = {
    "postgres": (
        "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
        "usr/pgsql-*/bin",  # PostgreSQL's own packages for Red Hat
        "usr/lib/postgresql*/bin",  # openSUSE
        "usr/libexec/postgresql*",  # Alpine
        "opt/homebrew/opt/postgresql@*/bin",
        "usr/local/opt/postgresql@*/bin",
        "home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
        "Applications/Postgres.app/Contents/Versions/*/bin",
    ),
    "mysql": (
        "usr/sbin",
        "usr/local/sbin",
        "usr/libexec",  # Red Hat
        "opt/homebrew/opt/mysql*/bin",
        "usr/local/opt/mysql*/bin",
        "home/linuxbrew/.linuxbrew/opt/mysql*/bin",
        "usr/local/mysql/bin",  # Oracle's own archives
    ),
    "mariadb": (
        "usr/sbin",
        "usr/local/sbin",
        "usr/libexec",
        "opt/homebrew/opt/mariadb*/bin",
        "usr/local/opt/mariadb*/bin",
        "home/linuxbrew/.linuxbrew/opt/mariadb*/bin",
    ),
}
"""The folders that may have a server and are often not in ``PATH``, as patterns below the root folder."""

SERVERS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "mysql": ("mysqld",),
    "mariadb": ("mariadbd", "mysqld"),
}
"""The names of each engine's server program. A ``mysqld`` may be MariaDB's: its version tells."""

_VERSIONS: Mapping[str, re.Pattern[str]] = {
    "postgres": re.compile(r"^postgres \(PostgreSQL\) (\d+(?:\.\d+)*\w*)"),
    "mysql": re.compile(r"\bVer (\d+\.\d+\.\d+)(?!\S*-MariaDB)\S* for "),
    "mariadb": re.compile(r"\bVer (\d+\.\d+\.\d+)-MariaDB"),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts about this machine that decide which servers it can run.

    ``system`` and ``processor`` are as ``platform`` names them, ``libc`` is such as ``glibc 2.36``, empty where unknown.
    ``tags`` are the platform tags of wheels that run here. ``installer`` is the program that installs packages: ``apt-get``,
    ``brew``, ``dnf``, ``apk``, or empty. ``distribution`` and ``suite`` are such as ``debian`` and ``bookworm``.
    """

    system: str = "Linux"
    processor: str = "x86_64"
    libc: str = ""
    tags: frozenset[str] = frozenset()
    is_root: bool = False
    installer: str = ""
    distribution: str = ""
    suite: str = ""
    has_time_zones: bool = True

    @property
    def sudo(self) -> str:
        return "" if self.is_root else "sudo "

    @property
    def title(self) -> str:
        """The machine as people read it: ``Linux x86_64 with glibc 2.36``."""
        return f"{self.system} {self.processor}" + (f" with {self.libc}" if self.libc else "")


@dataclass(frozen=True, slots=True)
class Installed:
    """A server that is installed on this machine. ``program`` is its file, without links.

    ``unusable`` is the reason why it cannot be started here; empty for none.
    """

    engine: str
    version: str
    program: Path
    unusable: str = ""

    @property
    def place(self) -> str:
        """The folder of the program."""
        return str(self.program.parent)

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", self.version))


def is_version(exact: str, wanted: str) -> bool:
    """Whether the version *exact*, such as ``17.10``, is a release of *wanted*, such as ``17``."""
    return (
        exact == wanted or exact.startswith(f"{wanted}.") or re.match(rf"{re.escape(wanted)}[a-z]", exact) is not None
    )


def parse_version(engine: str, text: str) -> str:
    """The exact version in the output *text* of a server's ``--version``; empty where it is no server of *engine*."""
    found = _VERSIONS[engine].search(text)
    return found[1] if found else ""


@functools.cache
def read_machine() -> Machine:
    """The facts about this machine."""
    system = platform.system()
    name, version = platform.libc_ver() if system == "Linux" else ("", "")
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    installers = ("brew",) if system == "Darwin" else ("apt-get", "dnf", "apk", "brew")
    return Machine(
        system="macOS" if system == "Darwin" else system,
        processor=platform.machine(),
        libc=f"{name} {version}".strip() if name else "musl" if _is_musl() else "",
        tags=frozenset(packaging.tags.platform_tags()),
        is_root=os.geteuid() == 0,
        installer=next((each for each in installers if shutil.which(each)), ""),
        distribution=release.get("ID", ""),
        suite=release.get("VERSION_CODENAME", ""),
        has_time_zones=TIME_ZONES.is_file(),
    )


def _is_musl() -> bool:
    return sys.platform == "linux" and any(tag.startswith("musllinux") for tag in packaging.tags.platform_tags())


def installed(engine: str, environ: Mapping[str, str], root: Path = Path("/")) -> list[Installed]:
    """The servers of *engine* on this machine, the newest first, each once. Runs each with ``--version``.

    *root* is the folder below which the usual folders are looked for.
    """
    found: dict[Path, Installed] = {}
    for folder in _folders(engine, environ, root):
        for name in SERVERS[engine]:
            program = folder / name
            if not os.access(program, os.X_OK) or not program.is_file():
                continue
            real = program.resolve()
            if real not in found and (server := _probe(engine, real)):
                found[real] = server
    return sorted(found.values(), key=lambda server: server.order, reverse=True)


def _folders(engine: str, environ: Mapping[str, str], root: Path) -> Iterator[Path]:
    path = environ.get("PATH", os.defpath)
    yield from (Path(folder) for folder in path.split(os.pathsep) if folder.startswith("/"))
    for pattern in FOLDERS[engine]:
        yield from sorted(root.glob(pattern))


def _probe(engine: str, program: Path) -> Installed | None:
    version = parse_version(engine, output_of([str(program), "--version"]))
    if not version:
        return None
    unusable = ""
    if os.geteuid() == 0 and not is_open_to_others(program):
        unusable = f"{program} cannot be read by a user without rights, as whom root's servers run"
    elif engine == "postgres" and not (program.parent / "initdb").is_file():
        unusable = f"{program.parent} has no initdb"
    return Installed(engine, version, program, unusable)


def is_open_to_others(program: Path) -> bool:
    """Whether other users can run *program*: its own mode, and that of each folder on the way."""
    try:
        is_passable = all(folder.stat().st_mode & stat.S_IXOTH for folder in program.parents)
        mode = program.stat().st_mode
    except OSError:
        return False
    return bool(is_passable and mode & stat.S_IXOTH and mode & stat.S_IROTH)


def output_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Both outputs of *command*, whatever its exit status is; the error's text where it cannot be run."""
    environ = {**os.environ, **(environment or {}), "LC_ALL": "C"}
    return programs.run(command, PROBE_DEADLINE_S, environ).output
