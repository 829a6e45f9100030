"""Decides what is installed and prepared for the tests, from the commands that run before them in the project's own CI."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import ProjectError
from harness.host.engines import ENGINES
from harness.host.init.ci_files.steps import Command, Step
from harness.host.init.own_table import without_table
from harness.host.project import dependencies, python_version, requirements
from harness.host.project.dependencies import Installation
from harness.host.project.packaging_files import PackagingFiles, pip_arguments, requirement_lines

_LIBRARY = re.compile(r"(?!(lib)?python).+-dev|lib(?!python).+|gdal-bin|binutils|proj-bin|graphviz|ffmpeg|imagemagick")
_DEBIAN = {"libmysqlclient-dev": "default-libmysqlclient-dev"}
"""Debian's names of packages that Ubuntu calls otherwise."""
_TOOLS = re.compile(
    r"(pytest|flake8|tox|nox|sphinx|pylint|mypy|django-stubs|types|coverage|codecov|coveralls)(-.+)?"
    r"|pip|setuptools|wheel|uv|poetry|pdm|hatch|pipenv|build|twine|black|isort|ruff|autoflake|pre-commit|bandit|safety|pip-tools"
    r"|pycodestyle|pyflakes|vermin|towncrier|djlint|furo"
)
"""Packages that a job installs to check the code, build it or measure coverage, and that no test imports."""
_PREPARING = frozenset({"collectstatic", "compilemessages", "compilejsi18n", "compilescss", "compress"})
"""The commands of ``manage.py`` that write files which tests read."""
_SHELL = frozenset({"mkdir", "cp", "touch", "ln"})


@dataclass
class _Packages:
    """The packages that a job installs with pip, each with the file that says so.

    ``files`` are requirements files, ``places`` the project itself with extras. ``is_whole`` is false if only the job knows the
    name of a file.
    """

    files: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    requirements: dict[str, str] = field(default_factory=dict)
    is_whole: bool = True


def debian_packages(commands: Iterable[Command]) -> dict[str, str]:
    """The libraries that *commands* install with apt, each with the file that names it."""
    found: dict[str, str] = {}
    for command in commands:
        if re.search(r"(^| )apt(-get)? (-\S+ )*install ", " ".join(command.words)):
            after = command.words[command.words.index("install") + 1 :]
            names = (word.partition("=")[0] for word in after if re.fullmatch(r"[a-z0-9][a-z0-9.+=:~-]+", word))
            for name in filter(_LIBRARY.fullmatch, names):
                found.setdefault(_DEBIAN.get(name, name), command.step.where)
    return found


