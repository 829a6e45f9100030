"""``harness doctor``: lists what is missing on this machine, each with the command that installs or starts it.

The functions called ``check_...`` decide and are pure. Starts nothing, installs nothing, builds nothing; with ``remove``,
removes the remains of dead runs.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host import programs
from harness.host.cache import cache_folder
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.docker.client import Client, connect
from harness.host.docker.containers import abandoned, remove_run
from harness.host.docker.errors import FAILURES, explanation
from harness.host.docker.images import Images, is_ours
from harness.host.engine_address import SOCKET, context_of, docker_config, found_by
from harness.host.engines import ENGINES
from harness.host.images import debian_base
from harness.host.images.debian import DEFAULT_SUITE, SUITES
from harness.host.images.pythons import interpreters
from harness.host.images.pythons.ways import known
from harness.host.images.specs import base_hint, debian_origin
from harness.host.kept.overview import KeptNow, kept_now
from harness.host.local import folders
from harness.host.local.account import account
from harness.host.local.binaries.survey import Offer, survey
from harness.host.project.files import project_files
from harness.host.project.python_version import PYTHONS, Wanted
from harness.host.run.platforms.choice import Kind, choose
from harness.host.saving.commands import cached

GIGABYTE = 1_000_000_000
DISK_NEEDED_BYTES = 1 * GIGABYTE
"""The free disk space below which no image can be built."""
DISK_WANTED_BYTES = 5 * GIGABYTE
"""The disk space of a base, a server's and a runner's image together, with room for the run."""
PROBE_TIMEOUT_S = 15
LEFT_BEHIND_S = 600
"""The least age, in seconds, of a dead run's remains: a run that has just begun has few visible containers."""
ENGINE = "Docker engine"
CONFIGURATION = "Configuration"
"""The row of a project's ``[tool.harness]``."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts of this machine from which an engine could be started."""

    is_root: bool
    has_dockerd: bool
    has_apt: bool
    has_systemd: bool
    is_socket_denied: bool

    @property
    def sudo(self) -> str:
        return "" if self.is_root else "sudo "


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. ``missing`` stops every run, ``note`` does not; ``remedy`` is the next step for either."""

    level: Literal["ok", "note", "missing"]
    subject: str
    seen: str
    remedy: str = ""


def run_doctor(environ: Mapping[str, str], *, remove: bool = False, remove_kept: bool = False) -> ExitCode:
    """Print the table, and with *remove* remove the remains of dead runs; with *remove_kept*, remove the servers that are
    kept, of every project. ``GREEN`` if a run could work on this machine,
    else ``SERVERS``.

    Takes no longer than the deadlines of the engine and of the registry.
    """
    machine = Machine(
        is_root=os.geteuid() == 0,
        has_dockerd=shutil.which("dockerd") is not None,
        has_apt=shutil.which("apt-get") is not None,
        has_systemd=Path("/run/systemd/system").is_dir(),
        is_socket_denied=SOCKET.exists() and not os.access(SOCKET, os.R_OK | os.W_OK),
    )
    python, git = Finding("ok", "Python", platform.python_version()), check_git(_git_version(), machine)
    local = [check_local(offer) for offer in survey(environ)]
    configuration, kind = _read_configuration(environ, Path.cwd())
    engine = _ask_engine(environ, machine, remove)
    if any(finding.level == "ok" for finding in local):
        engine = [without_engine(finding, kind) for finding in engine]
    kept = check_kept(*kept_now(remove, remove_kept), time.time())
    findings = [python, git, *configuration, *engine, *local, *_local_remains(remove), kept, check_cache(environ)]
    print(render(findings))
    return verdict(findings)


def check_cache(environ: Mapping[str, str]) -> Finding:
    """The cached test databases in the folder that *environ* names, or why there can be none."""
    if cache_folder(environ) == Path(os.devnull):
        return Finding("note", "Cache", "none: HARNESS_CACHE names no folder")
    try:
        seen, *_ = cached(environ)
    except HarnessError as error:
        return Finding("note", "Cache", error.message, error.hint)
    return Finding("ok", "Cache", seen)


def verdict(findings: Sequence[Finding]) -> ExitCode:
    """``SERVERS`` if the machine lacks something, ``USAGE`` if the configuration alone is wrong."""
    missing = {finding.subject for finding in findings if finding.level == "missing"}
    if missing == {CONFIGURATION}:
        return ExitCode.USAGE
    return ExitCode.SERVERS if missing else ExitCode.GREEN


def check_configuration(config: Config) -> Finding:
    """Whether the folders and files that *config* names are there."""
    given = sorted(key for key, source in config.sources.items() if source == "pyproject.toml")
    try:
        project_files(config.root, include=config.include, folder=config.project)
    except HarnessError as error:
        return Finding("missing", CONFIGURATION, error.message, error.hint)
    folder = config.project / (config.workdir or "")
    if not folder.is_dir():
        seen = f"workdir names {folder}, which is no folder"
        return Finding("missing", CONFIGURATION, seen, "Correct workdir in [tool.harness], or leave it out.")
    seen = f"{config.project / 'pyproject.toml'}: {', '.join(given) or 'no key'}"
    module = str(config.settings or "").replace(".", "/")
    places = [
        place / f"{module}{end}" for place in (folder, config.project, config.project / "src") for end in _ENDINGS
    ]
    if "settings" in given and not any(place.is_file() for place in places):
        remedy = "Correct settings in [tool.harness], unless a dependency has the module."
        return Finding("note", CONFIGURATION, f"{seen}\nno file of the settings module {config.settings}", remedy)
    return Finding("ok", CONFIGURATION, seen)


_ENDINGS = (".py", "/__init__.py")


def _read_configuration(environ: Mapping[str, str], folder: Path) -> tuple[list[Finding], Kind]:
    """The finding on the configuration of the project in *folder*, none where it has no table of ours, and the kind of its
    servers if no engine answers.
    """
    try:
        config = load({}, environ, folder, need_settings=False)
    except HarnessError as error:
        return [Finding("missing", CONFIGURATION, error.message, error.hint)], "docker"
    kind, _ = choose(config, environ, lambda: "none answers")
    return [check_configuration(config)] if "pyproject.toml" in config.sources.values() else [], kind


def render(findings: Sequence[Finding]) -> str:
    """The findings as a table, each image and each next step on a line of its own, so that it can be copied."""
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        first, *more = finding.seen.split("\n")
        lines.append(f"{finding.level:<8} {finding.subject:<{width}}  {first}")
        more += [f"-> {finding.remedy}"] if finding.remedy else []
        lines.extend(f"{'':<8} {'':<{width}}  {each}" for each in more)
    usable = verdict(findings) is ExitCode.GREEN
    return "\n".join(
        [*lines, "", "A run can work here." if usable else "No run can work here yet: see what is missing."]
    )


def check_git(version: str, machine: Machine) -> Finding:
    if version:
        return Finding("ok", "git", version)
    return Finding(
        "note",
        "git",
        "none: the runner gets every file of the project, also those that .gitignore names",
        f"{machine.sudo}apt-get install -y git" if machine.has_apt else "Install git.",
    )


def check_local(offer: Offer) -> Finding:
    """The finding on the local servers of one engine: a machine without any can still run those of another, or containers."""
    subject = f"Local {offer.title}"
    if offer.lines:
        return Finding("ok", subject, "\n".join(offer.lines))
    return Finding("note", subject, "none", offer.remedy)


def without_engine(finding: Finding, kind: Kind) -> Finding:
    """*finding* on a Docker engine, for a machine that can run local servers. A missing engine stops no run whose servers are
    then of the *kind* ``local``.
    """
    if finding.subject != ENGINE or finding.level != "missing":
        return finding
    level: Literal["note", "missing"] = "note" if kind == "local" else "missing"
    remark = (
        "the servers of a run are processes of this machine" if kind == "local" else "--servers local does without it"
    )
    return replace(finding, level=level, seen=f"{finding.seen}\n{remark}")


def start_command(machine: Machine, elsewhere: str) -> str:
    """The command that starts an engine here; empty where none is known, and where an engine *elsewhere* is configured."""
    sudo = machine.sudo
    if elsewhere:
        return ""
    if machine.is_socket_denied:
        return 'sudo usermod -aG docker "$USER", then log in again'
    daemon = "systemctl start docker" if machine.has_systemd else "sh -c 'dockerd >/var/log/dockerd.log 2>&1 &'"
    if machine.has_dockerd:
        return f"{sudo}{daemon}"
    if machine.has_apt:
        return f"{sudo}apt-get update && {sudo}apt-get install -y docker.io iptables && {sudo}{daemon}"
    return ""


def check_engine(info: Mapping[str, Any], address: str) -> Iterator[Finding]:
    """The findings on *info*, as Docker's API gives it, of the engine found by *address*."""
    version, system, driver = info.get("ServerVersion", "?"), info.get("OSType", "linux"), info.get("Driver", "?")
    if system == "linux":
        yield Finding("ok", ENGINE, f"{version}, by {address}")
    else:
        seen = f"{version}, by {address}, for {system} containers"
        yield Finding("missing", ENGINE, seen, "Switch the engine to Linux containers.")
    if driver != "vfs":
        yield Finding("ok", "Storage driver", str(driver))
    else:
        seen = "vfs: each container copies its whole image, which is slow and fills the disk"
        remedy = 'Set "storage-driver": "overlay2" in the engine\'s daemon.json, and restart it.'
        yield Finding("note", "Storage driver", seen, remedy)
    cores, memory, cgroup = info.get("NCPU", 0), _gigabytes(info.get("MemTotal", 0)), info.get("CgroupVersion", "1")
    yield Finding("ok", "Resources", f"{cores} cores, {memory} of memory, cgroup v{cgroup}")


