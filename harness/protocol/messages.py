"""The host's messages to the runner, in this order: ``Begin``, ``UseRoutes``, ``ServersReady``. ``ServerActionDone`` answers a
request of a worker, and ``Stop`` comes at any time.

They cross on the runner's standard input; end of file there means that the host is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import ExitCode
from .topology import AliasMode, Role

MirrorMode = Literal["auto", "strict", "primary", "replica"]
LagMode = Literal["sync", "natural", "delayed", "frozen"]
Framework = Literal["django", "pytest"]
FrameworkChoice = Literal["auto", "django", "pytest"]
SeedState = Literal["hit", "near", "miss"]


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The seconds that a test may take whose id matches ``pattern`` (a shell's: ``*``, ``?``, ``[...]``)."""

    pattern: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Lag:
    """How late replicas are while the body of a test runs. ``sync``: a read waits until its replica has caught up; ``natural``:
    it does not; ``delayed``: nor does it, and all arrives ``seconds`` late; ``frozen``: nothing arrives.
    """

    mode: LagMode = "sync"
    seconds: float = 0.0

    @property
    def needs_proxy(self) -> bool:
        """Whether something between the primaries and their replicas holds up what these get."""
        return self.mode in ("delayed", "frozen")

    def __str__(self) -> str:
        """The value of ``--replica-lag``, in milliseconds: ``500ms``."""
        return f"{self.seconds * 1000:g}ms" if self.mode == "delayed" else self.mode


SYNC = Lag()


@dataclass(frozen=True, slots=True)
class History:
    """Times of earlier runs, in seconds: ``seconds[i]`` is that of the test with the id ``tests[i]``, ``fixture_s[i]`` that of
    the fixtures of the class ``classes[i]``, which a split class runs once more. ``whole`` are classes that are not split.
    """

    tests: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    fixture_s: tuple[float, ...] = ()
    whole: tuple[str, ...] = ()


NO_HISTORY = History()


@dataclass(frozen=True, slots=True)
class RunSpec:
    """The task of a run. ``plan_only``: report the topology and end.

    ``project`` is the project's folder as a path from that of all files, ``workdir`` the working directory of the tests, seen
    from there too. ``before`` are shell commands that run in ``workdir`` first. ``script`` is the ``manage.py``, as a path from
    ``workdir``; empty for none. ``bootstrap`` has the words of a command that configures Django in its place; empty for none.
    ``settings`` is a dotted module, or ``None`` for the one that the script sets; ``settings_advice`` completes the error where
    it sets none. ``django`` is the version of Django that must be there, as the user writes it; empty for any.
    ``django_args`` are arguments of ``manage.py test``, each option in one word with its value. ``workers`` is
    ``None`` for as many as there are cores. ``timeout_s`` is the longest that one test may take, in seconds, unless its id
    matches a pattern of ``timeouts``; ``is_timeout_given``: it is not the default. ``run_timeout_s`` is that of all tests
    together. ``mirrors``: how a mirror alias is connected, by test class (``auto``), or always through its primary or always to
    its replica. ``lag`` is that of replicas; with ``lag_check_s`` above 0, tests that have read a replica run once more with
    replicas so many seconds late. ``repeat`` is the number of times that each test runs. ``replay`` has the tests to run, and
    no others, in this order and in one worker. ``check_isolation``: report the classes that leave something behind in the
    databases. ``framework`` runs the tests, by ``auto`` the one that the project is set up for; by ``django``, tests that only
    pytest can run are left out, where ``auto`` has them red. ``pytest_args`` are options of pytest, each word by itself.
    ``is_workdir_found``: ``workdir`` is that of the script, which the user did not name.
    ``is_settings_variable``: ``settings`` is the value of ``DJANGO_SETTINGS_MODULE``.
    ``legacy_discovery``: find tests as Django up to 1.5 did, too. ``doctest``: docstrings are tests. ``history`` orders the
    units, the longest first.
    ``cache``: the templates may come from a cached seed, and be cached: ``SeedWanted`` comes before ``ServersReady`` is awaited.
    ``cache_setup``: also where a set-up of the project's own fills them. ``verify_template``: compare cached templates with new
    ones.
    """

    plan_only: bool = False
    before: tuple[str, ...] = ()
    project: str = ""
    workdir: str = ""
    script: str = ""
    bootstrap: tuple[str, ...] = ()
    settings: str | None = None
    settings_advice: str = ""
    labels: tuple[str, ...] = ()
    django_args: tuple[str, ...] = ()
    workers: int | None = None
    timeout_s: float = 300.0
    is_timeout_given: bool = False
    timeouts: tuple[TimeLimit, ...] = ()
    run_timeout_s: float | None = None
    retries: int = 0
    repeat: int = 1
    replay: tuple[str, ...] = ()
    check_isolation: bool = False
    mirrors: MirrorMode = "auto"
    lag: Lag = SYNC
    lag_check_s: float = 0.0
    framework: FrameworkChoice = "auto"
    pytest_args: tuple[str, ...] = ()
    is_workdir_found: bool = False
    is_settings_variable: bool = False
    legacy_discovery: bool = False
    doctest: bool = False
    django: str = ""
    cache: bool = False
    cache_setup: bool = False
    verify_template: bool = False
    history: History = NO_HISTORY
    scratch: str = "/tmp"  # noqa: S108 - a default of the runner's own container; the host runner names a private folder


