"""The tools that install a project's dependencies as its own files say: which file decides, and the commands of its tool.

Owns the order of these files, ``RULES``. Only decides: the commands run in the image, and the tools apply their own rules
for sources, groups and locks.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from harness.host.project.packaging_files import PackagingFiles, table_in
from harness.protocol.options import django_version

TEST_NAMES = ("test", "tests", "testing", "ci", "dev", "develop", "development", "local")
"""The names of files, groups and extras with the dependencies of tests, the likeliest first."""

ENVIRONMENT = "/opt/venv"
"""The virtual environment of the tests, in the runner's image."""

_FOLDER = "/tmp/harness-tools"  # noqa: S108 - in a container that no one else uses
PUBLIC_INDEX = "https://pypi.org/simple/"

VARIABLES: Mapping[str, str] = {
    "UV_PROJECT_ENVIRONMENT": ENVIRONMENT,
    "UV_PYTHON": f"{ENVIRONMENT}/bin/python",  # .python-version may name a Python that the image has not
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_LINK_MODE": "copy",
    "UV_NO_CACHE": "1",
    # the active environment is that of the tests; without this, a poetry.toml could choose the system's
    "POETRY_VIRTUALENVS_CREATE": "true",
    "POETRY_NO_INTERACTION": "1",
    "POETRY_CACHE_DIR": f"{_FOLDER}/cache",
    "PDM_CACHE_DIR": f"{_FOLDER}/cache",
    "PDM_LOG_DIR": f"{_FOLDER}/log",
    "PDM_CHECK_UPDATE": "false",
    "PIPENV_CACHE_DIR": f"{_FOLDER}/cache",
    "PIPENV_VERBOSITY": "-1",
}
"""Variables that make uv, Poetry, PDM and Pipenv install into the environment of the tests, in any command."""

TOOLS: Mapping[str, Sequence[str]] = {
    "uv": ("uv>=0.8",),
    # Poetry asks PyPI by an API that mirrors of a package index lack; the plugin makes it ask as pip does
    "poetry": ("poetry>=2", "poetry-plugin-pypi-mirror>=0.6"),
    "pdm": ("pdm>=2.20", "hishel<2"),  # PDM 2.29 fails with hishel 2: it has no SyncSqliteStorage
    "pipenv": ("pipenv>=2024",),
}
"""The packages of each tool."""


