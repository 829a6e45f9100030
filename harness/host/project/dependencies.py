"""Finds how a project's dependencies are installed: the commands, the files that these can read, and the digest of all.

Owns the defaults for projects without a configuration, see docs/design/0003-project-image.md. Reads the project's files,
and runs nothing.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ProjectError
from harness.host.digest import digest_of
from harness.host.project import declared_sources, requirements

TEST_NAMES = ("test", "tests", "testing", "ci", "dev", "develop", "development", "local")
"""The names of files, groups and extras with the dependencies of tests, the likeliest first."""

RUN_NAMES = ("base", "common", "main", "requirements", "default", "production", "prod")
"""The names of files with a project's own dependencies in a folder ``requirements/``, the likeliest first."""

_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile", "Pipfile.lock")
_SETTINGS = ("uv.toml", "poetry.toml", "pdm.toml", ".python-version")
_WITHOUT_PROJECT = frozenset({"--no-root", "--no-install-project", "--no-self"})
"""With these options, Poetry, uv and PDM read the declared dependencies and leave the project's own code out."""
_PIP = re.compile(r"^(?:python3?\s+-m\s+|uv\s+)?pip3?\s+install\b")
_FILE_OPTIONS = frozenset({"-r", "--requirement", "-c", "--constraint", "-b", "--build-constraint"})
_PLACE_OPTIONS = frozenset({"-f", "--find-links", "-i", "--index-url", "--extra-index-url"})
_VALUED_OPTIONS = _FILE_OPTIONS | _PLACE_OPTIONS | {"-e", "--editable", "--group"}


@dataclass(frozen=True, slots=True)
class Installation:
    """The commands that install the project's dependencies, run in the runner image, in the project's folder.

    ``files`` are the paths, relative to the project, that the commands can read; ``None`` means every file of it.
    ``told_by`` names the source of the commands, for people.
    """

    commands: tuple[str, ...] = ()
    files: tuple[str, ...] | None = ()
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The requirements in the project's own packaging files. ``requires`` is ``None`` when only a build could tell."""

    told_by: str = ""
    requires: tuple[str, ...] | None = ()
    test_told_by: str = ""
    test_requires: tuple[str, ...] = ()
    extra: str = ""


def plan(root: Path, configured: Sequence[str] | None, indexes: Sequence[str] = ()) -> Installation:
    """The installation of the dependencies of the project in *root*: *configured*, else the default from its files.

    *indexes* are the URLs that pip searches in place of the public index, or beside it. No commands when no dependencies
    are named. Raises ``ProjectError`` for a packaging file that cannot be parsed, and for a package whose declared source
    pip would not use.
    """
    if configured is not None:
        commands = tuple(configured)
        told_by = "[tool.harness] install"
    else:
        commands, told_by = _default(root, indexes)
    return Installation(commands, files_read(root, commands), told_by)


def names_dependencies(folder: Path) -> bool:
    """Whether a file in *folder* names dependencies, including those that cannot be installed by default."""
    try:
        return bool(plan(folder, None).commands) or (folder / "Pipfile").is_file()
    except ProjectError:
        return True


def digest(
    installation: Installation,
    fingerprints: Mapping[str, bytes],
    runner: str,
    apt: Iterable[str],
    environment: Iterable[bytes] = (),
) -> str:
    """Twelve hexadecimal digits that change with everything that an installation on the image *runner* can depend on.

    *fingerprints* are those of the files that its commands can read, see ``files``; *environment* are the parts
    from the machine and the configuration, see ``BuildEnvironment.key_parts``.
    """
    parts = ["2", runner, "apt", *apt, "commands", *installation.commands, "files"]
    contents = [part for name in sorted(fingerprints) for part in (os.fsencode(name), fingerprints[name])]
    return digest_of([*map(os.fsencode, parts), *contents, b"environment", *environment])[:12]


def apt_command(packages: Iterable[str]) -> str:
    """The command, for root, that installs the Debian *packages*."""
    wanted = shlex.join(packages)
    return f"apt-get update && apt-get install -y --no-install-recommends -- {wanted} && rm -rf /var/lib/apt/lists/*"


