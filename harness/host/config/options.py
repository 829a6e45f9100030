"""Every option, declared once: a field of ``Config`` with its form, default, help text and flags.

The command line is generated from ``OPTIONS``, ``load`` reads files and variables by it, and the reference pages are tested
against it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from harness.host.config.databases import DbSpec
from harness.host.config.servers import ServerConfig
from harness.host.config.values import (
    BYTES,
    COUNT,
    DURATION,
    FILE,
    FOLDER,
    LAG,
    PARALLEL,
    PLACES,
    PYTHON,
    SECONDS,
    SECONDS_TABLE,
    SEED,
    SWITCH,
    TABLE,
    TEXT,
    TEXT_TABLE,
    TEXTS,
    TIMES,
    VERBOSITY,
    WORDS,
    Form,
    choice,
)
from harness.protocol.messages import FrameworkChoice, Lag, MirrorMode

ServerKind = Literal["auto", "docker", "local"]
"""The place of the servers: containers, processes of this machine, or the first of these that can be had."""

DEFAULT = "default"
"""The source of a value that is given nowhere."""

ALL = ("ci", "plan", "up", "images build", "matrix")
RUNS = ("ci", "plan", "up")
REPORTS = ("ci", "merge")


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Its variable is ``HARNESS_`` and the key in upper case.

    ``default`` is written as in TOML; ``None``: not set. ``short`` is a flag of one letter. ``bare`` is the value of a flag
    without a value, where that is allowed. ``commands`` are those that take the flags. ``is_file_only``: neither flag nor
    variable, since one word cannot hold the value well. ``in_file`` is false for an option that locates the file.
    ``is_django``: the flag is one of ``manage.py test``, and the runner gets it. The value of a secret is never shown.
    ``is_negated``: the flag ``--no-...`` and the variable ``HARNESS_NO_...`` switch off what is on by default.
    ``word`` stands for the key in the flag and the variable.
    """

    key: str
    form: Form
    default: object
    help: str
    short: str = ""
    metavar: str = ""
    bare: str = ""
    commands: tuple[str, ...] = ("ci",)
    has_long: bool = True
    is_file_only: bool = False
    in_file: bool = True
    is_django: bool = False
    is_secret: bool = False
    is_negated: bool = False
    word: str = ""

    @property
    def variable(self) -> str:
        """The environment variable; empty where there is none."""
        return "" if self.is_file_only else f"HARNESS_{'NO_' * self.is_negated}{(self.word or self.key).upper()}"

    @property
    def flags(self) -> tuple[str, ...]:
        long = f"--{'no-' * self.is_negated}{(self.word or self.key).replace('_', '-')}" if self.has_long else ""
        return tuple(filter(None, (self.short, long)))

    @property
    def flag(self) -> str:
        """The long flag, or the only one; empty where there is none."""
        return self.flags[-1] if self.flags else ""


def _option(form: Form, help: str, short: str = "", **rest: Any) -> Any:
    """A field of ``Config`` whose option has the flag of its key; *rest* are further attributes of ``Option``."""
    declared = {"form": form, "default": form.default, "help": help, "short": short, "metavar": form.metavar, **rest}
    return field(repr=not rest.get("is_secret", False), metadata=declared)