_Commands = Callable[[PackagingFiles], Iterable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """The *tool* that installs a project with *file*, or with *keys* in the tool's own table of ``pyproject.toml``.

    ``commands`` gives the arguments of each command of the tool.
    """

    file: str
    tool: str
    commands: _Commands
    keys: frozenset[str] = frozenset()

    def applies(self, files: PackagingFiles) -> bool:
        if not self.keys:
            return files.has(self.file)
        is_project = self.tool == "poetry" or bool(files.table("project"))
        return is_project and not self.keys.isdisjoint(files.table("tool", self.tool))

    @property
    def is_lock(self) -> bool:
        return "lock" in self.file

    @property
    def reason(self) -> str:
        return f"a lock; {self.tool} installs" if self.is_lock else f"no lock; only {self.tool} follows its tables"


def _uv(*options: str) -> _Commands:
    # pip is not in a lock, and stays in the environment for extra_install
    return lambda files: [["sync", *options, "--inexact", "--no-install-project", *_uv_selection(files)]]


def _pylock(files: PackagingFiles) -> Iterable[Sequence[str]]:
    lock = files.toml("pylock.toml")
    groups, extras = (for_tests(lock.get(key, ())) for key in ("dependency-groups", "extras"))
    yield ["pip", "install", "-r", "pylock.toml", *_each("--group", groups), *_each("--extra", extras)]


def _poetry(files: PackagingFiles) -> Iterable[Sequence[str]]:
    groups = files.table("tool", "poetry", "group")
    optional = for_tests(name for name in groups if table_in(groups, name).get("optional"))
    extras = for_tests({**files.table("tool", "poetry", "extras"), **_extras(files)})
    yield ["install", "--no-root", *_each("--with", optional), *_each("--extras", extras)]


def _pdm(*options: str) -> _Commands:
    return lambda files: [["install", *options, "--no-self", *_each("-G", for_tests(_extras(files)))]]


def _pipenv(*commands: str) -> _Commands:
    return lambda _files: [command.split() for command in commands]


UV_KEYS = frozenset({"sources", "workspace", "index", "index-url", "extra-index-url", "find-links", "no-index"})
UV_KEYS |= {"dev-dependencies", "constraint-dependencies", "override-dependencies"}

RULES = (
    Rule("uv.lock", "uv", _uv("--locked")),
    Rule("poetry.lock", "poetry", _poetry),
    Rule("pdm.lock", "pdm", _pdm("--check")),
    Rule("Pipfile.lock", "pipenv", _pipenv("verify", "sync --system --dev")),
    Rule("pylock.toml", "uv", _pylock),
    Rule("[tool.uv] of pyproject.toml", "uv", _uv(), UV_KEYS),
    Rule("[tool.poetry] of pyproject.toml", "poetry", _poetry, frozenset({"dependencies", "group", "source"})),
    Rule("[tool.pdm] of pyproject.toml", "pdm", _pdm(), frozenset({"source", "dev-dependencies", "resolution"})),
    Rule("Pipfile", "pipenv", _pipenv("install --skip-lock --system --dev")),
)
"""The files that decide how a project is installed: the first that applies. Without any of them, pip installs."""


def rule_for(files: PackagingFiles) -> Rule | None:
    return next((rule for rule in RULES if rule.applies(files)), None)


def unread_locks(files: PackagingFiles, chosen: Rule | None) -> list[str]:
    """The locks in *files* that *chosen* does not read."""
    return [rule.file for rule in RULES if rule.is_lock and rule != chosen and rule.applies(files)]


def commands_of(rule: Rule, files: PackagingFiles) -> Iterable[str]:
    """The shell commands that install by *rule*, with those that install its tool in a place of its own."""
    return _commands(rule.tool, rule.commands(files), is_lock=rule.is_lock)


def uv_pip(files: PackagingFiles, arguments: Sequence[str]) -> list[str]:
    """The commands of ``uv pip install``, for requirements with indexes in uv's table; none where it has no such."""
    return list(_commands("uv", [["pip", *arguments]])) if not UV_KEYS.isdisjoint(files.table("tool", "uv")) else []


def _commands(tool: str, commands: Iterable[Sequence[str]], is_lock: bool = False) -> Iterator[str]:
    place = f"{_FOLDER}/{tool}"
    yield f"python -m venv {place} && PIP_CONSTRAINT= {place}/bin/pip install -q {shlex.join(TOOLS[tool])}"
    for arguments in commands:
        command = f"{place}/bin/{tool} {shlex.join(arguments)}"
        yield f"{_UV_INDEXES} {command} ${{PIP_NO_INDEX:+--no-index}}" if tool == "uv" and not is_lock else command
    yield CHECK_CONSTRAINTS
    yield f"rm -rf {_FOLDER}"


CHECK_CONSTRAINTS = (
    'test -z "$PIP_CONSTRAINT" || pip list --format=freeze --exclude-editable'
    " | pip install -q --dry-run --no-deps -r /dev/stdin"
)
"""Fails if an installed version breaks pip's constraints, which the tools do not read."""

_UV_INDEXES = (
    'UV_CONSTRAINT="$PIP_CONSTRAINT $UV_CONSTRAINT" '
    "UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX-$PIP_INDEX_URL} UV_INDEX=${UV_INDEX-$PIP_EXTRA_INDEX_URL}"
    ' UV_FIND_LINKS=${UV_FIND_LINKS-$(echo $PIP_FIND_LINKS | tr " " ,)}'
)
"""Pip's indexes and constraints for uv where there is no lock: a lock is only valid with its own indexes."""


_HAS_OWN_DJANGO = (
    'python -c \'from importlib.metadata import distribution; exit(not distribution("django").read_text("direct_url.json"))\''
    " 2>/dev/null"
)
"""Succeeds if Django comes from a repository, a folder or a URL of the project's choice, and not from an index."""


def preferring_django(command: str, asked: str) -> str:
    """*command*, which ends in a ``pip install``, so that pip takes versions for the Django *asked* where it is free to; if
    there are none, as it is.
    """
    preferring = f"{command} {shlex.quote(django_version.requirement(asked))} 2>/dev/null"
    return f"({preferring}) || ({command})" if "&&" in command else f"{preferring} || {command}"


def django_command(asked: str) -> str:
    """The command that installs the newest Django that is *asked*, in place of the one of the project's dependencies.

    It fails if that breaks a requirement of an installed package. A Django from a source of the project's choice stays.
    """
    install = f"pip install --upgrade {shlex.quote(django_version.requirement(asked))}"
    return (
        f"known=$(pip check | sed 's/, but you have .*//'); {{ {_HAS_OWN_DJANGO} || {install}; }}"
        ' && { found=$(pip check) || ! echo "$found" | grep -vF "$known"; }'
    )


def django_advice(asked: str, output: str) -> str:
    """The next step after ``django_command`` failed with *output*; empty if the output shows no known reason."""
    conflicts = re.findall(r"^(\S+ \S+) has requirement (.+), but you have (.+)\.$", output, re.MULTILINE)
    if conflicts:
        listed = "; ".join(
            f"{package} requires {needed}, and would get {found}" for package, needed, found in conflicts
        )
        names = ", ".join(dict.fromkeys(package.split()[0] for package, _, _ in conflicts))
        return f"{listed}. Name another version of {names} in the project's files, or leave {asked} out of django."
    if "No matching distribution found for Django" not in output:
        return ""
    for release, pythons in re.findall(r"(\S+) Requires-Python ([^;\s]+)", output):
        if f"{release}.".startswith(f"{asked}."):
            return f"Django {release} requires Python {pythons}: name one with --python, or python in [tool.harness]."
    return (
        f"The index has no release of Django {asked}: correct --django, or django in [tool.harness]. A pre-release needs its"
        " whole name, such as 6.1rc1."
    )


def django_index(files: PackagingFiles) -> str:
    """The index that the table of a tool takes Django from; empty where that is any."""
    poetry = files.table("tool", "poetry")
    groups = [table_in(table_in(poetry, "group"), name) for name in table_in(poetry, "group")]
    tables = [table_in(each, "dependencies") for each in (poetry, *groups)]
    tables += [
        files.table("tool", "uv", "sources"),
        *(table_in(files.pipfile, key) for key in ("packages", "dev-packages")),
    ]
    named = [value for table in tables for key, value in table.items() if canonicalize_name(key) == "django"]
    found = (value.get("index") or value.get("source") for value in named if isinstance(value, Mapping))
    return str(next(filter(None, found), ""))


def from_pip(pip: Mapping[str, str]) -> dict[str, str]:
    """The variables that give the tools the index and the trusted hosts of *pip*'s variables."""
    index = pip.get("PIP_INDEX_URL", "")
    found = {"POETRY_PYPI_MIRROR_URL": index or PUBLIC_INDEX}
    if index:
        found |= {"PIPENV_PYPI_MIRROR": index, "PDM_PYPI_URL": index}
    if hosts := pip.get("PIP_TRUSTED_HOST"):
        found["UV_INSECURE_HOST"] = hosts
    return found


def has_tests(files: PackagingFiles) -> bool:
    """Whether the tool's own tables name dependencies for tests, as a group, an extra or a table for development."""
    named = [*files.table("dependency-groups"), *_extras(files), *files.table("tool", "poetry", "group")]
    tables = [files.table("tool", name).get("dev-dependencies") for name in ("uv", "poetry", "pdm")]
    return bool(for_tests(named) or any(tables) or table_in(files.pipfile, "dev-packages"))


def names_folders(files: PackagingFiles) -> bool:
    """Whether a tool that leaves the project's own code out reads more of it than packaging files: a folder with a package,
    or a build that lists dependencies.
    """
    dynamic = files.table("project").get("dynamic", ())
    is_built = "dependencies" in dynamic or "optional-dependencies" in dynamic
    return is_built or bool(files.table("tool", "uv", "workspace")) or any(folders(files))


def folders(files: PackagingFiles) -> Iterator[str]:
    """The places in the project's folder that its tables take packages from, as they are written."""
    tables = [files.table("tool", name) for name in ("uv", "poetry", "pdm")]
    for table in (*tables, files.pipfile, files.table("project"), files.table("dependency-groups")):
        yield from _places(table)


def _places(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (str(inner) for key, inner in value.items() if key in ("path", "workspace"))
        yield from (place for inner in value.values() for place in _places(inner))
    elif isinstance(value, list):
        yield from (place for inner in value for place in _places(inner))
    elif isinstance(value, str) and any(mark in value for mark in ("file:", "{root:", "${PROJECT_ROOT}")):
        yield value


def _uv_selection(files: PackagingFiles) -> Iterator[str]:
    """The groups and extras for tests; of those that the project declares as conflicting, the first."""
    chosen = [("group", name) for name in for_tests(files.table("dependency-groups"))]
    chosen += [("extra", name) for name in for_tests(_extras(files))]
    for conflict in files.table("tool", "uv").get("conflicts", ()):
        found = [each for each in chosen if dict([each]) in conflict]
        chosen = [each for each in chosen if each not in found[1:]]
    for kind, name in chosen:
        yield from (f"--{kind}", name)


def _extras(files: PackagingFiles) -> Mapping[str, Any]:
    return files.table("project", "optional-dependencies")


def for_tests(names: Iterable[str]) -> list[str]:
    """Those of *names* that dependencies of tests have, the likeliest first."""
    known: dict[str, str] = {canonicalize_name(name): name for name in names}
    return [known[name] for name in TEST_NAMES if name in known]


def _each(option: str, names: Iterable[str]) -> list[str]:
    return [word for name in names for word in (option, name)]
