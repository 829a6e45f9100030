"""Every option, declared once: a field of ``Config`` with its form, default, help text and flags.

The command line is generated from ``OPTIONS``, ``load`` reads files and variables by it, and the reference pages are tested
against it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.host.config.databases import DbSpec
from harness.host.config.servers import ServerConfig
from harness.host.config.values import (
    COUNT,
    FILE,
    FOLDER,
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
    Form,
    choice,
)
from harness.protocol.messages import MirrorMode

DEFAULT = "default"
"""The source of a value that is given nowhere."""

ALL = ("ci", "plan", "images build", "matrix")
RUNS = ("ci", "plan")


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Its variable is ``HARNESS_`` and the key in upper case.

    ``default`` is written as in TOML; ``None``: not set. ``bare`` is the value of a flag that stands alone, where its
    value may be left out. ``commands`` are those that take the flags. ``is_file_only``: neither flag nor variable, since a
    shell's word cannot hold the value well. ``in_file`` is false for an option that locates the file. ``is_django``: the
    flag is one of ``manage.py test``, and the runner gets it. The value of a secret is never shown.
    """

    key: str
    form: Form
    default: object
    help: str
    flags: tuple[str, ...]
    metavar: str
    bare: str
    commands: tuple[str, ...]
    is_file_only: bool
    in_file: bool
    is_django: bool
    is_secret: bool

    @property
    def variable(self) -> str:
        """The environment variable; empty where there is none."""
        return "" if self.is_file_only else f"HARNESS_{self.key.upper()}"

    @property
    def flag(self) -> str:
        """The long flag, or the only one; empty where there is none."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0] if self.flags else "")


def _option(
    form: Form,
    default: object,
    help: str,
    *flags: str,
    metavar: str = "",
    bare: str = "",
    commands: tuple[str, ...] = ("ci",),
    is_file_only: bool = False,
    in_file: bool = True,
    is_django: bool = False,
    is_secret: bool = False,
) -> Any:
    declared = {**locals(), "metavar": metavar or form.metavar}
    return field(repr=not is_secret, metadata=declared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All values that the user can decide. A field is named as its key in ``[tool.harness]``; paths are absolute.

    ``settings`` is ``None`` only where no project was asked for. ``parallel`` is ``None`` for ``auto``. ``install`` is
    ``None`` for the default from the project's own files. ``env`` includes the values of ``pass_env``. ``shuffle`` is the
    seed if one is given: an integer that is no ``bool``. The fields of pip and the proxies are ``None`` for the values of
    the user's own pip. A run takes ``python``, the first of ``pythons``. ``artifacts_root`` is the folder of all artifacts,
    including those of the runs on other backends. ``sources`` has the source of each value by its key (``default``,
    ``pyproject.toml``, a variable, a flag, ``manage.py``, the declaration of a Python), ``given`` the command line's values.
    """

    pythons: tuple[str, ...]
    artifacts_root: Path
    sources: Mapping[str, str] = field(repr=False)
    given: Mapping[str, object] = field(repr=False)
    # the run
    project: Path = _option(
        FOLDER, ".", "The project's root, where manage.py is.", "--project", commands=ALL, in_file=False
    )
    labels: tuple[str, ...] = _option(
        TEXTS, [], "What to run when the command line names nothing: dotted names or paths."
    )
    db: tuple[DbSpec, ...] = _option(
        TEXTS,
        [],
        "Backend to run on, also for one alias: ALIAS=ENGINE[:VERSION]. Without it, what the settings name. "
        "Repeatable: a run each.",
        "--db",
        metavar="ENGINE[:VERSION]",
        commands=ALL,
    )
    settings: str | None = _option(
        TEXT,
        None,
        "Settings module. Without it, DJANGO_SETTINGS_MODULE, then what manage.py sets.",
        "--settings",
        metavar="MODULE",
        commands=RUNS,
    )
    parallel: int | None = _option(
        PARALLEL, "auto", "How many workers; auto is the cores that the runner may use.", "--parallel", bare="auto"
    )
    runner: Literal["container", "host"] = _option(
        choice("container", "host"),
        "container",
        "Where the tests run: in the runner container, or as a child process on this machine.",
        "--runner",
        commands=RUNS,
    )
    artifacts: Path = _option(FOLDER, ".harness", "Where reports are written.", "--artifacts", commands=("ci", "merge"))
    framework: str | None = _option(
        choice("django"),
        None,
        "django: run Django's tests alone, and leave out those that only pytest can run. Without it, these are red.",
        "--framework",
    )
    timeout: float = _option(SECONDS, 300, "The longest that one test may take, in seconds.", "--timeout")
    timeouts: Mapping[str, float] = _option(
        SECONDS_TABLE,
        {},
        'Other limits for tests whose ids fit a pattern such as "shop.tests.slow.*"; a mark in the test comes first.',
        is_file_only=True,
    )
    run_timeout: float | None = _option(
        SECONDS,
        None,
        "The longest that all tests together may take, in seconds; what has not run by then does not.",
        "--run-timeout",
    )
    setup_timeout: float = _option(
        SECONDS,
        300,
        "The longest that the project may take to load its settings, to list its tests, and to end after them, each in seconds.",
        "--setup-timeout",
        commands=RUNS,
    )
    template_timeout: float = _option(
        SECONDS,
        3600,
        "The longest that the test databases may take to be made, migrations included, in seconds.",
        "--template-timeout",
    )
    retries: int = _option(COUNT, 0, "How many times a failed test is tried again.", "--retries")
    fail_on_flaky: bool = _option(SWITCH, False, "End red when a test passed only after a retry.", "--fail-on-flaky")
    repeat: int = _option(
        TIMES,
        1,
        "How many times each test runs, to hunt one that fails now and then; one that has failed is not repeated.",
        "--repeat",
    )
    replay: Path | None = _option(
        FILE,
        None,
        "Run the tests that FILE lists, an id a line, in that order and in one worker.",
        "--replay",
        in_file=False,
    )
    check_isolation: bool = _option(
        SWITCH,
        False,
        "Report the test classes that leave rows, moved sequences or open connections behind.",
        "--check-isolation",
    )
    mirrors: MirrorMode = _option(
        choice("auto", "primary", "replica"),
        "auto",
        "How a mirror alias is connected: by test class, always through its primary, or always to its replica.",
        "--mirrors",
    )
    junit_strict: bool = _option(
        SWITCH, False, "Leave out what the junit-10 schema does not know.", "--junit-strict", commands=("ci", "merge")
    )
    console: Literal["auto", "plain", "rich"] = _option(
        choice("auto", "plain", "rich"),
        "auto",
        "Terminal output: lines, or live progress; auto is live on a terminal outside CI.",
        "--console",
    )
    quiet: bool = _option(
        SWITCH, False, "Print one line when all is green, else the first failures and the result.", "-q", "--quiet"
    )
    # the project
    python: str = _option(
        PYTHON,
        "3.13",
        "Python version of the runner image; of a list, a run takes the first, and harness matrix all. "
        "Without it, what the project declares: 3.13 if that is allowed.",
        "--python",
        metavar="VERSION",
        commands=ALL,
    )
    install: tuple[str, ...] | None = _option(
        TEXTS,
        None,
        "Commands that install the project's dependencies into the runner image. "
        "Without it, pip installs requirements*.txt, or what pyproject.toml names.",
        is_file_only=True,
    )
    apt: tuple[str, ...] = _option(TEXTS, [], "Debian packages that the runner image gets as well.")
    env: Mapping[str, str] = _option(
        TEXT_TABLE, {}, "Environment variables of the tests.", is_file_only=True, is_secret=True
    )
    pass_env: tuple[str, ...] = _option(
        TEXTS, [], "Names of variables that the tests get from the caller's environment, over env."
    )
    # the servers
    startup_timeout: float = _option(SECONDS, 60, "The longest that a server may take until it answers, in seconds.")
    network: Literal["open", "isolated"] = _option(
        choice("open", "isolated"),
        "open",
        "Network of the tests: that of the engine's machine, or one with nothing but the run's own servers.",
        "--network",
    )
    servers: Mapping[str, ServerConfig] = _option(
        TABLE,
        {},
        "A table an engine: image, any image that has the server's binaries, is seeded and used in place of the default; "
        "in_memory, memory_size and replication are in the table above.",
        is_file_only=True,
    )
    # image builds
    ca_certificates: Path | None = _option(
        FILE, None, "Certificate bundle that image builds trust, in PEM. Without it, that of pip."
    )
    pip_index_url: str | None = _option(
        TEXT, None, "Package index of image builds. Without it, that of pip.", is_secret=True
    )
    pip_extra_index_urls: tuple[str, ...] | None = _option(
        TEXTS, None, "Further package indexes. Without it, those of pip.", is_secret=True
    )
    pip_find_links: tuple[str, ...] | None = _option(
        PLACES, None, "Folders or pages with packages. Without it, those of pip."
    )
    pip_trusted_hosts: tuple[str, ...] | None = _option(
        TEXTS, None, "Hosts that pip trusts without a certificate. Without it, those of pip."
    )
    pip_constraints: tuple[str, ...] | None = _option(
        PLACES, None, "Constraints files for pip. Without it, those of pip."
    )
    http_proxy: str | None = _option(
        TEXT, None, "Proxy of image builds for http. Without it, HTTP_PROXY or http_proxy.", is_secret=True
    )
    https_proxy: str | None = _option(
        TEXT, None, "Proxy of image builds for https. Without it, HTTPS_PROXY or https_proxy.", is_secret=True
    )
    no_proxy: str | None = _option(
        TEXT, None, "Hosts that image builds reach without a proxy. Without it, NO_PROXY or no_proxy."
    )
    # options of manage.py test
    failfast: bool = _option(
        SWITCH, False, "Stop after the first failure, in all workers.", "--failfast", is_django=True
    )
    keepdb: bool = _option(
        SWITCH, False, "Keep the servers and the test databases for the next run.", "--keepdb", is_django=True
    )
    reverse: bool = _option(SWITCH, False, "Run the tests in reverse order.", "-r", "--reverse", is_django=True)
    shuffle: bool | int = _option(
        SEED, False, "Run the tests in random order; the seed is printed.", "--shuffle", bare="true", is_django=True
    )
    tag: tuple[str, ...] = _option(
        TEXTS, [], "Run only tests with this tag. Repeatable.", "--tag", metavar="TAG", is_django=True
    )
    exclude_tag: tuple[str, ...] = _option(
        TEXTS, [], "Leave out tests with this tag. Repeatable.", "--exclude-tag", metavar="TAG", is_django=True
    )
    name_patterns: tuple[str, ...] = _option(
        TEXTS,
        [],
        "Run only tests whose name matches, as in unittest. Repeatable.",
        "-k",
        metavar="PATTERN",
        is_django=True,
    )
    pattern: str | None = _option(
        TEXT, None, "Pattern of test files. Without it, test*.py.", "-p", "--pattern", metavar="PATTERN", is_django=True
    )
    top_level_directory: str | None = _option(
        TEXT,
        None,
        "Top level of the project for discovery.",
        "-t",
        "--top-level-directory",
        metavar="DIR",
        is_django=True,
    )
    debug_sql: bool = _option(SWITCH, False, "Show the SQL of failing tests.", "-d", "--debug-sql", is_django=True)
    debug_mode: bool = _option(SWITCH, False, "Run with settings.DEBUG on.", "--debug-mode", is_django=True)
    buffer: bool = _option(SWITCH, False, "Show the output of failing tests only.", "-b", "--buffer", is_django=True)
    timing: bool = _option(SWITCH, False, "Show what Django's set-up spends its time on.", "--timing", is_django=True)
    durations: int | None = _option(
        COUNT,
        None,
        "Show the N slowest tests; 0 is all of them. Without it, those that took 5 seconds or more.",
        "--durations",
    )
    verbosity: int = _option(
        VERBOSITY, 1, "0 least, 3 most; alone it means 2.", "-v", "--verbosity", bare="2", commands=RUNS, is_django=True
    )

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
