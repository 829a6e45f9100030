"""Every option, declared once: its key, flags, variable, default, kind and help text.

Owns ``OPTIONS``: the command line is generated from it, ``load`` reads files and variables by it, and the
reference pages are tested against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.host.config.values import (
    BYTES,
    COUNT,
    PARALLEL,
    PATH,
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
    Kind,
    choice,
)


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Its variable is ``HARNESS_`` and the key in upper case.

    ``default`` is written as in TOML; ``None``: not set. ``bare`` is the value of a flag that stands alone, where its
    value may be left out. ``commands`` are those that take the flags. ``file_only``: neither flag nor variable, since a
    shell's word cannot hold the value well. ``in_file`` is false for an option that locates the file. ``is_django``: the
    flag is one of ``manage.py test``, and the runner gets it. The value of a ``secret`` is never shown.
    """

    key: str
    kind: Kind
    default: object
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    bare: str = ""
    commands: tuple[str, ...] = ("ci",)
    file_only: bool = False
    in_file: bool = True
    is_django: bool = False
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable; empty where there is none."""
        return "" if self.file_only else f"HARNESS_{self.key.upper()}"

    @property
    def flag(self) -> str:
        """The long flag, or the only one; empty where there is none."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0] if self.flags else "")


_ALL = ("ci", "plan", "images build")
_EVERY = (*_ALL, "matrix")
_BOTH = ("ci", "plan")

_RUN = (
    Option(
        "project",
        PATH,
        ".",
        "The project's root, where manage.py is.",
        ("--project",),
        "DIR",
        commands=_EVERY,
        in_file=False,
    ),
    Option("labels", TEXTS, [], "What to run when the command line names nothing: dotted names or paths."),
    Option(
        "db",
        TEXTS,
        [],
        "Backend to run on, also for one alias: ALIAS=ENGINE[:VERSION]. Without it, what the settings name. "
        "Repeatable: a run each.",
        ("--db",),
        "ENGINE[:VERSION]",
        commands=_EVERY,
    ),
    Option(
        "settings",
        TEXT,
        None,
        "Settings module. Without it, DJANGO_SETTINGS_MODULE, then what manage.py sets.",
        ("--settings",),
        "MODULE",
        commands=_BOTH,
    ),
    Option(
        "parallel",
        PARALLEL,
        "auto",
        "How many workers; auto is the cores that the runner may use.",
        ("--parallel",),
        "N|auto",
        bare="auto",
    ),
    Option(
        "runner",
        choice("container", "host"),
        "container",
        "Where the tests run: in the runner container, or as a child process on this machine.",
        ("--runner",),
        "container|host",
        commands=_BOTH,
    ),
    Option(
        "artifacts",
        PATH,
        ".harness",
        "Where reports are written.",
        ("--artifacts",),
        "DIR",
        commands=("ci", "merge"),
    ),
    Option(
        "framework",
        choice("django"),
        None,
        "django: run Django's tests alone, and leave out those that only pytest can run. Without it, these are red.",
        ("--framework",),
        "django",
    ),
    Option("timeout", SECONDS, 300, "The longest that one test may take, in seconds.", ("--timeout",), "S"),
    Option(
        "timeouts",
        SECONDS_TABLE,
        {},
        'Other limits for tests whose ids fit a pattern such as "shop.tests.slow.*"; a mark in the test comes first.',
        file_only=True,
    ),
    Option(
        "run_timeout",
        SECONDS,
        None,
        "The longest that all tests together may take, in seconds; what has not run by then does not.",
        ("--run-timeout",),
        "S",
    ),
    Option(
        "setup_timeout",
        SECONDS,
        300,
        "The longest that the project may take to load its settings, to list its tests, and to end after them, each in "
        "seconds.",
        ("--setup-timeout",),
        "S",
        commands=_BOTH,
    ),
    Option(
        "template_timeout",
        SECONDS,
        3600,
        "The longest that the test databases may take to be made, migrations included, in seconds.",
        ("--template-timeout",),
        "S",
    ),
    Option("retries", COUNT, 0, "How many times a failed test is tried again.", ("--retries",), "N"),
    Option("fail_on_flaky", SWITCH, False, "End red when a test passed only after a retry.", ("--fail-on-flaky",)),
    Option(
        "repeat",
        TIMES,
        1,
        "How many times each test runs, to hunt one that fails now and then; one that has failed is not repeated.",
        ("--repeat",),
        "N",
    ),
    Option(
        "replay",
        PATH,
        None,
        "Run the tests that FILE lists, an id a line, in that order and in one worker.",
        ("--replay",),
        "FILE",
        in_file=False,
    ),
    Option(
        "check_isolation",
        SWITCH,
        False,
        "Say which test classes leave rows, moved sequences or open connections behind.",
        ("--check-isolation",),
    ),
    Option(
        "mirrors",
        choice("auto", "primary", "replica"),
        "auto",
        "How a mirror alias is connected: by test class, always through its primary, or always to its replica.",
        ("--mirrors",),
        "auto|primary|replica",
    ),
    Option(
        "junit_strict",
        SWITCH,
        False,
        "Leave out what the junit-10 schema does not know.",
        ("--junit-strict",),
        commands=("ci", "merge"),
    ),
    Option(
        "console",
        choice("auto", "plain", "rich"),
        "auto",
        "Terminal output: lines, or live progress; auto is live on a terminal outside CI.",
        ("--console",),
        "auto|plain|rich",
    ),
    Option(
        "quiet",
        SWITCH,
        False,
        "Print one line when all is green, else the first failures and what the run came to.",
        ("-q", "--quiet"),
    ),
)