_key = partial(_option, has_long=False)
_table = partial(_option, has_long=False, is_file_only=True)
_django = partial(_option, is_django=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All values that the user can decide. A field is named as its key in ``[tool.harness]``; paths are absolute.

    ``settings`` is ``None`` where no project is needed, and where a script decides. ``bootstrap`` has its file relative to
    ``workdir``. ``root`` is ``project`` or a folder above it. ``parallel`` is ``None`` for ``auto``. ``install`` is ``None`` for
    the default from the project's own files. ``env`` has all variables of the tests. ``shuffle`` is the seed if one is given:
    an integer that is no ``bool``. The fields of pip and the proxies are ``None`` for the values of the user's own pip. A run
    takes ``python``, the first of ``pythons``, and the first of ``django``. ``artifacts_root`` is the folder of all artifacts,
    including those of the runs on other backends. ``sources`` has the source of each value by its key (``default``,
    ``pyproject.toml``, a variable, a flag, ``manage.py``, the declaration of a Python), ``given`` the command line's values.
    """

    pythons: tuple[str, ...]
    artifacts_root: Path
    sources: Mapping[str, str] = field(repr=False)
    given: Mapping[str, object] = field(repr=False)
    script: str
    # the run
    project: Path = _option(
        FOLDER,
        "Folder of manage.py, the project's root.",
        default=".",
        commands=(*ALL, "shell", "down", "init"),
        in_file=False,
    )
    labels: tuple[str, ...] = _key(TEXTS, "Tests to run if the command line names none: dotted names, paths or ids.")
    db: tuple[DbSpec, ...] = _option(
        TEXTS,
        "Backend of the tests, or of one alias: ALIAS=ENGINE[:VERSION]. Without it, the engines of the settings. "
        "Repeatable: one run for each.",
        metavar="ENGINE[:VERSION]",
        commands=ALL,
    )
    settings: str | None = _option(
        TEXT,
        "Settings module. Without it, DJANGO_SETTINGS_MODULE, then the module that manage.py sets.",
        metavar="MODULE",
        commands=RUNS,
    )
    bootstrap: str | None = _key(
        TEXT,
        "Script that configures Django in place of manage.py, and may run the tests, with its arguments: "
        "a file (runtests.py), a function (runtests:configure), a command (shop-server test). "
        "{labels} stands for the labels of the run.",
        default=None,
    )
    parallel: int | None = _option(
        PARALLEL, "Number of workers; auto is the number of cores that the runner may use.", default="auto", bare="auto"
    )
    runner: Literal["container", "host"] = _option(
        choice("container", "host"),
        "Where the tests run: in the runner container, or as a child process on this machine.",
        commands=RUNS,
    )
    artifacts: Path = _option(FOLDER, "Folder of the reports.", default=".harness", commands=REPORTS)
    framework: FrameworkChoice = _option(
        choice("auto", "django", "pytest"),
        "Runs the tests: auto is pytest if the project is configured for it and has it, else Django's runner; django leaves "
        "out the tests that only pytest can run.",
        commands=RUNS,
    )
    pytest_args: tuple[str, ...] = _key(
        WORDS, "Options of pytest, each word by itself, as after -- on the command line: -m, 'not slow'."
    )
    legacy_discovery: bool = _option(
        SWITCH, "Find tests as Django up to 1.5 did, too: in an app's models module, and by a module's suite()."
    )
    doctest: bool = _option(
        SWITCH, "Run the doctests of models, of tests and of test files, each as a test of its own."
    )
    timeout: float = _option(SECONDS, "Limit of one test, in seconds.", default=300)
    timeouts: Mapping[str, float] = _table(
        SECONDS_TABLE,
        'Limits of tests whose ids match a pattern such as "shop.tests.slow.*"; a mark in the test takes precedence.',
    )
    run_timeout: float | None = _option(
        SECONDS, "Limit of all tests together, in seconds; a test that has not begun by then does not run."
    )
    setup_timeout: float = _option(
        SECONDS,
        "Limit of the project for loading its settings, for listing its tests, and for ending after them, each in seconds.",
        default=300,
        commands=RUNS,
    )
    template_timeout: float = _option(
        SECONDS, "Limit of making and migrating the test databases, in seconds.", default=3600
    )
    retries: int = _option(COUNT, "Number of retries of a failed test.", default=0)
    fail_on_flaky: bool = _option(SWITCH, "Make the run red if a test passed only after a retry.")
    repeat: int = _option(
        TIMES,
        "Number of times that each test runs, to find a test that fails now and then; a failure ends its repeats.",
        default=1,
    )
    replay: Path | None = _option(
        FILE, "Run the tests that FILE lists, one id on a line, in that order and in one worker.", in_file=False
    )
    check_isolation: bool = _option(SWITCH, "Report test classes that leave rows, moved sequences or open connections.")
    mirrors: MirrorMode = _option(
        choice("auto", "strict", "primary", "replica"),
        "How a mirror alias is connected: by test class (strict: and a TestCase must not use it), always through its primary,"
        " or always to its replica.",
    )
    replica_lag: Lag = _option(
        LAG,
        "Lag of the replicas in the body of a test: sync (a read waits until its replica has caught up), natural (it does "
        "not), a duration (500ms), frozen (nothing arrives until the test has ended).",
    )
    lag_check: float | None = _option(
        DURATION,
        "Run the tests that passed and read a replica once more, with replicas that are late by DURATION, and report each "
        "read that missed a write.",
    )
    fail_on_lag: bool = _option(SWITCH, "Make the run red if --lag-check finds a read that missed a write.")
    junit_strict: bool = _option(SWITCH, "Leave out elements that are not in the junit-10 schema.", commands=REPORTS)
    console: Literal["auto", "plain", "rich"] = _option(
        choice("auto", "plain", "rich"),
        "Terminal output: lines, or live progress; auto is live on a terminal outside CI.",
    )
    quiet: bool = _option(SWITCH, "Print one line if all is green, else the first failures and the result.", "-q")
    # the project
    python: str = _option(
        PYTHON,
        "Python version of the runner image; of a list, a run takes the first, and harness matrix all. "
        "Without it, the version that the project declares: 3.13 if that is allowed.",
        default="3.13",
        commands=ALL,
    )
    django: tuple[str, ...] = _option(
        TEXTS,
        "Version of Django, in place of the one that the project's dependencies name: 5.2 is the newest 5.2.x, 5.2.3 that "
        "release. Repeatable: one run for each, on every backend.",
        metavar="VERSION",
        commands=ALL,
    )
    install: tuple[str, ...] | None = _table(
        TEXTS,
        "Commands that install the project's dependencies into the runner image. "
        "Without it, the tool of the project's lock installs it, or pip by its requirements*.txt or pyproject.toml.",
        default=None,
    )
    extra_install: tuple[str, ...] = _key(
        TEXTS, "Further requirements of the runner image, beside those of the project: a driver, a plugin."
    )
    apt: tuple[str, ...] = _key(TEXTS, "Further Debian packages of the runner image.")
    package_cache: bool = _key(
        SWITCH, "Keep what is downloaded for one image of the project for its next one, in a volume.", default=True
    )
    root: Path = _key(
        FOLDER,
        "Folder whose files the tests get, around the project's: .. where the project needs files beside it. "
        "Without it, the project's.",
        default=".",
    )
    workdir: str | None = _key(
        TEXT, "Folder of the project in which the tests run. Without it, that of manage.py.", default=None
    )
    include: tuple[str, ...] = _key(
        TEXTS, "Patterns of files that git ignores and the tests need, from the project's folder: .env, locale/**/*.mo."
    )
    collect: tuple[str, ...] = _key(
        TEXTS,
        "Files and folders that the tests write, from the project's folder: they come into the artifacts, as collected/. "
        "Reports of pytest's plugins come by themselves.",
    )
    before: tuple[str, ...] = _table(
        TEXTS, "Shell commands that run in the project's folder, where the tests run, before its settings are loaded."
    )
    env_file: Path | None = _key(
        FILE,
        "File with lines NAME=value: further environment variables of the tests, which env replaces.",
        default=None,
    )
    env_for: Mapping[str, Mapping[str, str]] = _table(
        TABLE,
        "One table for each backend: further environment variables of a run whose --db names it; they replace those of env.",
        is_secret=True,
    )
    env: Mapping[str, str] = _table(TEXT_TABLE, "Environment variables of the tests.", is_secret=True)
    pass_env: tuple[str, ...] = _key(
        TEXTS, "Names of the caller's variables that the tests get too; they take precedence over env."
    )
    # the servers
    server_kind: ServerKind = _option(
        choice("auto", "docker", "local"),
        "Where the servers run: in containers, or as processes of this machine (local), beside tests of --runner host. "
        "auto takes containers if an engine answers.",
        commands=RUNS,
        word="servers",
    )
    startup_timeout: float = _key(SECONDS, "Limit of a server until it accepts connections, in seconds.", default=60)
    network: Literal["open", "isolated"] = _option(
        choice("open", "isolated"),
        "Network of the tests: that of the engine's machine, or one with the run's own servers alone.",
    )
    servers: Mapping[str, ServerConfig] = _table(
        TABLE,
        "One table for each engine: image, any image that has the server's binaries, is seeded and used in place of the "
        "default; apt, in_memory, memory_size and replication are in the table above. "
        "server_kind chooses where the servers run.",
    )
    # the cache of migrated databases
    cache: bool = _option(
        SWITCH,
        "The cache of migrated test databases, from which a run takes them; --no-cache neither reads nor writes it.",
        default=True,
        is_negated=True,
    )
    cache_size: int = _key(
        BYTES,
        "Limit of the cached databases of all projects together; those used longest ago go first.",
        default="2g",
    )
    cache_setup: bool = _key(
        SWITCH,
        "Cache the test databases also where the project fills them itself, by setup_databases of its runner or by "
        "django_db_setup: both then do not run on a hit.",
    )
    verify_template: bool = _option(
        SWITCH, "Build the test databases anew beside those from the cache, and compare schema and rows."
    )
    # image builds
    ca_certificates: Path | None = _key(FILE, "Certificate bundle of image builds, in PEM. Without it, that of pip.")
    pip_index_url: str | None = _key(TEXT, "Package index of image builds. Without it, that of pip.", is_secret=True)
    pip_extra_index_urls: tuple[str, ...] | None = _key(
        TEXTS, "Further package indexes. Without it, those of pip.", default=None, is_secret=True
    )
    pip_find_links: tuple[str, ...] | None = _key(PLACES, "Folders or pages with packages. Without it, those of pip.")
    pip_trusted_hosts: tuple[str, ...] | None = _key(
        TEXTS, "Hosts that pip trusts without a certificate. Without it, those of pip.", default=None
    )
    pip_constraints: tuple[str, ...] | None = _key(PLACES, "Constraints files for pip. Without it, those of pip.")
    http_proxy: str | None = _key(
        TEXT, "HTTP proxy of image builds. Without it, HTTP_PROXY or http_proxy.", is_secret=True
    )
    https_proxy: str | None = _key(
        TEXT, "HTTPS proxy of image builds. Without it, HTTPS_PROXY or https_proxy.", is_secret=True
    )
    no_proxy: str | None = _key(TEXT, "Hosts that builds reach without a proxy. Without it, NO_PROXY or no_proxy.")
    warnings: tuple[str, ...] | None = _option(
        TEXTS,
        "Filter of Python's warnings in the tests, as of python -W. Repeatable. Without it, PYTHONWARNINGS, or the filters "
        "of the Python that runs harness.",
        "-W",
        default=None,
        metavar="FILTER",
    )
    # options of manage.py test
    failfast: bool = _django(SWITCH, "Stop after the first failure, in all workers.")
    keepdb: bool = _django(SWITCH, "Keep the servers and the test databases for the next run.")
    reverse: bool = _django(SWITCH, "Run the tests in reverse order.", "-r")
    shuffle: bool | int = _django(SEED, "Run the tests in random order; the seed is printed.", bare="true")
    tag: tuple[str, ...] = _django(TEXTS, "Run only tests with this tag. Repeatable.", metavar="TAG")
    exclude_tag: tuple[str, ...] = _django(TEXTS, "Leave out tests with this tag. Repeatable.", metavar="TAG")
    name_patterns: tuple[str, ...] = _django(
        TEXTS, "Run only tests whose name matches, as in unittest. Repeatable.", "-k", has_long=False, metavar="PATTERN"
    )
    pattern: str | None = _django(TEXT, "Pattern of test files. Without it, test*.py.", "-p", metavar="PATTERN")
    top_level_directory: str | None = _django(TEXT, "Top level of the project for discovery.", "-t", metavar="DIR")
    testrunner: str | None = _django(
        TEXT, "Class that runs the tests, in place of TEST_RUNNER of the settings.", default=None, metavar="CLASS"
    )
    debug_sql: bool = _django(SWITCH, "Show the SQL of failing tests.", "-d")
    debug_mode: bool = _django(SWITCH, "Run with settings.DEBUG on.")
    buffer: bool = _django(SWITCH, "Show the output of failing tests only.", "-b")
    timing: bool = _django(SWITCH, "Show the times of Django's set-up.")
    durations: int | None = _option(
        COUNT, "Show the N slowest tests; 0 is all of them. Without it, those that took 5 seconds or more."
    )
    verbosity: int = _django(VERBOSITY, "0 least, 3 most; without a value 2.", "-v", default=1, bare="2", commands=RUNS)

    @property
    def needs_lag_proxy(self) -> bool:
        """Whether something stands between primaries and replicas that holds up what these get."""
        return self.replica_lag.needs_proxy or self.lag_check is not None

    @property
    def run_django(self) -> str:
        """The version of Django that a run asks for, the first of ``django``; empty for that of the project's dependencies."""
        return self.django[0] if self.django else ""

    @property
    def python_source(self) -> str:
        """The source of the Python version; empty for the default."""
        return "" if self.sources["python"] == DEFAULT else self.sources["python"]


OPTIONS = tuple(Option(key=each.name, **each.metadata) for each in dataclasses.fields(Config) if each.metadata)


def explain(config: Config) -> tuple[tuple[str, str, str], ...]:
    """Every key with its value as text and its source, in the order of ``OPTIONS``. Secrets are left out."""
    return tuple(
        (option.key, _shown(getattr(config, option.key), option.is_secret), config.sources[option.key])
        for option in OPTIONS
    )


def _shown(value: object, is_secret: bool) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={'***' if is_secret else item}" for name, item in value.items()) or "-"
    if value is None or value == ():
        return "-"
    if is_secret:
        return "***"
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