def packages(root: Path, commands: Sequence[Command]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The keys ``install`` and ``extra_install`` that the default from the project's files lacks: key, value, source.

    ``install`` where the job installs by other requirements files or extras than the default, ``extra_install`` where it
    installs more. Raises ``ProjectError`` for a packaging file that cannot be parsed.
    """
    job = _by_pip(root, commands)
    default = dependencies.plan(root, None)
    folder = default.base or root
    own = [_pip(job.files, job.places)]
    closure = set(requirements.files_read(root, [_pip(job.files, ())]) or ()) if job.files else set()
    if _differs(job, default, closure):
        yield "install", tuple(own), next(iter({**job.files, **job.places}.values()))
        commands_text, read = "\n".join(own), closure | set(requirements.packaging_files(root) if job.places else ())
    else:
        commands_text = "\n".join(default.commands)
        read = set(requirements.packaging_files(folder) if default.files is None else default.files)
    texts = [without_table((folder / name).read_text("utf-8", "replace")) for name in sorted(read)]
    by_lock = any("lock" in name for name in read)
    further = (
        {} if by_lock else {f"--requirement={name}": where for name, where in job.files.items() if name not in read}
    )
    lacking = dict(_lacking(job.requirements, "\n".join([commands_text, *texts])))
    if found := {**further, **lacking}:
        yield "extra_install", tuple(found), next(iter(found.values()))


def _differs(job: _Packages, default: Installation, closure: set[str]) -> bool:
    """Whether the *job* installs by other files, or by extras that only a build knows, than the *default*, and by no lock."""
    direct = {name for text in default.commands for name in re.findall(r"(?:-r|--requirement)[ =]?(\S+\.txt)", text)}
    if job.places and not any(place in text for place in job.places for text in default.commands):
        return not any("lock" in (name or "") for name in default.files or ())
    return job.is_whole and bool(job.files) and bool(direct) and not direct & {*job.files, *closure}


def _pip(files: Iterable[str], places: Iterable[str]) -> str:
    return shlex.join(["pip", "install", *(word for name in files for word in ("-r", name)), *places])


def _by_pip(root: Path, commands: Iterable[Command]) -> _Packages:
    """The packages that *commands* install with pip, or with a tool that takes pip's arguments."""
    found, files = _Packages(), PackagingFiles(root)
    for command in commands:
        words, where = command.words, command.step.where
        place = next((number for number, word in enumerate(words) if re.fullmatch(r"(.*/)?pip3?", word)), -1)
        arguments = pip_arguments(words[place + 2 :]) if "install" in words[place + 1 : place + 2] else None
        if place < 0 or arguments is None:
            continue
        for name in arguments.files:
            path = PurePosixPath(command.step.folder) / name
            if "$" not in name and (root / path).is_file() and ".." not in path.parts:
                if not _has_only_tools(root, path.as_posix()):
                    found.files.setdefault(path.as_posix(), where)
            else:
                found.is_whole = False
        for word in (*arguments.others, *arguments.editables):
            extras = re.fullmatch(r"\./?\[([\w.,\s-]+)\]", word)
            if extras and not command.step.folder:
                _add_extras(found, files, re.findall(r"[\w.-]+", extras[1]), where)
            elif not word.startswith("-") and "$" not in word:
                found.requirements.setdefault(word, where)
        for group in arguments.groups:
            named = dependencies.group_requirements(files, group) if group in files.table("dependency-groups") else ()
            found.requirements |= dict.fromkeys(named, where)
    return found


def _has_only_tools(root: Path, name: str) -> bool:
    """Whether the requirements file *name* and those that it includes name tools alone."""
    lines = [line.text for line in requirement_lines(root, name) if not line.included]
    return bool(lines) and all(_TOOLS.fullmatch(canonicalize_name(re.split(r"[^\w.-]", line)[0])) for line in lines)


def _add_extras(found: _Packages, files: PackagingFiles, extras: Sequence[str], where: str) -> None:
    """Add the requirements of the project's own *extras*; the project itself where only a build knows them."""
    project = files.table("project")
    if project and "optional-dependencies" not in project.get("dynamic", ()):
        for extra in extras:
            found.requirements |= dict.fromkeys(dependencies.extra_requirements(project, extra), where)
    else:
        found.places[f".[{','.join(extras)}]"] = where


def _lacking(wanted: Mapping[str, str], text: str) -> Iterator[tuple[str, str]]:
    """Those of the requirements *wanted* that tests can need and that *text*, of all files that are installed, does not name."""
    drivers: dict[str, str] = {}
    for word, where in wanted.items():
        try:
            name = canonicalize_name(Requirement(word).name)
        except InvalidRequirement:  # a path, an address, or a word that only the job knows
            continue
        driver = next((each.driver for each in ENGINES.values() if each.driver.is_named(name)), None)
        if _TOOLS.fullmatch(name) or _names(text, name) or (driver and driver.is_named(text)):
            continue
        if driver is None:
            yield word, where
        elif drivers.get(driver.package, "").partition("[")[0] != driver.package.partition("[")[0]:
            drivers[driver.package] = word
    yield from ((word, wanted[word]) for word in drivers.values())


def _names(text: str, name: str) -> bool:
    """Whether *text* has the requirement *name*: at the start of a line, of a string or of a word of a command."""
    pattern = re.escape(name).replace(r"\-", "[-_.]")
    return re.search(rf"""(?im)(^\s*|["']|^pip .*\s){pattern}\s*($|[\[(<>=!~;@,"'#]|\s(?!::))""", text) is not None


def builds_assets(command: Command) -> bool:
    """Whether *command* builds files with a tool of Node."""
    words = command.words
    return words[0] in ("npm", "yarn", "pnpm", "bun") and any(
        word.startswith(("build", "compile")) for word in words[1:3]
    )


def preparing_commands(root: Path, script: str, workdir: str, commands: Iterable[Command]) -> dict[str, str]:
    """The commands for ``before``: those among *commands* that write files which tests read, each with its source.

    They run in *workdir*; *script* is the ``manage.py`` there.
    """
    found: dict[str, str] = {}
    for command in commands:
        words, folder = command.words, command.step.folder
        if any("$" in word for word in words):
            continue
        place = next((number for number, word in enumerate(words) if word in _PREPARING), 0)
        program = words[place - 1].rpartition("/")[2] if place else ""
        if program.removesuffix(".py") in ("manage", "django-admin", "django"):
            line = " ".join([f"python {script}" if script else "django-admin", *words[place:]])
        elif words[0] in _SHELL and _stays_inside(root, words, folder):
            again = ["mkdir", "-p", *words[1:]] if words[0] == "mkdir" and "-p" not in words else words
            line = _line_from(folder, workdir, shlex.join(again))
        else:
            continue
        found.setdefault(line, command.step.where)
    return found


_TEMPORARY = "/tmp/"  # noqa: S108 - a path that the project's own commands write


def _stays_inside(root: Path, words: Sequence[str], folder: str) -> bool:
    """Whether the paths of a shell command are below the project or ``/tmp``, and a file that it copies is there."""
    paths = [word for word in words[1:] if not word.startswith("-")]
    known = words[0] != "cp" or (len(paths) > 1 and all((root / folder / path).is_file() for path in paths[:-1]))
    return known and all(
        path.startswith(_TEMPORARY) or not (path.startswith(("/", "~")) or ".." in path) for path in paths
    )


def _line_from(folder: str, workdir: str, line: str) -> str:
    if folder == workdir:
        return line
    way = "/".join([".."] * len(PurePosixPath(workdir).parts) + ([folder] if folder else []))
    return f"cd {way} && {line}"


def python_of_ci(root: Path, steps: Iterable[Step], default: str) -> tuple[str, str] | None:
    """The version of Python on which *steps* test the project in *root*, and its file; ``None`` where a run takes one of
    theirs anyway, *default* or what the project declares.
    """
    wheres = {python_version.series_of(version): step.where for step in steps for version in step.pythons}
    declared = python_version.declarations(root)
    try:
        chosen, _ = python_version.choose(declared, default)
    except ProjectError:
        return None
    known = [each for each in python_version.PYTHONS if each in wheres and all(one.allows(each) for one in declared)]
    return (known[-1], wheres[known[-1]]) if known and python_version.series_of(chosen) not in wheres else None