_PROJECT = (
    Option(
        "python",
        PYTHON,
        "3.13",
        "Python version of the runner image; of a list, a run takes the first, and harness matrix all. Without it, what the "
        "project declares: 3.13 if that is allowed.",
        ("--python",),
        "VERSION",
        commands=_EVERY,
    ),
    Option(
        "install",
        TEXTS,
        None,
        "Commands that install the project's dependencies into the runner image. Without it, "
        "pip installs requirements*.txt, or what pyproject.toml names.",
        file_only=True,
    ),
    Option("apt", TEXTS, [], "Debian packages that the runner image gets as well."),
    Option("env", TEXT_TABLE, {}, "Environment variables of the tests.", file_only=True, secret=True),
    Option("pass_env", TEXTS, [], "Names of variables that the tests get from the caller's environment, over env."),
)

_SERVERS = (
    Option("startup_timeout", SECONDS, 60, "The longest that a server may take until it answers, in seconds."),
    Option(
        "network",
        choice("open", "isolated"),
        "open",
        "What the tests reach: whatever the engine's machine does, or nothing but the run's own servers.",
        ("--network",),
        "open|isolated",
    ),
    Option(
        "servers",
        TABLE,
        {},
        "A table an engine: image, any image that has the server's binaries, is seeded and used "
        "in place of the default; in_memory, memory_size and replication are told of above.",
        file_only=True,
    ),
)

_NETWORK = (
    Option(
        "ca_certificates", PATH, None, "Certificate bundle that image builds trust, in PEM. Without it, that of pip."
    ),
    Option("pip_index_url", TEXT, None, "Package index of image builds. Without it, that of pip.", secret=True),
    Option("pip_extra_index_urls", TEXTS, None, "Further package indexes. Without it, those of pip.", secret=True),
    Option("pip_find_links", PLACES, None, "Folders or pages with packages. Without it, those of pip."),
    Option("pip_trusted_hosts", TEXTS, None, "Hosts that pip trusts without a certificate. Without it, those of pip."),
    Option("pip_constraints", PLACES, None, "Constraints files for pip. Without it, those of pip."),
    Option(
        "http_proxy", TEXT, None, "Proxy of image builds for http. Without it, HTTP_PROXY or http_proxy.", secret=True
    ),
    Option(
        "https_proxy",
        TEXT,
        None,
        "Proxy of image builds for https. Without it, HTTPS_PROXY or https_proxy.",
        secret=True,
    ),
    Option("no_proxy", TEXT, None, "Hosts that image builds reach without a proxy. Without it, NO_PROXY or no_proxy."),
)

_DJANGO = (
    Option("failfast", SWITCH, False, "Stop after the first failure, in all workers.", ("--failfast",), is_django=True),
    Option(
        "keepdb",
        SWITCH,
        False,
        "Keep the servers and the test databases for the next run.",
        ("--keepdb",),
        is_django=True,
    ),
    Option("reverse", SWITCH, False, "Run the tests in reverse order.", ("-r", "--reverse"), is_django=True),
    Option(
        "shuffle",
        SEED,
        False,
        "Run the tests in random order; the seed is printed.",
        ("--shuffle",),
        "[SEED]",
        bare="true",
        is_django=True,
    ),
    Option("tag", TEXTS, [], "Run only tests with this tag. Repeatable.", ("--tag",), "TAG", is_django=True),
    Option(
        "exclude_tag",
        TEXTS,
        [],
        "Leave out tests with this tag. Repeatable.",
        ("--exclude-tag",),
        "TAG",
        is_django=True,
    ),
    Option(
        "name_patterns",
        TEXTS,
        [],
        "Run only tests whose name matches, as in unittest. Repeatable.",
        ("-k",),
        "PATTERN",
        is_django=True,
    ),
    Option(
        "pattern",
        TEXT,
        None,
        "Pattern of test files. Without it, test*.py.",
        ("-p", "--pattern"),
        "PATTERN",
        is_django=True,
    ),
    Option(
        "top_level_directory",
        TEXT,
        None,
        "Top level of the project for discovery.",
        ("-t", "--top-level-directory"),
        "DIR",
        is_django=True,
    ),
    Option("debug_sql", SWITCH, False, "Show the SQL of failing tests.", ("-d", "--debug-sql"), is_django=True),
    Option("debug_mode", SWITCH, False, "Run with settings.DEBUG on.", ("--debug-mode",), is_django=True),
    Option("buffer", SWITCH, False, "Show the output of failing tests only.", ("-b", "--buffer"), is_django=True),
    Option("timing", SWITCH, False, "Show what Django's set-up spends its time on.", ("--timing",), is_django=True),
    Option(
        "durations",
        COUNT,
        None,
        "Show the N slowest tests; 0 is all of them. Without it, those that took 5 seconds or more.",
        ("--durations",),
        "N",
    ),
    Option(
        "verbosity",
        VERBOSITY,
        1,
        "0 least, 3 most; alone it means 2.",
        ("-v", "--verbosity"),
        "[0|1|2|3]",
        bare="2",
        commands=_BOTH,
        is_django=True,
    ),
)

OPTIONS: tuple[Option, ...] = (*_RUN, *_PROJECT, *_SERVERS, *_NETWORK, *_DJANGO)

SERVER_KEYS: Mapping[str, Kind] = {
    "image": TEXT,
    "in_memory": SWITCH,
    "memory_size": BYTES,
    "replication": choice("gtid", "position"),
}
"""The keys of a table below ``[tool.harness.servers]``."""
