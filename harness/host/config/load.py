"""The configuration of a run: defaults < ``pyproject.toml`` < ``HARNESS_*`` variables < flags; one frozen ``Config``.

Owns the precedence, the source of each value, and the error for a wrong value. Reads the project's ``pyproject.toml``,
``manage.py`` and the files that declare its Python; runs none of the project's code.
"""

from __future__ import annotations

import difflib
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from harness.errors import ProjectError, UsageError
from harness.host import engines
from harness.host.config.options import OPTIONS, SERVER_KEYS, Option
from harness.host.config.values import PATH, PLACES, Kind, Mismatch
from harness.host.engines import Replication
from harness.host.project import python_version, settings_module
from harness.host.project.python_version import PYTHONS
from harness.host.project.settings_search import VARIABLE
from harness.protocol.messages import MirrorMode

FILE = "pyproject.toml"
SECTION = "tool.harness"
DEFAULT = "default"
SYNONYMS = {"postgresql": "postgres", "sqlite3": "sqlite"}
SQLITE = "sqlite"
"""The backend without a server and without versions."""
_TOML_TYPES = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "an array",
    dict: "a table",
}


_SERVER_HINTS = {
    "image": "Name an image as docker pull takes it.",
    "in_memory": "true is faster; false is for databases that memory is too small for.",
    "memory_size": "It is how much of the engine's memory the databases of each server may take.",
    "replication": '"position" is for suites with MyISAM tables, which MySQL refuses where replicas follow by GTID.',
}


@dataclass(frozen=True, slots=True)
class DbSpec:
    """One value of ``--db``. ``version`` is ``None`` for the engine's default, ``alias`` for every alias not named."""

    engine: str
    version: str | None = None
    alias: str | None = None

    def __str__(self) -> str:
        alias = f"{self.alias}=" if self.alias is not None else ""
        version = f":{self.version}" if self.version is not None else ""
        return f"{alias}{self.engine}{version}"


def exact(spec: DbSpec) -> DbSpec:
    """*spec* with its version, the engine's default if it names none; SQLite has no version."""
    engine = engines.ENGINES.get(spec.engine)
    return spec if spec.version is not None or engine is None else replace(spec, version=engine.default_version)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """A table below ``[tool.harness.servers]``. ``image`` is any image with the engine's binaries.

    ``in_memory``: the databases' files are kept in memory, at most ``memory_size`` bytes for each server, ``None`` for no
    limit; ``False`` keeps them on the engine's disk. ``replication``: how a replica finds its place.
    """

    image: str | None = None
    in_memory: bool = True
    memory_size: int | None = None
    replication: Replication = "gtid"


