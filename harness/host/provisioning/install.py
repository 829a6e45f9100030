"""How a project's dependencies are installed: the commands, the files that these can read, and the digest of it all.

Owns the defaults for projects that say nothing, see docs/design/0003-project-image.md. Reads the project's files, and
runs nothing.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ProjectError
from harness.host.provisioning import recipe

TEST_NAMES = ("test", "tests", "testing", "ci", "dev", "develop", "development", "local")
"""What files, groups and extras with the dependencies of tests are called, the likeliest first."""

RUN_NAMES = ("base", "common", "main", "requirements", "default", "production", "prod")
"""What files with a project's own dependencies are called in a folder ``requirements/``, the likeliest first."""

_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py")
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile", "Pipfile.lock")
# These read what declares dependencies and leave the project's own code out.
_WITHOUT_PROJECT = re.compile(
    r"^(poetry|uv|pdm)\b.*\s(--no-root|--no-install-project|--no-self)\b|^pipenv\s+(sync|install)\b"
)
_PIP = re.compile(r"^(?:python3?\s+-m\s+|uv\s+)?pip3?\s+install\b")
_VALUED_OPTIONS = frozenset(
    {"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url", "--group"}
)


@dataclass(frozen=True, slots=True)
class Installation:
    """What to run in the runner image, in the project's folder, so that the project finds its dependencies.

    ``files`` are the paths, relative to the project, that the commands can read; ``None`` means every file of it.
    ``told_by`` names where the commands come from, for people.
    """

    commands: tuple[str, ...] = ()
    files: tuple[str, ...] | None = ()
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What the project's own packaging files say. ``requires`` is ``None`` when only a build could tell."""

    told_by: str = ""
    requires: tuple[str, ...] | None = ()
    test_told_by: str = ""
    test_requires: tuple[str, ...] = ()
    extra: str = ""


def plan(root: Path, configured: Sequence[str] | None) -> Installation:
    """How the dependencies of the project in *root* are installed: by *configured*, else by what its files say.

    No commands when there is nothing that says any. Raises ``ProjectError`` for a packaging file that cannot be parsed.
    """
    if configured is not None:
        commands = tuple(configured)
        told_by = "[tool.harness] install"
    else:
        commands, told_by = _default(root)
    return Installation(commands, files_read(root, commands), told_by)


def digest(installation: Installation, fingerprints: Mapping[str, bytes], runner: str, apt: Iterable[str]) -> str:
    """Twelve hexadecimal digits that change with whatever an installation on the image *runner* can depend on.

    *fingerprints* are those of the files that its commands can read, see ``host.project``.
    """
    parts = ["1", runner, "apt", *apt, "commands", *installation.commands, "files"]
    contents = [part for name in sorted(fingerprints) for part in (os.fsencode(name), fingerprints[name])]
    return recipe.digest_of([*map(os.fsencode, parts), *contents])[:12]


def apt_command(packages: Iterable[str]) -> str:
    """The command, for root, that installs *packages* of the system."""
    wanted = shlex.join(packages)
    return f"apt-get update && apt-get install -y --no-install-recommends -- {wanted} && rm -rf /var/lib/apt/lists/*"


def files_read(root: Path, commands: Iterable[str]) -> tuple[str, ...] | None:
    """The files of *root* that *commands* can read, sorted; ``None`` when it may be any of them."""
    found: set[str] = set()
    for command in commands:
        if _WITHOUT_PROJECT.match(command):
            found.update(name for name in (*_DECLARING, *_LOCKS) if (root / name).is_file())
            continue
        named = _read_by_pip(command)
        if named is None:
            return None
        for name in named:
            nested = _closure(root, name, found)
            if not nested:
                return None
    return tuple(sorted(found))


def _read_by_pip(command: str) -> list[str] | None:
    """The files that name what a ``pip install`` installs; ``None`` for any other command, and where it installs a path."""
    words = _words(command)
    match = _PIP.match(command.strip())
    if match is None or words is None:
        return None
    words = words[words.index("install") + 1 :]
    named: list[str] = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if re.match(r"-[rc].", word) and not word.startswith("--"):
            option, equals, value = word[:2], "=", word[2:]
        if option in _VALUED_OPTIONS and not equals:
            value = next(rest, "")
        if option in ("-r", "--requirement", "-c", "--constraint"):
            if "://" not in value:
                named.append(value)
        elif option == "--group":
            named.append(value.rpartition(":")[0] or "pyproject.toml")
        elif option in ("-e", "--editable") or (not word.startswith("-") and _is_path(word)):
            return None
    return named


def _words(command: str) -> list[str] | None:
    """The words of a command; ``None`` where a shell would do more with them than run one program."""
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
    """Add the requirements file *name* and those that it names to *found*; whether it needs nothing else of *root*."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        return False
    relative = path.relative_to(root.resolve()).as_posix()
    if relative in found or not path.is_file():
        return True
    found.add(relative)
    if path.suffix == ".toml":  # dependency groups and locks name no further files
        return True
    for line in path.read_text("utf-8", "replace").splitlines():
        text = re.sub(r"(^|\s)#.*$", "", line).strip()
        nested = re.match(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?=\S))(\S+)", text)
        if nested and "://" not in nested[1]:
            if not _closure(root, (Path(relative).parent / nested[1]).as_posix(), found):
                return False
        elif re.match(r"(-e|--editable)\b", text):
            if "://" not in text:
                return False
        elif text and not text.startswith("-") and _is_path(text):
            return False
    return True


def _is_path(requirement: str) -> bool:
    """Whether pip would take *requirement* for something in the file system and not for a package's name."""
    target = requirement.split(" @ ")[-1].strip().split(";")[0].split("[")[0].strip()
    if re.match(r"\w[\w+.]*://", target):
        return target.startswith("file:")
    return target.startswith(("file:", ".", "/", "~")) or "/" in target or target.endswith((".whl", ".tar.gz", ".zip"))


def _default(root: Path) -> tuple[tuple[str, ...], str]:
    """The commands for a project that configures none, and which files told them."""
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
        told_by.append(metadata.told_by)
    elif metadata.requires:
        arguments += metadata.requires
        told_by.append(metadata.told_by)
    if test_file:
        arguments += ["-r", test_file]
        told_by.append(test_file)
    elif metadata.test_requires:
        arguments += metadata.test_requires
        told_by.append(metadata.test_told_by)
    if not arguments:
        return (), ""
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
    pyproject = _toml(root / "pyproject.toml")
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
    """The requirements of an extra, with those of the extras that it takes in by the project's own name."""
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
    path = root / "setup.cfg"
    if not path.is_file():
        return None
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except configparser.Error as error:
        raise _unparsable(path, error) from error
    if not (parser.has_section("metadata") or parser.has_section("options")):
        return None
    section = "options.extras_require"
    return tuple(parser.options(section)) if parser.has_section(section) else ()


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _unparsable(path, error) from error


def _unparsable(path: Path, error: Exception) -> ProjectError:
    return ProjectError(
        f"{path.name} of the project cannot be parsed.",
        hint=f"Correct {path}, or say with [tool.harness] install how the dependencies are installed.",
        evidence=str(error),
    )