def files_read(root: Path, commands: Iterable[str]) -> tuple[str, ...] | None:
    """The files of *root* that *commands* can read, sorted; ``None`` when it may be any of them."""
    found: set[str] = set()
    for command in commands:
        if _reads_declarations(root, command):
            found.update(name for name in (*_DECLARING, *_LOCKS, *_SETTINGS) if (root / name).is_file())
            continue
        named = _read_by_pip(command)
        if named is None:
            return None
        for name in named:
            nested = _closure(root, name, found)
            if not nested:
                return None
    return tuple(sorted(found))


def _reads_declarations(root: Path, command: str) -> bool:
    """Whether *command* reads packaging, lock and settings files of the project's root and nothing else."""
    words = _words(command) or [""]
    if words[0] == "pipenv":
        is_one = len(words) > 1 and words[1] in ("sync", "install")
    else:
        is_one = words[0] in ("poetry", "uv", "pdm") and not _WITHOUT_PROJECT.isdisjoint(words)
    if not is_one or any("/" in word or (root / word).exists() for word in words[1:]):
        return False
    return not any(source.kind == "path" for source in declared_sources.read(root).sources.values()) and not re.search(
        r"^[^#]*\bpath\s*=", _text(root / "Pipfile"), re.MULTILINE
    )


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""


def _read_by_pip(command: str) -> list[str] | None:
    """The requirements files that a ``pip install`` reads; ``None`` for any other command, and where it installs a path."""
    words = _words(command)
    match = _PIP.match(command.strip())
    if match is None or words is None:
        return None
    words = words[words.index("install") + 1 :]
    named: list[str] = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if re.match(r"-[rcefib].", word) and not word.startswith("--"):
            option, equals, value = word[:2], "=", word[2:]
        if option in _VALUED_OPTIONS and not equals:
            value = next(rest, "")
        if option in _FILE_OPTIONS:
            if "://" not in value:
                named.append(value)
        elif option in _PLACE_OPTIONS:
            if "://" not in value or value.startswith("file:"):
                return None
        elif option == "--group":
            named.append(value.rpartition(":")[0] or "pyproject.toml")
        elif option in ("-e", "--editable") or (not word.startswith("-") and requirements.is_path(word)):
            return None
    return named


def _words(command: str) -> list[str] | None:
    """The words of a command; ``None`` if a shell would do more than run one program."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        return None
    if "\n" in command or any(re.search(r"[$`]", word) or re.fullmatch(r"[();<>|&]+", word) for word in words):
        return None
    return words


def _closure(root: Path, name: str, found: set[str]) -> bool:
    """Add the requirements file *name* and those that it names to *found*; returns whether it needs nothing else of *root*."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        return False
    relative = path.relative_to(root.resolve()).as_posix()
    if relative in found or not path.is_file():
        return True
    found.add(relative)
    if path.suffix == ".toml":  # dependency groups and locks name no further files
        return True
    for line in declared_sources.requirement_lines(root, relative):
        found.add(line.file)
        if declared_sources.included_file(line.text):
            included = requirements.local_target(line)
            if included.startswith(("..", "/")):
                return False
            if included and (root / included).is_file():
                found.add(included)
        elif requirements.local_target(line):
            return False
    return True