@dataclass(frozen=True, slots=True)
class Route:
    """The route of an alias: its server, its backend, its user, and its test database.

    ``server`` is ``None`` where the backend needs none (SQLite); ``role`` is the server's. ``backend`` replaces ``ENGINE`` when
    the run asked for another engine than the settings'. ``database`` is the name of the test database; ``test_name`` is
    ``None`` where that is Django's own choice, else the same name. ``mirror_of`` is the alias at the end of a mirror's chain;
    ``dependencies`` are the aliases whose test databases are made first.
    """

    alias: str
    server: str | None
    backend: str
    user: str
    test_name: str | None = None
    drop_options: tuple[str, ...] = ()
    role: Role = "primary"
    mode: AliasMode = "primary"
    mirror_of: str | None = None
    database: str = ""
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a server, as seen from the runner. ``is_in_memory``: its databases are in memory, not on a disk."""

    server: str
    role: Role
    host: str
    port: int
    password: str
    is_in_memory: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """The first message."""

    spec: RunSpec


@dataclass(frozen=True, slots=True)
class UseRoutes:
    """The host's answer to ``TopologyFound``: the servers are being started meanwhile."""

    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class SeedFile:
    """The template of ``alias``, a database of SQLite: its file, compressed by zlib, in base64."""

    alias: str
    content: str


@dataclass(frozen=True, slots=True)
class SeedFound:
    """The host's answer to ``SeedWanted``: what the servers started from.

    On a ``hit`` every template of ``key`` is there, with the clones of the slots 1 to ``slots``, on the servers and in
    ``files``; ``near``: the templates of an ancestor whose migrations were ``migrations``, some of the wanted ones.
    On a ``miss``, for ``reason``, there is nothing.
    """

    state: SeedState
    key: str = ""
    migrations: tuple[str, ...] = ()
    slots: int = 0
    reason: str = ""
    files: tuple[SeedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ServersReady:
    """Every server answers and every replica streams. ``seed`` is ``None`` where the host caches nothing."""

    endpoints: tuple[Endpoint, ...]
    seed: SeedFound | None = None


ALONE, PUT_RIGHT = "alone", "put_right"
"""The actions before and after those of a test that disturbs servers: to run alone, and to undo what it has done."""
MAKE_LATE, RENEWED = "make_late", "renewed"
"""The action before ``lag`` and ``freeze`` of such a test, and its answer where a new replica takes the place of the other."""


@dataclass(frozen=True, slots=True)
class ServerActionDone:
    """The host's answer to the ``ServerActionWanted`` of the same ``request``: the action's result, or the ``error``, whose parts
    are those of a ``HarnessError``. Without an error it is carried out.
    """

    request: str
    answer: str = ""
    error: str = ""
    hint: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run now, with *exit_code*: that of the signal that asked for it, or of the failure on the host's side."""

    reason: str
    exit_code: ExitCode


Message = Begin | UseRoutes | ServersReady | ServerActionDone | Stop
