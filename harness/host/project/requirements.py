"""Applies the declared sources of packages to ``pip install``: a direct reference, or an error before anything is installed.

A package that the project takes from a folder, a repository or an index of its own is never looked for on another index:
a stranger's package of the same name may be there.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import ProjectError
from harness.host.project.declared_sources import Declared, Source, read_sources, without_credentials
from harness.host.project.files import FOLDER
from harness.host.project.packaging_files import PackagingFiles, local_path, requirement_lines

_ROOTS = re.compile(r"file:/*\$\{PROJECT_ROOT\}|\{root:uri\}")
"""The variables of packaging tools for the project's root."""


def parse(text: str) -> Requirement | None:
    """*text* as a requirement; ``None`` for a path, for a URL without a name, and for text that is not valid."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def resolved(
    files: PackagingFiles, requirements: Sequence[str], declared_in: str, indexes: Sequence[str]
) -> tuple[str, ...]:
    """*requirements* with a direct reference for each package that has a source, and with those dependencies of these
    packages that have one.

    *indexes* are those that the installation searches. Raises ``ProjectError`` for a source that pip cannot use.
    """
    sources = dict(read_sources(files).sources)
    found: dict[str, None] = {}
    queue = [_ROOTS.sub(f"file://{FOLDER}", text) for text in requirements if text.strip()]
    while queue:
        text = queue.pop(0)
        requirement = parse(text)
        source = sources.get(canonicalize_name(requirement.name)) if requirement else None
        if requirement is None or source is None or requirement.url:
            if requirement and requirement.url and _is_outside(target := local_path(requirement.url)):
                raise _outside(files.root, target, f"{declared_in} names {target} ({text!r})", "")
            found[text] = None
            continue
        reference = _reference(files.root, source, requirement, indexes) or text
        if reference in found:
            continue
        found[reference] = None
        if source.form == "path":
            inner = PackagingFiles(files.root / source.place)
            sources = {**read_sources(inner, source.place).sources, **sources}
            needed = filter(None, map(parse, inner.table("project").get("dependencies", ())))
            queue += [str(each) for each in needed if canonicalize_name(each.name) in sources]
    return tuple(found)


def _reference(root: Path, source: Source, requirement: Requirement, indexes: Sequence[str]) -> str:
    """The direct reference that takes the package from *source* alone; empty where pip's only index is the source."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    name = f"{canonicalize_name(requirement.name)}{extras}"
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    if source.form in ("git", "url"):
        return f"{name} @ {source.place}{marker}"
    if source.form == "path":
        if _is_outside(source.place):
            raise _outside(root, source.place, f"{source.declared_in} takes {source.name} from {source.place}", "")
        return f"{name} @ file://{FOLDER}/{source.place}{marker}"
    if source.form == "index" and [_plain(each) for each in indexes] == [_plain(source.place)]:
        return ""
    url = without_credentials(source.place) if "://" in source.place else "https://packages.example/simple"
    example = shlex.join(["pip", "install", "--index-url", url, name])
    raise ProjectError(
        f"{source.declared_in} takes {source.name} from {source}, and pip would look for it on another index.",
        hint=(
            "Name the commands in [tool.harness] of pyproject.toml, for example"
            f' install = ["{example}", "pip install ..."] with the other dependencies in the second.'
        ),
    )


def needed_by_build(files: PackagingFiles, indexes: Sequence[str]) -> Iterator[str]:
    """The sources of uv's that must be given beside ``pip install .``; a build by Poetry follows Poetry's sources
    itself.

    Raises as ``resolved`` does for a source that pip cannot use.
    """
    for source in read_sources(files).sources.values():
        reference = _reference(files.root, source, Requirement(source.name), indexes)
        if "tool.uv" in source.declared_in and reference:
            yield reference


def check_indexes(declared: Declared, indexes: Sequence[str]) -> None:
    """Raise ``ProjectError`` for an index of the project's that the installation would not search."""
    known = {_plain(each) for each in indexes}
    for url in declared.indexes:
        if _plain(url) not in known:
            shown = without_credentials(url)
            raise ProjectError(
                f"The project takes packages from the index {shown} (pyproject.toml), and pip would not look there.",
                hint=(
                    f'Say in [tool.harness] pip_index_url = "{shown}", or pip_extra_index_urls = ["{shown}"] where the'
                    " public index counts as well; or name the commands with install."
                ),
            )


def check_files(root: Path, names: Iterable[str], declared: Declared, indexes: Sequence[str]) -> None:
    """Check the requirements files *names*, with the files that they include.

    Raises ``ProjectError`` for a path outside of the project, and for a package with a source that pip does not know.
    """
    for line in (line for name in names for line in requirement_lines(root, name)):
        target = line.local_target
        if _is_outside(target):
            command = f"pip install -r {line.file}"
            raise _outside(root, target, f"{line.file} names {target} ({line.text!r})", command)
        requirement = parse(line.text.split(" --")[0])  # options such as --hash may follow
        source = declared.sources.get(canonicalize_name(requirement.name)) if requirement else None
        if requirement is None or source is None or requirement.url:
            continue
        if _reference(root, source, requirement, indexes):
            raise ProjectError(
                f"{line.file} names {source.name}, which {source.declared_in} takes from {source}: pip would take another.",
                hint=f'Write "{source.name} @ ..." in {line.file}, or name the commands with [tool.harness] install.',
            )


def _plain(url: str) -> str:
    return without_credentials(url).rstrip("/")


def _is_outside(place: str) -> bool:
    """Whether *place* is not below the project's folder, on this machine or in the image."""
    if Path(place).is_absolute() or place.startswith("~"):
        return not Path(place).is_relative_to(FOLDER)
    return os.path.normpath(place).startswith("..")


def _outside(root: Path, target: str, message: str, command: str) -> ProjectError:
    """The error for *target*, which lies outside the project; *command* is the rest of the installation's command."""
    hint = "Name commands that take it from elsewhere with [tool.harness] install, or its wheel with pip_find_links."
    there = Path(os.path.normpath(root / target))
    common = Path(os.path.commonpath([root, there]))
    if there.exists() and common != Path("/"):
        inner = root.relative_to(common).as_posix()
        example = f"cd {inner} && {command}" if command else f"pip install ./{there.relative_to(common)} ..."
        hint = (
            f"Run in {common}, which holds both: harness ci {inner} --settings MODULE, with a pyproject.toml there that says"
            f' [tool.harness] env = {{ PYTHONPATH = "{inner}" }} and install = ["{example}"]. Or name its wheel with'
            " pip_find_links."
        )
    return ProjectError(
        f"{message}, which is outside of the project's folder {root}: only what is in it reaches the image.", hint=hint
    )