def _default(root: Path, indexes: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The commands for a project that configures none, and the names of the files that they come from."""
    run_file = _first(root, ["requirements.txt", *(f"requirements/{name}.txt" for name in RUN_NAMES)])
    test_file = _first(root, [form.format(name) for name in TEST_NAMES for form in _TEST_FORMS])
    metadata = _metadata(root)
    arguments: list[str] = []
    told_by: list[str] = []
    if run_file:
        arguments += ["-r", run_file]
        told_by.append(run_file)
    elif metadata.requires is None:
        arguments.append(f".[{metadata.extra}]" if metadata.extra and not test_file else ".")
        arguments += requirements.needed_by_build(root, indexes)
        told_by.append(metadata.told_by)
    elif metadata.requires:
        arguments += requirements.resolved(root, metadata.requires, metadata.told_by, indexes)
        told_by.append(metadata.told_by)
    if test_file:
        arguments += ["-r", test_file]
        told_by.append(test_file)
    elif metadata.test_requires:
        arguments += requirements.resolved(root, metadata.test_requires, metadata.test_told_by, indexes)
        told_by.append(metadata.test_told_by)
    if not arguments:
        return (), ""
    known = declared_sources.read(root)
    requirements.check_indexes(known, indexes)
    requirements.check_files(root, filter(None, (run_file, test_file)), known, indexes)
    return (shlex.join(["pip", "install", *arguments]),), ", ".join(told_by)


_TEST_FORMS = (
    "requirements-{}.txt",
    "requirements_{}.txt",
    "{}-requirements.txt",
    "{}_requirements.txt",
    "requirements/{}.txt",
    "requirements/requirements-{}.txt",
    "{}/requirements.txt",
)


def _first(root: Path, names: Iterable[str]) -> str:
    return next((name for name in names if (root / name).is_file()), "")


def _metadata(root: Path) -> _Metadata:
    pyproject = declared_sources.toml(root / "pyproject.toml")
    groups = pyproject.get("dependency-groups", {})
    group = next((name for name in TEST_NAMES if name in groups), "")
    from_group = _group(groups, group) if group else ()
    project = pyproject.get("project")
    if isinstance(project, dict):
        return _from_project_table(project, group, from_group)
    setup_cfg = _setup_cfg_extras(root)
    if "build-system" in pyproject and "poetry" in pyproject.get("tool", {}):
        return _Metadata("pyproject.toml", None, f"dependency group {group}", from_group)
    if (root / "setup.py").is_file() or setup_cfg is not None:
        extra = next((name for name in TEST_NAMES if name in (setup_cfg or ())), "")
        return _Metadata("setup.cfg" if setup_cfg is not None else "setup.py", None, "", from_group, extra)
    return _Metadata("", (), f"dependency group {group} of pyproject.toml", from_group)


def _from_project_table(project: Mapping[str, Any], group: str, from_group: tuple[str, ...]) -> _Metadata:
    extras = project.get("optional-dependencies", {})
    extra = next((name for name in TEST_NAMES if name in extras), "")
    if group and (not extra or TEST_NAMES.index(group) <= TEST_NAMES.index(extra)):
        told_by, test_requires = f"dependency group {group} of pyproject.toml", from_group
    else:
        told_by, test_requires = f"extra {extra} of pyproject.toml", _extra(project, extra, ())
    dynamic = project.get("dynamic", [])
    if "dependencies" in dynamic or "optional-dependencies" in dynamic:
        return _Metadata("pyproject.toml", None, told_by, test_requires)
    return _Metadata("pyproject.toml", tuple(project.get("dependencies", ())), told_by, test_requires)


def _extra(project: Mapping[str, Any], extra: str, seen: tuple[str, ...]) -> tuple[str, ...]:
    """The requirements of an extra, with those of the extras that it includes by the project's own name."""
    found: list[str] = []
    for requirement in project.get("optional-dependencies", {}).get(extra, ()):
        match = re.match(r"([\w.-]+)\s*\[([^\]]*)\]\s*$", requirement)
        if match and _normal(match[1]) == _normal(project.get("name", "")):
            for name in (part.strip() for part in match[2].split(",")):
                if name not in (*seen, extra):
                    found.extend(_extra(project, name, (*seen, extra)))
        else:
            found.append(requirement)
    return tuple(found)


def _group(groups: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The requirements of a dependency group, with those of the groups that it includes (PEP 735)."""
    members = {_normal(key): value for key, value in groups.items()}.get(_normal(name), ())
    found: list[str] = []
    for member in members:
        if isinstance(member, str):
            found.append(member)
        elif isinstance(member, dict) and (included := _normal(str(member.get("include-group", "")))) not in seen:
            found.extend(_group(groups, included, (*seen, _normal(name))))
    return tuple(found)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _setup_cfg_extras(root: Path) -> tuple[str, ...] | None:
    """The extras of ``setup.cfg``; ``None`` when it describes no package."""
    parser = declared_sources.ini(root / "setup.cfg")
    if not (parser.has_section("metadata") or parser.has_section("options")):
        return None
    section = "options.extras_require"
    return tuple(parser.options(section)) if parser.has_section(section) else ()