@dataclass(frozen=True, slots=True)
class Config:
    """All values that the user can decide. A field is named as its key in ``[tool.harness]``; paths are absolute.

    ``settings`` is ``None`` only where no project was asked for. ``parallel`` is ``None`` for ``auto``. ``timeout`` and
    ``startup_timeout`` are in seconds. ``install`` is ``None`` for the default from the project's own files. ``env``
    includes the values of ``pass_env``. ``shuffle`` is the seed if one is given: an integer that is no ``bool``. The fields
    of pip and the proxies are ``None`` for the values of the user's own pip. A run takes ``python``, the first of
    ``pythons``. ``artifacts_root`` is the folder of all artifacts, including those of the runs on other backends. ``given``
    has the command line's values, by their keys.
    """

    project: Path
    settings: str | None
    labels: tuple[str, ...]
    db: tuple[DbSpec, ...]
    parallel: int | None
    runner: Literal["container", "host"]
    artifacts: Path
    artifacts_root: Path
    timeout: float
    timeouts: Mapping[str, float]
    run_timeout: float | None
    setup_timeout: float
    template_timeout: float
    retries: int
    fail_on_flaky: bool
    repeat: int
    replay: Path | None
    check_isolation: bool
    mirrors: MirrorMode
    framework: str | None
    junit_strict: bool
    console: Literal["auto", "plain", "rich"]
    quiet: bool
    python: str
    pythons: tuple[str, ...]
    install: tuple[str, ...] | None
    apt: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    pass_env: tuple[str, ...]
    startup_timeout: float
    network: Literal["open", "isolated"]
    servers: Mapping[str, ServerConfig]
    ca_certificates: Path | None
    pip_index_url: str | None = field(repr=False)
    pip_extra_index_urls: tuple[str, ...] | None = field(repr=False)
    pip_find_links: tuple[str, ...] | None
    pip_trusted_hosts: tuple[str, ...] | None
    pip_constraints: tuple[str, ...] | None
    http_proxy: str | None = field(repr=False)
    https_proxy: str | None = field(repr=False)
    no_proxy: str | None
    failfast: bool
    keepdb: bool
    reverse: bool
    shuffle: bool | int
    tag: tuple[str, ...]
    exclude_tag: tuple[str, ...]
    name_patterns: tuple[str, ...]
    pattern: str | None
    top_level_directory: str | None
    debug_sql: bool
    debug_mode: bool
    buffer: bool
    timing: bool
    durations: int | None
    verbosity: int
    sources: Mapping[str, str] = field(repr=False)
    given: Mapping[str, object] = field(repr=False)

    @property
    def python_told_by(self) -> str:
        """The source of the Python version; empty for the default."""
        return "" if self.sources["python"] == DEFAULT else self.sources["python"]

    def source(self, key: str) -> str:
        """The source of the value of *key*: ``default``, ``pyproject.toml``, a variable's name or a flag.

        For ``settings`` also ``DJANGO_SETTINGS_MODULE`` and ``manage.py``, for ``python`` the declaration in the project.
        Raises ``KeyError`` if there is no such key.
        """
        return self.sources[key]


@dataclass(frozen=True, slots=True)
class _Given:
    """A value before it is checked, its source, its key, and the folder that its relative paths start from."""

    source: str
    value: object
    folder: Path
    key: str

    def place(self, where: str = "") -> str:
        """The value, or the part of it at *where*, as a message names it."""
        if self.source == FILE:
            return f"{self.key}{where} in {self.folder / FILE}"
        return self.source if self.source != DEFAULT else self.key


def load(
    cli: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    known: Mapping[str, Sequence[str]] | None = None,
    need_settings: bool = True,
) -> Config:
    """The configuration from *cli*, *environ* and the project's file together.

    *cli* maps the keys that were given as flags to their text, their texts or ``True``. *known* are the engines with
    their versions, by default those of ``host.engines``. Without *need_settings* the folder need not be a Django project.
    Raises ``UsageError`` for a wrong key or value, ``ProjectError`` where there is no Django project.
    """
    defaults = {option.key: _Given(DEFAULT, option.default, cwd, option.key) for option in OPTIONS}
    outside = _from_environ(environ, cwd) | _from_cli(cli, cwd)
    project = _project((defaults | outside)["project"])
    given = defaults | _from_file(project) | outside
    sources = {key: one.source for key, one in given.items()}
    values: dict[str, Any] = {option.key: _value(option, given[option.key]) for option in OPTIONS}
    known = known if known is not None else engines.KNOWN
    values["artifacts_root"] = values["artifacts"]
    values["pythons"], sources["python"] = _pythons(project, values, given["python"], need_settings)
    values["python"] = values["pythons"][0]
    values["project"] = project
    values["db"] = _databases(values["db"], given["db"], known)
    values["servers"] = _servers(values["servers"], given["servers"], known)
    values["env"] |= {name: environ[name] for name in values["pass_env"] if name in environ}
    if values["settings"] is None:
        values["settings"], sources["settings"] = _settings(project, {**environ, **values["env"]}, need_settings)
    _check_together(values)
    return Config(**values, sources=sources, given=dict(cli))


def _pythons(project: Path, values: Mapping[str, Any], given: _Given, has_runner: bool) -> tuple[tuple[str, ...], str]:
    """The versions of Python and their source: those *given*, else the declaration in the project's own files."""
    said = python_version.declarations(project)
    versions, is_chosen = values["python"], given.source != DEFAULT
    if is_chosen:
        python_version.check_chosen(said, versions, given.place())
    if values["runner"] == "host" and has_runner:
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        if error := python_version.check_host(said, versions if is_chosen else (), running):
            raise error
        return versions, given.source
    if is_chosen:
        return versions, given.source
    version, place = python_version.choose(said, versions[0], PYTHONS)
    return (version,), place or DEFAULT