def check_disk(free_bytes: int | None) -> Finding:
    """*free_bytes* is ``None`` where the engine's disk is not this machine's."""
    if free_bytes is None:
        return Finding("ok", "Disk", "not this machine's, not looked at")
    seen = f"{_gigabytes(free_bytes)} free"
    if free_bytes >= DISK_WANTED_BYTES:
        return Finding("ok", "Disk", seen)
    seen += f", {_gigabytes(DISK_WANTED_BYTES)} wanted"
    level: Literal["note", "missing"] = "note" if free_bytes >= DISK_NEEDED_BYTES else "missing"
    return Finding(level, "Disk", seen, "harness images prune, then docker system df")


def check_images(tags: Sequence[str], registry_error: str, base_error: str, is_root: bool) -> Finding:
    """*tags* are those of our images. *registry_error* is the reason why the engine cannot pull, *base_error* why no base
    can be made of Debian's packages here, each empty if it can be done.
    """
    if tags:
        return Finding("ok", "Images", "\n".join(sorted(tags)))
    if not registry_error:
        return Finding("ok", "Images", "none yet; the first run pulls and builds them")
    if not base_error:
        seen = f"none yet; the first run makes them of Debian's packages, since none can be pulled: {registry_error}"
        return Finding("ok", "Images", seen)
    seen = f"none, none can be pulled ({registry_error}), and no base can be made here ({base_error})"
    return Finding("missing", "Images", seen, base_hint(DEFAULT_SUITE, is_root))


