"""Finds how a project's dependencies are installed: the commands, the files that these can read, and a digest of both.

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

from packaging.dependency_groups import resolve_dependency_groups
from packaging.utils import canonicalize_name

from harness.errors import ProjectError
from harness.host.digest import digest_of
from harness.host.project import requirements
from harness.host.project.declared_sources import read_sources
from harness.host.project.packaging_files import PackagingFiles, is_path, local_path, pip_arguments, requirement_lines

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


@dataclass(frozen=True, slots=True)
class Installation:
    """The commands that install the project's dependencies, run in the runner image, in the project's folder.

    ``files`` are the paths, relative to the project, that the commands can read; ``None`` means every file of it.
    ``declared_in`` names the source of the commands, for people.
    """

    commands: tuple[str, ...] = ()
    files: tuple[str, ...] | None = ()
    declared_in: str = ""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The requirements in the project's own packaging files. ``requires`` is ``None`` where only a build can find them."""

    declared_in: str = ""
    requires: tuple[str, ...] | None = ()
    test_declared_in: str = ""
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
        declared_in = "[tool.harness] install"
    else:
        commands, declared_in = _default(PackagingFiles(root), indexes)
    return Installation(commands, files_read(root, commands), declared_in)


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
    files = PackagingFiles(root)
    in_pipfile = (package for table in files.pipfile.values() if isinstance(table, dict) for package in table.values())
    return not (
        any(source.form == "path" for source in read_sources(files).sources.values())
        or any(isinstance(package, dict) and "path" in package for package in in_pipfile)
    )


def _read_by_pip(command: str) -> list[str] | None:
    """The requirements files that a ``pip install`` reads; ``None`` for any other command, and where it installs a path."""
    words = _words(command)
    if words is None or not _PIP.match(command.strip()):
        return None
    arguments = pip_arguments(words[words.index("install") + 1 :])
    if arguments is None or arguments.editables or any(map(local_path, arguments.places)):
        return None
    if any(is_path(word) for word in arguments.others if not word.startswith("-")):
        return None
    groups = [group.rpartition(":")[0] or "pyproject.toml" for group in arguments.groups]
    return [*(file for file in arguments.files if "://" not in file), *groups]


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
    for line in requirement_lines(root, relative):
        found.add(line.file)
        target = line.local_target
        if target and (not line.included or target.startswith(("..", "/"))):
            return False
        if target and (root / target).is_file():
            found.add(target)
    return True


_TEST_FORMS = (
    "requirements-{}.txt",
    "requirements_{}.txt",
    "{}-requirements.txt",
    "{}_requirements.txt",
    "requirements/{}.txt",
    "requirements/requirements-{}.txt",
    "{}/requirements.txt",
)


def _default(files: PackagingFiles, indexes: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The commands for a project that configures none, and the names of the files that they come from."""
    run_file = _first(files, ["requirements.txt", *(f"requirements/{name}.txt" for name in RUN_NAMES)])
    test_file = _first(files, [form.format(name) for name in TEST_NAMES for form in _TEST_FORMS])
    metadata = _metadata(files, "" if test_file else _likeliest(files.table("dependency-groups")))
    arguments: list[str] = []
    declared_in: list[str] = []
    if run_file:
        arguments += ["-r", run_file]
        declared_in.append(run_file)
    elif metadata.requires is None:
        arguments.append(f".[{metadata.extra}]" if metadata.extra and not test_file else ".")
        arguments += requirements.needed_by_build(files, indexes)
        declared_in.append(metadata.declared_in)
    elif metadata.requires:
        arguments += requirements.resolved(files, metadata.requires, metadata.declared_in, indexes)
        declared_in.append(metadata.declared_in)
    if test_file:
        arguments += ["-r", test_file]
        declared_in.append(test_file)
    elif metadata.test_requires:
        arguments += requirements.resolved(files, metadata.test_requires, metadata.test_declared_in, indexes)
        declared_in.append(metadata.test_declared_in)
    if not arguments:
        return (), ""
    declared = read_sources(files)
    requirements.check_indexes(declared, indexes)
    requirements.check_files(files.root, filter(None, (run_file, test_file)), declared, indexes)
    return (shlex.join(["pip", "install", *arguments]),), ", ".join(declared_in)


def _first(files: PackagingFiles, names: Iterable[str]) -> str:
    return next(filter(files.has, names), "")


def _metadata(files: PackagingFiles, group: str) -> _Metadata:
    """The requirements in *files*; *group* is the dependency group for tests, empty for none."""
    if files.table("project"):
        return _from_project_table(files, group)
    from_group = _group(files, group)
    is_described = files.setup_cfg.has_section("metadata") or files.setup_cfg.has_section("options")
    if "build-system" in files.pyproject and files.table("tool", "poetry"):
        return _Metadata("pyproject.toml", None, f"dependency group {group}", from_group)
    if files.has("setup.py") or is_described:
        section = "options.extras_require"
        extras = files.setup_cfg.options(section) if is_described and files.setup_cfg.has_section(section) else ()
        return _Metadata("setup.cfg" if is_described else "setup.py", None, "", from_group, _likeliest(extras))
    return _Metadata("", (), f"dependency group {group} of pyproject.toml", from_group)


def _likeliest(names: Iterable[str]) -> str:
    """The one of *names* that the dependencies of tests most likely have; empty for none."""
    known = frozenset(names)
    return next((name for name in TEST_NAMES if name in known), "")


def _from_project_table(files: PackagingFiles, group: str) -> _Metadata:
    project = files.table("project")
    extra = _likeliest(project.get("optional-dependencies", {}))
    if group and (not extra or TEST_NAMES.index(group) <= TEST_NAMES.index(extra)):
        declared_in, test_requires = f"dependency group {group} of pyproject.toml", _group(files, group)
    else:
        declared_in, test_requires = f"extra {extra} of pyproject.toml", _extra(project, extra, ())
    dynamic = project.get("dynamic", [])
    if "dependencies" in dynamic or "optional-dependencies" in dynamic:
        return _Metadata("pyproject.toml", None, declared_in, test_requires)
    return _Metadata("pyproject.toml", tuple(project.get("dependencies", ())), declared_in, test_requires)


def _extra(project: Mapping[str, Any], extra: str, seen: tuple[str, ...]) -> tuple[str, ...]:
    """The requirements of an extra, with those of the extras that it includes by the project's own name."""
    found: list[str] = []
    for text in project.get("optional-dependencies", {}).get(extra, ()):
        requirement = requirements.parse(text)
        if requirement and canonicalize_name(requirement.name) == canonicalize_name(project.get("name", "")):
            for name in sorted(requirement.extras - {*seen, extra}):
                found.extend(_extra(project, name, (*seen, extra)))
        else:
            found.append(text)
    return tuple(found)


def _group(files: PackagingFiles, name: str) -> tuple[str, ...]:
    """The requirements of a dependency group, with those of the groups that it includes (PEP 735); none without *name*."""
    try:
        return resolve_dependency_groups(files.table("dependency-groups"), *filter(None, [name]))
    except ExceptionGroup as errors:
        raise ProjectError(
            f"The dependency group {name} of pyproject.toml cannot be resolved.",
            hint="Correct [dependency-groups], or say with [tool.harness] install how the dependencies are installed.",
            evidence="\n".join(map(str, errors.exceptions)),
        ) from errors
