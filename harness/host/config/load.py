"""Loads the configuration: defaults < ``pyproject.toml`` < ``HARNESS_*`` variables < flags; one frozen ``Config``.

Owns the precedence and the source of each value. Reads the project's ``pyproject.toml``, ``manage.py`` and the files that
declare its Python; runs none of the project's code. Click could merge the places too (``default_map``, ``envvar``), but its
types accept a TOML string as a number and ``true`` as 1, and it reads ``os.environ`` alone. Pydantic has both readings, but
would be installed beside the project, which may need another version.
"""

from __future__ import annotations

import platform
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ProjectError, UsageError
from harness.host.config.databases import read_databases
from harness.host.config.djangos import read_djangos
from harness.host.config.frameworks import check_framework, may_be_of_pytest
from harness.host.config.options import DEFAULT, OPTIONS, Config, Option
from harness.host.config.servers import read_servers
from harness.host.config.values import FILE, FOLDER, PLACES, Form, Mismatch, unknown_key, wrong_value
from harness.host.config.variables import read_variables
from harness.host.project import python_version
from harness.host.project.entry import (
    MANAGE_PY,
    Entry,
    bootstrap_words,
    find_entry,
    find_settings_module,
    is_project_itself,
    project_above,
)
from harness.host.project.settings_search import VARIABLE

PYPROJECT = "pyproject.toml"
SECTION = "tool.harness"


@dataclass(frozen=True, slots=True)
class _Given:
    """A value before it is checked: its option, its source, and the folder that its relative paths start from."""

    option: Option
    source: str
    value: object
    folder: Path

    def place(self, where: str = "") -> str:
        """The value, or the part of it at *where*, as a message names it."""
        if self.source == PYPROJECT:
            return f"{self.option.key}{where} in {self.folder / PYPROJECT}"
        return self.source if self.source != DEFAULT else self.option.key

    def checked(self) -> Any:
        """The value, its relative paths made absolute. Raises ``UsageError``."""
        form = self.option.form
        if self.source == DEFAULT and self.value is None:
            return None
        is_text = isinstance(self.value, str) and self.source not in (DEFAULT, PYPROJECT)
        try:
            checked = form.from_text(str(self.value)) if is_text else form.from_toml(self.value)
        except Mismatch as wrong:
            raise wrong_value(self.place(wrong.where), form.expected, wrong.seen, self.option.help) from None
        if is_text and self.option.is_negated and self.source == self.option.variable:
            return not checked
        return _absolute(form, checked, self.folder)


def load(cli: Mapping[str, object], environ: Mapping[str, str], cwd: Path, *, need_settings: bool = True) -> Config:
    """The configuration from *cli*, *environ* and the project's file together.

    *cli* maps the keys that were given as flags to their text, their texts or ``True``. Without *need_settings* the folder
    need not be a Django project. Raises ``UsageError`` for a wrong key or value, ``ProjectError`` where there is no Django
    project.
    """
    options = {option.key: option for option in OPTIONS}
    given = {key: _given(option, cli, environ, cwd) for key, option in options.items()}
    project, project_source = _project(given["project"])
    for key, value in _read_table(project / PYPROJECT).items():
        if key not in options or not options[key].in_file:
            raise _unknown_key(key, options, f"[{SECTION}] of {project / PYPROJECT}")
        if given[key].source == DEFAULT:
            given[key] = _Given(options[key], PYPROJECT, value, project)
    values = {key: one.checked() for key, one in given.items()} | {"project": project}
    sources = {key: one.source for key, one in given.items()} | {"project": project_source}
    _choose_runner(values, sources)
    values["root"] = _root(project, values["root"], given["root"])
    values["artifacts_root"] = values["artifacts"]
    values["pythons"], sources["python"] = _pythons(project, values, given["python"], need_settings)
    values["python"] = values["pythons"][0]
    values["db"] = read_databases(values["db"], given["db"].place())
    values["django"] = read_djangos(values["django"], given["django"].place())
    values["servers"] = read_servers(values["servers"], given["servers"].place)
    values["env"] = read_variables(values, environ, given["env_for"].place)
    values["workdir"], script, sources["workdir"] = _entry(project, values, sources)
    if values["bootstrap"] is not None:
        script = ""
        values["bootstrap"] = shlex.join(bootstrap_words(project, values["workdir"], values["bootstrap"]))
        if values["settings"] is None and (module := {**environ, **values["env"]}.get(VARIABLE)):
            values["settings"], sources["settings"] = module, VARIABLE
    elif values["settings"] is None:
        found = Entry(values["workdir"], script)
        is_needed = need_settings and not may_be_of_pytest(project, values["framework"], values["pytest_args"])
        values["settings"], sources["settings"] = _settings(project, found, {**environ, **values["env"]}, is_needed)
    _check_together(values)
    config = Config(**values, script=script, sources=sources, given=dict(cli))
    if need_settings:
        check_framework(config)
    return config