def check_pythons(ways: Mapping[str, Sequence[str]], base_error: str) -> Finding:
    """*ways* to each version of Python, the best first; *base_error* is the reason why there can be no Debian to put one on."""
    if base_error:
        return Finding("note", "Pythons", f"none: there is no Debian to run one on ({base_error})")
    return Finding("ok", "Pythons", "\n".join(f"{version}: {', or '.join(words)}" for version, words in ways.items()))


def check_kept(found: Sequence[KeptNow], removed: Sequence[str], now: float) -> Finding:
    """*found* are the servers that are kept; *removed* are the projects whose servers this command removed."""
    lines = [each.line(now) for each in found]
    lines += [f"removed: those of {', '.join(removed)}"] if removed else []
    subject = "Kept servers"
    if any(each.is_dead for each in found):
        return Finding("note", subject, "\n".join(lines), "harness doctor --remove")
    remedy = (
        "harness down in the project ends them, harness doctor --remove-kept those of every project" if found else ""
    )
    return Finding("ok", subject, "\n".join(lines) or "none", remedy)


def check_remains(left: Sequence[str], removed: Sequence[str]) -> Finding:
    """*left* are the containers, networks and folders of killed runs, *removed* those that this command removed."""
    if left:
        return Finding("note", "Left behind", f"of killed runs: {', '.join(left)}", "harness doctor --remove")
    return Finding("ok", "Left behind", f"removed: {', '.join(removed)}" if removed else "nothing")