def _check_together(values: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for values that contradict each other."""
    if values["repeat"] > 1 and values["retries"]:
        raise UsageError(
            "--repeat hunts a failure, and --retries would hide it.",
            hint="Ask for one of them, and for 0 of the other.",
        )
    if values["network"] == "isolated" and values["runner"] == "host":
        raise UsageError(
            "A runner on this machine reaches what this machine does: its network cannot be isolated.",
            hint="--runner container runs the tests in a network of their own.",
        )


def _option(key: str) -> Option:
    return next(option for option in OPTIONS if option.key == key)


def _project(given: _Given) -> Path:
    project = _value(_option("project"), given)
    assert isinstance(project, Path)
    if not project.is_dir():
        raise ProjectError(
            f"There is no folder {project}.", hint="--project takes the folder of the Django project's manage.py."
        )
    return project


def _from_cli(cli: Mapping[str, object], cwd: Path) -> dict[str, _Given]:
    return {
        option.key: _Given(option.flag or option.key, cli[option.key], cwd, option.key)
        for option in OPTIONS
        if option.key in cli
    }


def _from_environ(environ: Mapping[str, str], cwd: Path) -> dict[str, _Given]:
    """The values of the variables. Empty ones count as absent: CI systems set those of inputs that were left out."""
    return {
        option.key: _Given(option.variable, environ[option.variable], cwd, option.key)
        for option in OPTIONS
        if option.variable and environ.get(option.variable, "").strip()
    }


def _from_file(project: Path) -> dict[str, _Given]:
    table = _read_table(project / FILE)
    options = {option.key: option for option in OPTIONS if option.in_file}
    for key in table:
        if key not in options:
            raise _unknown_key(key, options, f"[{SECTION}] of {project / FILE}")
    return {key: _Given(FILE, value, project, key) for key, value in table.items()}


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
        raise _wrong(f"[{SECTION}] in {path}", "a table", value, "Write its keys in a table of that name.")
    return value


def _value(option: Option, given: _Given) -> object:
    """The checked value of *given*, its relative paths made absolute."""
    value = given.value
    if given.source == DEFAULT and value is None:
        return None
    is_text = isinstance(value, str) and given.source not in (DEFAULT, FILE)
    try:
        checked = option.kind.from_text(str(value)) if is_text else option.kind.from_toml(value)
    except Mismatch as wrong:
        raise _wrong(given.place(wrong.where), option.kind.expected, wrong.seen, option.help) from None
    return _resolved(option.kind, checked, given.folder)


def _resolved(kind: Kind, value: object, folder: Path) -> object:
    if kind is PATH:
        return _absolute(str(value), folder)
    if kind is PLACES and isinstance(value, tuple):
        return tuple(place if "://" in place else str(_absolute(place, folder)) for place in value)
    return value


def _absolute(place: str, folder: Path) -> Path:
    """*place* seen from *folder*; expands ``~``, which no shell expands in a file."""
    home = Path(place).expanduser() if place.startswith("~/") else Path(place)
    return (folder / home).resolve()


def _settings(project: Path, environ: Mapping[str, str], needed: bool) -> tuple[str | None, str]:
    source = VARIABLE if environ.get(VARIABLE) else settings_module.MANAGE_PY
    try:
        return settings_module.find_settings_module(project, None, environ), source
    except ProjectError:
        if needed:
            raise
        return None, DEFAULT


def _databases(texts: Iterable[str], given: _Given, known: Mapping[str, Sequence[str]]) -> tuple[DbSpec, ...]:
    """The specs of *texts*: one for all aliases is a backend, and each backend is a run; those that name an alias hold
    in every run.
    """
    specs: list[DbSpec] = []
    for text in texts:
        spec = _database(text, given.place(), known)
        for other in specs:
            if other.alias != spec.alias:
                continue
            if spec.alias is not None:
                raise UsageError(
                    f"{given.place()}: two backends for one alias: {other} and {spec}.", hint="Name each alias once."
                )
            if exact(other) == exact(spec):
                both = f"{other} and {spec}" if other != spec else str(spec)
                raise UsageError(
                    f"{given.place()}: the same backend twice: {both}.",
                    hint="Name each once: every backend that is named is a run.",
                )
        specs.append(spec)
    return tuple(specs)


def _database(text: str, place: str, known: Mapping[str, Sequence[str]]) -> DbSpec:
    """``ENGINE`` or ``ENGINE:VERSION``, either behind ``ALIAS=``. An alias may hold any character."""
    alias, equals, backend = text.rpartition("=")
    word, colon, version = backend.partition(":")
    engine = SYNONYMS.get(word, word)
    listing = "; ".join([*(f"{each} {', '.join(versions)}" for each, versions in known.items()), SQLITE])
    listing = f"Known: {listing}."
    if engine == SQLITE and colon:
        raise UsageError(f"{place}: {text!r} names a version of SQLite.", hint="It is Python's own: write sqlite.")
    if engine != SQLITE and engine not in known:
        near = _nearest(word, (*known, SQLITE))
        raise UsageError(f"{place}: unknown engine {word!r} in {text!r}.", hint=near + listing)
    if colon and version not in known[engine]:
        raise UsageError(f"{place}: unknown version {version!r} of {engine} in {text!r}.", hint=listing)
    if equals and not alias:
        raise UsageError(f"{place}: no alias before '=' in {text!r}.", hint="Write ALIAS=ENGINE:VERSION.")
    return DbSpec(engine, version if colon else None, alias if equals else None)


def _servers(
    table: Mapping[str, object], given: _Given, known: Mapping[str, Sequence[str]]
) -> Mapping[str, ServerConfig]:
    servers = {}
    for engine, content in table.items():
        if engine not in known:
            raise _unknown_key(engine, known, given.place())
        if not isinstance(content, dict):
            raise _wrong(given.place(f".{engine}"), "a table", content, 'For example image = "...".')
        servers[engine] = _server(engine, content, given)
    return servers


def _server(engine: str, content: Mapping[str, object], given: _Given) -> ServerConfig:
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in SERVER_KEYS:
            raise _unknown_key(key, SERVER_KEYS, given.place(f".{engine}"))
        place = given.place(f".{engine}.{key}")
        try:
            values[key] = SERVER_KEYS[key].from_toml(value)
        except Mismatch as wrong:
            raise _wrong(place, SERVER_KEYS[key].expected, wrong.seen, _SERVER_HINTS[key]) from None
    if values.get("replication") == "position" and engine != "mysql":
        raise UsageError(
            f"{given.place(f'.{engine}.replication')}: only MySQL's replicas follow by position.",
            hint="Leave it out: replicas of this engine take tables of every kind.",
        )
    if "memory_size" in values and not values.get("in_memory", True):
        raise UsageError(
            f"{given.place(f'.{engine}')} has a memory_size, and in_memory = false.", hint="Leave one of them out."
        )
    return ServerConfig(**values)


def _wrong(place: str, expected: str, seen: object, hint: str) -> UsageError:
    kind = _TOML_TYPES.get(type(seen))
    return UsageError(f"{place}: expected {expected}; seen {seen!r}{f', {kind}' if kind else ''}.", hint=hint)


def _unknown_key(key: str, keys: Iterable[str], place: str) -> UsageError:
    outside = [option for option in OPTIONS if option.key == key and not option.in_file]
    if outside:
        return UsageError(f"{key!r} in {place} comes too late.", hint=f"Give it as {outside[0].flag}.")
    hint = _nearest(key, keys) or f"The keys there are {', '.join(keys)}."
    return UsageError(f"Unknown key {key!r} in {place}.", hint=hint.strip())


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.lower().replace("-", "_"), list(words), n=1)
    return f"Did you mean {near[0]!r}? " if near else ""