def _given(option: Option, cli: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> _Given:
    """The value of *option* from outside the project, or its default.

    A blank variable counts as absent: CI systems set the variables of inputs that were left out.
    """
    if option.key in cli:
        return _Given(option, option.flag or option.key, cli[option.key], cwd)
    if environ.get(option.variable, "").strip():
        return _Given(option, option.variable, environ[option.variable], cwd)
    return _Given(option, DEFAULT, option.default, cwd)


def _pythons(project: Path, values: Mapping[str, Any], given: _Given, has_runner: bool) -> tuple[tuple[str, ...], str]:
    """The versions of Python and their source: those *given*, else the declaration in the project's own files."""
    declared = python_version.declarations(project)
    versions, is_chosen = values["python"], given.source != DEFAULT
    if is_chosen:
        python_version.check_chosen(declared, versions, given.place())
    is_host = values["runner"] == "host" and has_runner
    if is_host:
        running = platform.python_version().rstrip("+")
        if error := python_version.check_host(declared, versions if is_chosen else (), running):
            raise error
    if is_host or is_chosen:
        return versions, given.source
    version, place = python_version.choose(declared, versions[0])
    return (version,), place or DEFAULT


def _choose_runner(values: dict[str, Any], sources: dict[str, str]) -> None:
    """Set the host runner for local servers, which no container reaches. Raises ``UsageError`` for the other one."""
    if values["server_kind"] != "local" or values["runner"] == "host":
        return
    if sources["runner"] != DEFAULT:
        raise UsageError(
            f"A test in a container does not reach servers that are processes of this machine: the runner is a container"
            f" ({sources['runner']}), and the servers are local ({sources['server_kind']}).",
            hint="--runner host runs the tests on this machine too; --servers docker starts the servers in containers.",
        )
    values["runner"], sources["runner"] = "host", sources["server_kind"]


def _check_together(values: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for values that contradict each other."""
    if values["repeat"] > 1 and values["retries"]:
        raise UsageError(
            "--repeat searches for a failure, and --retries would hide it.",
            hint="Set one of them, and leave the other at its default.",
        )
    _check_lag(values)
    if values["network"] == "isolated" and values["runner"] == "host":
        raise UsageError(
            "With --runner host, the tests have the network of this machine, which cannot be isolated.",
            hint="--runner container runs the tests in a network of their own.",
        )


def _check_lag(values: Mapping[str, Any]) -> None:
    if values["lag_check"] and values["replica_lag"].mode != "sync":
        raise UsageError(
            f"--lag-check compares a run whose reads wait with one of late replicas, and --replica-lag"
            f" {values['replica_lag']} makes all of them late.",
            hint="Leave --replica-lag out.",
        )
    if values["fail_on_lag"] and not values["lag_check"]:
        raise UsageError("--fail-on-lag is of --lag-check, which is not set.", hint="Add --lag-check 500ms.")
    lag = "--lag-check" if values["lag_check"] else f"--replica-lag {values['replica_lag']}"
    if values["keepdb"] and (values["lag_check"] or values["replica_lag"].needs_proxy):
        raise UsageError(
            f"{lag} needs replicas of its own, and --keepdb keeps those that have no lag.",
            hint="Leave one of them out; --replica-lag natural works with kept servers.",
        )


def _project(given: _Given) -> tuple[Path, str]:
    """The project's folder and its source: where the user names none, also one above or below the current folder."""
    project: Path = given.checked()
    if not project.is_dir():
        raise ProjectError(
            f"There is no folder {project}.", hint="--project takes the folder of the Django project's manage.py."
        )
    if given.source == DEFAULT and not _read_table(project / PYPROJECT):
        if above := project_above(project):
            return above, MANAGE_PY
        entry = find_entry(project)
        below = project / entry.workdir
        if is_project_itself(project, entry) or (below != project and _read_table(below / PYPROJECT)):
            return below, MANAGE_PY
    return project, given.source


def _root(project: Path, root: Path, given: _Given) -> Path:
    """The folder whose files the tests get: *root* if it is *given*, else the project's. Raises ``UsageError``."""
    if given.source == DEFAULT:
        return project
    if root.is_dir() and project.is_relative_to(root) and root != Path(root.anchor):
        return root
    problem = f"does not hold the project {project}" if root.is_dir() else "is no folder"
    if root == Path(root.anchor):
        problem = "is the whole machine"
    raise UsageError(
        f"{given.place()} is {str(given.value)!r}, but {root} {problem}.",
        hint='root is a folder around the project, seen from its pyproject.toml: root = ".." brings the files beside it.',
    )


def _unknown_key(key: str, options: Mapping[str, Option], place: str) -> UsageError:
    if key in options:
        return UsageError(f"{key!r} cannot be set in {place}.", hint=f"Give it as {options[key].flag}.")
    return unknown_key(key, [name for name, option in options.items() if option.in_file], place)


def _read_table(path: Path) -> dict[str, object]:
    """``[tool.harness]`` of *path*; empty without the file or the table."""
    try:
        value: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read.", hint="Correct the file.", evidence=str(error)) from error
    for key in SECTION.split("."):
        value = value.get(key, {}) if isinstance(value, dict) else value
    if not isinstance(value, dict):
        raise wrong_value(f"[{SECTION}] in {path}", "a table", value, "Write its keys in a table of that name.")
    return value


def _absolute(form: Form, value: object, folder: Path) -> object:
    """*value* with its paths seen from *folder*; expands ``~``, which no shell expands in a file."""

    def resolved(place: str) -> Path:
        home = Path(place).expanduser() if place.startswith("~/") else Path(place)
        return (folder / home).resolve()

    if form in (FILE, FOLDER):
        return resolved(str(value))
    if form is PLACES and isinstance(value, tuple):
        return tuple(place if "://" in place else str(resolved(place)) for place in value)
    return value


def _settings(project: Path, entry: Entry, environ: Mapping[str, str], needed: bool) -> tuple[str | None, str]:
    source = VARIABLE if environ.get(VARIABLE) else MANAGE_PY
    try:
        return find_settings_module(project, entry, environ), source
    except ProjectError:
        if needed:
            raise
        return None, DEFAULT


def _entry(project: Path, values: Mapping[str, Any], sources: Mapping[str, str]) -> tuple[str, str, str]:
    """The folder of the tests below *project*, the script in it, and the source of the folder."""
    workdir: str | None = values["workdir"]
    if workdir is not None and not (project / workdir).resolve().is_relative_to(project):
        raise UsageError(
            f"workdir is {workdir!r}, which leads out of the project.",
            hint="Name a folder of the project, and with --project the folder that has all files the tests need.",
        )
    if workdir is None and (sources["settings"] != DEFAULT or values["bootstrap"] is not None):
        # settings that are named, and a script in place of manage.py, need no script further down
        here = find_entry(project, "")
        return "", here.script, DEFAULT
    entry = find_entry(project, workdir)
    return entry.workdir, entry.script, sources["workdir"] if workdir is not None or not entry.workdir else MANAGE_PY