def _local_remains(remove: bool) -> Iterator[Finding]:
    """The folders of local servers whose supervisor was killed, if there are any, as ``check_remains`` shows them."""
    servers = account()
    found = [str(each.path) for each in folders.find(servers) if each.pid is None]
    removed = [str(path) for path in folders.remove_abandoned(servers)] if remove else []
    if found or removed:
        yield check_remains([path for path in found if path not in removed], removed)


def _gigabytes(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB"


def _git_version() -> str:
    return programs.answer(["git", "--version"], PROBE_TIMEOUT_S).strip().removeprefix("git version ")


def _ask_engine(environ: Mapping[str, str], machine: Machine, remove: bool) -> list[Finding]:
    try:
        with contextlib.closing(connect()) as client:
            client.api.timeout = PROBE_TIMEOUT_S
            return list(_examine(client, environ, machine, remove))
    except ServerError as error:
        message, hint = error.message, error.hint
    except FAILURES:
        message, hint = "The Docker engine answers, but does not describe itself.", "Look at the engine's own log."
    elsewhere = environ.get("DOCKER_HOST", "") or context_of(environ, docker_config(environ))
    return [Finding("missing", ENGINE, message, start_command(machine, elsewhere) or hint)]


def _examine(client: Client, environ: Mapping[str, str], machine: Machine, remove: bool) -> Iterator[Finding]:
    info: Mapping[str, Any] = client.info()
    yield from check_engine(info, found_by(environ, docker_config(environ)))
    yield check_disk(_free_bytes(info))
    images = Images(client, lambda _image, _line: None)
    tags = [tag for image in images.ours() for tag in image.tags if is_ours(tag)]
    registry_error = "" if tags else _registry_error(client)
    base_error = debian_base.obstacle(images) if registry_error else ""
    yield check_images(tags, registry_error, base_error, machine.is_root)
    has_base = any(images.find(name) for suite in SUITES for name in debian_origin(suite).references)
    yield check_pythons(_pythons(images, bool(registry_error)), "" if has_base else registry_error and base_error)
    found = abandoned(client, LEFT_BEHIND_S)
    for run in found if remove else ():
        remove_run(client, run)
    left = abandoned(client, LEFT_BEHIND_S) if remove else found
    names, left_names = ({name for each in runs.values() for name in each} for runs in (found, left))
    yield check_remains(sorted(left_names), sorted(names - left_names))


def _pythons(images: Images, is_registry_silent: bool) -> dict[str, list[str]]:
    """The ways to each version of Python, in words. Runs the interpreters of this machine, and downloads nothing."""
    machine, ways = images.machine, {}
    for series in PYTHONS:
        official = f"python:{series}-slim"
        found, _ = interpreters.find(Wanted(series), machine)
        here = {official} if images.find(official) else set()
        ways[series] = known(series, here, found, registry=not is_registry_silent)
    return ways


def _free_bytes(info: Mapping[str, Any]) -> int | None:
    """The free space of the engine's image folder, if the engine runs on this machine."""
    if info.get("Name") != socket.gethostname():
        return None
    try:
        return shutil.disk_usage(str(info.get("DockerRootDir"))).free
    except OSError:
        return None


def _registry_error(client: Client) -> str:
    engine = next(iter(ENGINES.values()))
    try:
        client.images.get_registry_data(engine.release(engine.default_version).image)
    except FAILURES as error:
        reason = explanation(error)
        return f"no answer in {PROBE_TIMEOUT_S} s" if "timed out" in reason else reason
    return ""
