"""Applies the declared sources of packages to ``pip install``: another requirement, or an error before anything is
installed.

A package that the project takes from a folder, a repository or an index of its own is never looked for on another index:
a stranger's package of the same name may be there.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from harness.errors import ProjectError
from harness.host.project import declared_sources
from harness.host.project.declared_sources import Declared, Line, Source, without_credentials
from harness.host.project.files import FOLDER

_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_OPTION = re.compile(
    r"(-e|--editable|-f|--find-links|-i|--index-url|--extra-index-url)(?:\s+|=|(?<=-[efi])(?=\S))(\S+)"
)
_ROOTS = re.compile(r"file:/*\$\{PROJECT_ROOT\}|\{root:uri\}")


def resolved(root: Path, requirements: Sequence[str], told_by: str, indexes: Sequence[str]) -> tuple[str, ...]:
    """*requirements* with a direct reference for each package that has a source, and with those dependencies of these
    packages that have one.

    *indexes* are those that the installation searches. Raises ``ProjectError`` for a source that pip cannot use.
    """
    sources = dict(declared_sources.read(root).sources)
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    queue = [requirement for requirement in requirements if requirement.strip()]
    while queue:
        requirement = queue.pop(0)
        name, extras, rest = split(requirement)
        source = sources.get(name)
        if source is None or rest.startswith("@"):
            found.append(_checked(root, requirement, told_by))
            continue
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.append(_reference(root, source, requirement, indexes))
        if source.kind == "path":
            inner = declared_sources.read(root, source.place).sources
            sources = {**inner, **sources}
            needed = (
                declared_sources.toml(root / source.place / "pyproject.toml").get("project", {}).get("dependencies", ())
            )
            queue += [each for each in needed if split(each)[0] in sources]
    return tuple(dict.fromkeys(found))


def split(requirement: str) -> tuple[str, str, str]:
    """The normal name of a requirement, its extras in brackets, and the rest; an empty name where it has none."""
    match = _NAME.match(requirement.strip())
    if match is None:
        return "", "", ""
    return canonicalize_name(match[1]), match[2] or "", match[3]


def _reference(root: Path, source: Source, requirement: str, indexes: Sequence[str]) -> str:
    """The requirement that takes the package from *source* alone."""
    name, extras, rest = split(requirement)
    marker = f" ; {rest.partition(';')[2].strip()}" if ";" in rest else ""
    if source.kind in ("git", "url"):
        return f"{name}{extras} @ {source.place}{marker}"
    if source.kind == "path":
        if not _is_outside(source.place):
            return f"{name}{extras} @ file://{FOLDER}/{source.place}{marker}"
        raise _outside(root, source.place, f"{source.told_by} takes {source.name} from {source.place}", "")
    if source.kind == "index" and _is_only(source.place, indexes):
        return requirement
    url = without_credentials(source.place) if "://" in source.place else "https://packages.example/simple"
    example = shlex.join(["pip", "install", "--index-url", url, f"{name}{extras}"])
    raise ProjectError(
        f"{source.told_by} takes {source.name} from {source}, and pip would look for it on another index.",
        hint=(
            "Name the commands in [tool.harness] of pyproject.toml, for example"
            f' install = ["{example}", "pip install ..."] with the other dependencies in the second.'
        ),
    )


def _is_only(url: str, indexes: Sequence[str]) -> bool:
    return [_plain(each) for each in indexes] == [_plain(url)]


def _plain(url: str) -> str:
    return without_credentials(url).rstrip("/")


def check_indexes(declared_by_project: Declared, indexes: Sequence[str]) -> None:
    """Raise ``ProjectError`` for an index of the project's that the installation would not search."""
    known = {_plain(each) for each in indexes}
    for url in declared_by_project.indexes:
        if _plain(url) not in known:
            shown = without_credentials(url)
            raise ProjectError(
                f"The project takes packages from the index {shown} (pyproject.toml), and pip would not look there.",
                hint=(
                    f'Say in [tool.harness] pip_index_url = "{shown}", or pip_extra_index_urls = ["{shown}"] where the'
                    " public index counts as well; or name the commands with install."
                ),
            )


