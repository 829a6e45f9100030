"""``harness shell``: replaces this process by a command whose Django connects to the kept servers.

The settings stay as they are: ``runner.startup.sitecustomize`` puts the addresses into ``DATABASES``, in each Python that the
command starts.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import harness
from harness.errors import ServerError, UsageError
from harness.host.config.options import Config
from harness.host.engines import ENGINES
from harness.host.kept import access
from harness.host.project.settings_search import VARIABLE
from harness.host.retention.kept_servers import KeptServers
from harness.host.run import persistent_servers
from harness.host.run.platforms.keepers import keeper
from harness.protocol.naming import DATABASES_VARIABLE, is_dotted

STARTUP = Path(harness.__file__).parent / "runner" / "startup"
"""The folder with ``sitecustomize``."""
PROBE_S = 30


def run_shell(config: Config, command: Sequence[str], sql: str | None) -> NoReturn:
    """Become *command*, or Django's shell without one; or the client of the alias *sql*. Does not return.

    Raises ``UsageError`` where ``harness up`` keeps no servers for the project, and for a command that is not there;
    ``ServerError`` for servers that have ended.
    """
    kept, password = _kept(config)
    environment = environment_of(config, kept, password)
    if sql is not None:
        command = _client(kept, password, sql)
    elif not command:
        command = django_command(config, kept, "shell")
        os.chdir(config.project / (config.workdir or ""))
    if shutil.which(command[0], path=environment.get("PATH")) is None:
        raise UsageError(
            f"There is no program {command[0]} here.", hint="harness shell -- COMMAND takes a program of this machine."
        )
    sys.stdout.flush()
    os.execvpe(command[0], list(command), environment)  # noqa: S606 - the command is the user's own


def _kept(config: Config) -> tuple[KeptServers, str]:
    """The servers that ``harness up`` keeps for the project, and their password."""
    kept = persistent_servers.kept_records().read(persistent_servers.up_run_id(config))
    if kept is None:
        raise UsageError(f"No servers are kept for {config.project}.", hint="harness up starts them.")
    with keeper(kept.kind) as servers:
        running = servers.persistent(kept.run)
    if gone := [server.id for server in kept.servers if server.id not in running]:
        raise ServerError(
            f"Servers of harness up have ended: {', '.join(gone)}.",
            hint="harness up starts all of them anew, with empty databases.",
        )
    return kept, persistent_servers.password(running) or ""


def environment_of(config: Config, kept: KeptServers, password: str) -> dict[str, str]:
    """The environment of this process, with ``env`` of the configuration; each Python's Django connects to *kept* in it."""
    found = access.accesses(kept, password, lambda _: True)
    environment = {**os.environ, **config.env, **{each.variable: each.url for each in found}}
    environment[DATABASES_VARIABLE] = json.dumps({each.alias.alias: _entry(kept, each) for each in found})
    folders = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join([str(STARTUP), *filter(None, folders)])
    if is_dotted(kept.settings):
        environment[VARIABLE] = kept.settings
    return environment


def _entry(kept: KeptServers, way: access.Access) -> dict[str, object]:
    """The entry of one alias, as ``sitecustomize`` reads it."""
    alias, login = way.alias, way.login
    has_own_engine = alias.backend == alias.original[0]  # options of another engine are dropped
    return {
        "module": kept.settings if is_dotted(kept.settings) else "",
        "original": list(alias.original),
        "address": {
            "ENGINE": alias.backend,
            "NAME": login.database,
            "USER": login.user,
            "PASSWORD": login.password,
            "HOST": login.host,
            "PORT": str(login.port),
        },
        "options": None if has_own_engine else [],
        "dropped": list(ENGINES[way.server.engine].server_options),
    }


def django_command(config: Config, kept: KeptServers, *words: str) -> tuple[str, ...]:
    """The command line that runs *words* as a command of Django, by the project's script. Raises ``UsageError``."""
    if not config.script and not is_dotted(kept.settings):
        raise UsageError(
            "The project has neither a manage.py nor a settings module of its own, so Django's commands cannot be started.",
            hint="Name the command: harness shell -- python ...",
        )
    return (_python(config), *([config.script] if config.script else ["-m", "django"]), *words)


def _python(config: Config) -> str:
    """A Python that has Django: the active environment's, the project's, or the one that runs the harness."""
    tried = list(dict.fromkeys(pythons(config.project, os.environ)))
    for python in tried:
        if _has_django(python):
            return python
    raise UsageError(
        f"No Python of this machine has Django, of: {', '.join(tried)}.",
        hint="harness shell runs on this machine, also where the tests run in a container: install the project's dependencies "
        "into a virtual environment and activate it.",
    )


def pythons(project: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The interpreters that may have the project's Django, the likeliest first."""
    folders = [environ["VIRTUAL_ENV"]] if environ.get("VIRTUAL_ENV") else []
    folders += [str(project / name) for name in (".venv", "venv")]
    candidates = [f"{folder}/bin/python" for folder in folders]
    yield from (python for python in candidates if Path(python).exists())
    yield sys.executable
    yield from filter(None, (shutil.which(name, path=environ.get("PATH")) for name in ("python", "python3")))


def _has_django(python: str) -> bool:
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('django') is None)"
    try:
        return subprocess.run([python, "-c", probe], capture_output=True, timeout=PROBE_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _client(kept: KeptServers, password: str, alias: str) -> tuple[str, ...]:
    found = access.accesses(kept, password, lambda program: shutil.which(program) is not None)
    for each in found:
        if each.alias.alias == alias:
            # docker refuses a terminal for a pipe
            return each.client if sys.stdin.isatty() else tuple("-i" if word == "-it" else word for word in each.client)
    raise UsageError(
        f"--sql {shlex.quote(alias)}: no such alias has a server.",
        hint=f"These have one: {', '.join(each.alias.alias for each in found)}.",
    )