def check_files(root: Path, names: Iterable[str], sources: Declared, indexes: Sequence[str]) -> None:
    """Check the requirements files *names*, with the files that they include.

    Raises ``ProjectError`` for a path outside of the project, and for a package with a source that pip does not know.
    """
    for line in (line for name in names for line in declared_sources.requirement_lines(root, name)):
        target = local_target(line)
        if target and _is_outside(target):
            rest = f"pip install -r {line.file}"
            raise _outside(root, target, f"{line.file} names {target} ({line.text!r})", rest)
        source = None if line.text.startswith("-") else sources.sources.get(split(line.text)[0])
        if source is not None and not split(line.text)[2].startswith("@") and not target:
            if _reference(root, source, line.text, indexes) == line.text:
                continue
            raise ProjectError(
                f"{line.file} names {source.name}, which {source.told_by} takes from {source}: pip would take another.",
                hint=f'Write "{source.name} @ ..." in {line.file}, or name the commands with [tool.harness] install.',
            )


def local_target(line: Line) -> str:
    """The file or folder of this machine that *line* names, relative to the project unless it is absolute; empty for none."""
    option = _OPTION.match(line.text)
    if option:
        return _local(option[2])
    included = declared_sources.included_file(line.text)
    if included:
        return "" if "://" in included else os.path.normpath(Path(line.file).parent / included)
    return "" if line.text.startswith("-") or not is_path(line.text) else _local(_place(line.text))


def _local(place: str) -> str:
    """*place* as a path without ``file:``; empty for a URL or a repository."""
    if place.startswith("file:"):
        place = re.sub(r"^file:(//(localhost)?(?=/))?", "", place)
    elif "://" in place or re.match(r"[\w+.-]+@[\w.-]+:", place):
        return ""
    return os.path.normpath(place.split("[")[0].split("#")[0] or ".")


def _place(requirement: str) -> str:
    return requirement.split(" @ ")[-1].strip().split(";")[0].strip()


def is_path(requirement: str) -> bool:
    """Whether pip would read *requirement* as a path and not as a package's name."""
    target = _place(requirement).split("[")[0].strip()
    if re.match(r"\w[\w+.]*://", target):
        return target.startswith("file:")
    return target.startswith(("file:", ".", "/", "~")) or "/" in target or target.endswith((".whl", ".tar.gz", ".zip"))


def _is_outside(place: str) -> bool:
    """Whether *place* is not below the project's folder, on this machine or in the image."""
    if Path(place).is_absolute() or place.startswith("~"):
        return not Path(place).is_relative_to(FOLDER)
    return os.path.normpath(place).startswith("..")


def _checked(root: Path, requirement: str, told_by: str) -> str:
    """*requirement*, with the project's place in the image in place of the packaging tools' variables for its root."""
    requirement = _ROOTS.sub(f"file://{FOLDER}", requirement)
    if "@" in requirement and is_path(requirement):
        target = _local(_place(re.sub(r"\s*@\s*", " @ ", requirement, count=1)))
        if _is_outside(target):
            raise _outside(root, target, f"{told_by} names {target} ({requirement!r})", "")
    return requirement


def _outside(root: Path, target: str, message: str, command: str) -> ProjectError:
    """The error for *target*, which lies outside the project; *command* is the rest of the installation's command."""
    hint = "Name commands that take it from elsewhere with [tool.harness] install, or its wheel with pip_find_links."
    there = Path(os.path.normpath(root / target))
    common = Path(os.path.commonpath([root, there]))
    if there.exists() and common != Path("/"):
        inner = root.relative_to(common).as_posix()
        commands = [f"cd {inner} && {command}"] if command else [f"pip install ./{there.relative_to(common)} ..."]
        listing = ", ".join(f'"{each}"' for each in commands)
        hint = (
            f"Run in {common}, which holds both: harness ci {inner} --settings MODULE, with a pyproject.toml there that says"
            f' [tool.harness] env = {{ PYTHONPATH = "{inner}" }} and install = [{listing}]. Or name its wheel with'
            " pip_find_links."
        )
    return ProjectError(
        f"{message}, which is outside of the project's folder {root}: only what is in it reaches the image.", hint=hint
    )


def needed_by_build(root: Path, indexes: Sequence[str]) -> Iterator[str]:
    """The sources of uv's that must be given beside ``pip install .``; a build by Poetry follows Poetry's sources
    itself.

    Raises as ``resolved`` does for a source that pip cannot use.
    """
    for source in declared_sources.read(root).sources.values():
        reference = _reference(root, source, source.name, indexes)
        if "tool.uv" in source.told_by and reference != source.name:
            yield reference
