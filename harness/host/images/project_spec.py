"""The image of a project's dependencies: its layers, commands, files and tags, see docs/design/0003-project-image.md.

Only decides, and reads the project's files; ``builder`` beside this module makes the images.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.host.digest import digest_of
from harness.host.docker.images import CACHE, MACHINE_LABEL, NAME_LABEL, ORIGIN_LABEL, PROJECT_LABEL, Image
from harness.host.docker.install import Command, Installation
from harness.host.images.build_environment import FILES_FOLDER, BuildEnvironment
from harness.host.images.specs import KEY_LABEL, ORIGIN_ID_LABEL, TAG_DIGITS, VERSION_LABEL
from harness.host.project import dependencies, git_version, installers, undeclared
from harness.host.project.files import FOLDER, REPOSITORY, fingerprints, project_files
from harness.host.project.packaging_files import PackagingFiles
from harness.host.project.requirements import LocalPackages
from harness.protocol import naming

DEPENDENCIES_LABEL = f"{naming.LABEL}.dependencies"
"""The label with the key of the dependencies of a project that is installed itself, on images that others can be built on."""

VARIABLES = {
    **installers.VARIABLES,
    "PIP_NO_CACHE_DIR": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "DEBIAN_FRONTEND": "noninteractive",
}
"""The variables of every installation, beside those of the build environment."""


CACHE_FOLDER = "/run/harness-cache"
"""The folder in a container with what earlier installations have downloaded; a volume, so no image keeps it."""

CACHED = {
    "PIP_NO_CACHE_DIR": "",
    "UV_NO_CACHE": "0",
    "PIP_CACHE_DIR": f"{CACHE_FOLDER}/pip",
    "UV_CACHE_DIR": f"{CACHE_FOLDER}/uv",
    "POETRY_CACHE_DIR": f"{CACHE_FOLDER}/poetry",
    "PDM_CACHE_DIR": f"{CACHE_FOLDER}/pdm",
    "PIPENV_CACHE_DIR": f"{CACHE_FOLDER}/pipenv",
}
"""The variables of an installation that has this folder."""


@dataclass(frozen=True, slots=True)
class ProjectOptions:
    """The configuration of a project's image.

    ``install`` has its commands, ``None`` for the default from the project's files; ``extra`` further requirements, ``apt``
    Debian packages, ``exclude`` the folders that are not part of the project, ``engines`` those that need a driver.
    ``root`` is the folder that is copied: a folder above the project, ``None`` for the project itself. ``django`` is the
    version of Django in place of the project's own; empty for none. ``has_cache``: what is downloaded for one image is kept
    for the next one.
    """

    install: Sequence[str] | None = None
    apt: Sequence[str] = ()
    exclude: Sequence[Path] = ()
    extra: Sequence[str] = ()
    engines: Sequence[str] = ()
    root: Path | None = None
    django: str = ""
    has_cache: bool = False


def system_installation(environment: BuildEnvironment, runner: str, apt: Sequence[str]) -> Installation:
    """The installation of the Debian packages *apt* into the image *runner*, for all projects that name these."""
    digest = digest_of(part.encode() for part in ("1", runner, *apt))[:TAG_DIGITS]
    return Installation(
        source=runner,
        tag=f"{naming.PREFIX}-system:{digest}",
        labels=_labels("system", runner, digest),
        commands=[Command(dependencies.apt_command(apt), user="root")],
        declared_in="apt",
        folder=FOLDER,
        files_folder=FILES_FOLDER,
        files=environment.files,
        variables={**environment.variables(), **VARIABLES},
    )


def project_installation(
    environment: BuildEnvironment, runner: str, project: Path, options: ProjectOptions | None = None
) -> Installation:
    """The installation of the dependencies of *project* into the image *runner*, or into the one that ``system_installation``
    makes of it, or into the same project's image with another Django; its tag changes with everything that it depends on.

    Raises ``ProjectError`` where nothing names dependencies, and for files that cannot be read or followed.
    """
    options = options or ProjectOptions()
    root = options.root or project
    plan = dependencies.plan(project, options.install, options.extra, options.engines, root, options.django)
    if not plan.commands and options.install is None:
        raise undeclared.error(project)
    if without := _without_django(options, plan, project):
        return _with_django(project_installation(environment, runner, project, without), project, options.django)
    base = plan.base or root
    if plan.files is None:
        files = tuple(project_files(base, options.exclude))
        contents, versions = fingerprints(base, files), git_version.variables(base, files)
    else:
        files, contents, versions = plan.files, dependencies.declared_in_files(base, plan.files), {}
    source = system_installation(environment, runner, options.apt).tag if options.apt else runner
    settings = [*environment.key_parts()]
    variables = [f"{name}={value}".encode() for name, value in versions.items()]
    digest = dependencies.digest(plan, contents, runner, options.apt, [*settings, *variables])
    reuse = _reuse_key(plan, base, source, settings) if plan.local else ""
    cache = _cache(project, source) if options.has_cache and (plan.files is not None or plan.local) else ""
    return Installation(
        source=source,
        tag=f"{naming.PREFIX}-project:{digest}",
        labels={**_labels("project", source, digest, project), DEPENDENCIES_LABEL: reuse},
        commands=[_command(project, text, plan.django) for text in plan.commands],
        condition=Command(_same_requirements(plan.local)) if plan.local else None,
        declared_in=plan.declared_in,
        folder=FOLDER,
        project_root=base,
        project_folder=FOLDER if base == root else REPOSITORY,
        project_files=files,
        files_folder=FILES_FOLDER,
        files=environment.files,
        cache=cache,
        cache_folder=CACHE_FOLDER,
        cache_labels=_labels(CACHE, source, "", project),
        variables={**environment.variables(), **VARIABLES, **(CACHED if cache else {}), **versions},
    )


def _without_django(options: ProjectOptions, plan: dependencies.Installation, project: Path) -> ProjectOptions | None:
    """The options of the image that the Django of *options* can be installed in, as the last part of *plan*; ``None`` where
    that Django decides on the other packages too.
    """
    if not options.django:
        return None
    without = replace(options, django="")
    others = dependencies.plan(project, without.install, without.extra, without.engines, without.root)
    is_last = bool(others.commands) and plan.commands == (*others.commands, installers.django_command(options.django))
    return without if is_last else None


def _with_django(below: Installation, project: Path, django: str) -> Installation:
    """The installation of *django* into the image of *below*, which all versions of Django share."""
    text = installers.django_command(django)
    digest = digest_of(part.encode() for part in ("1", below.tag, text))[:TAG_DIGITS]
    return replace(
        below,
        source=below.tag,
        tag=f"{naming.PREFIX}-project:{digest}",
        labels={**_labels("project", below.tag, digest, project), DEPENDENCIES_LABEL: ""},
        commands=[_command(project, text, django)],
        condition=None,
        declared_in=f"{below.declared_in}, and Django {django},",
        project_files=(),
    )


def _command(project: Path, text: str, django: str) -> Command:
    advise = partial(git_version.next_step, project, text)
    if not django or text != installers.django_command(django):
        return Command(text, advise=advise)
    return Command(
        text,
        advise=lambda output: installers.django_advice(django, output) or advise(output),
        failure=f"Django {django} could not be installed beside the project's other dependencies.",
    )


def _cache(project: Path, source: str) -> str:
    """The volume with what *project* has downloaded for images on the image *source*."""
    owner = (platform.node(), str(os.getuid()), str(project), source)
    return f"{naming.PREFIX}-{CACHE}-{digest_of(map(str.encode, owner))[:TAG_DIGITS]}"


def on_top(installation: Installation, image: Image) -> Installation:
    """*installation* into *image*, which an earlier one with the same commands has made: packages that fit stay.

    Its condition fails if the project's own packages require others than they did then.
    """
    # a file that the project no longer has must not get into its package
    clean = Command(f"find {shlex.quote(installation.project_folder)} -mindepth 1 -delete")
    labels = {**installation.labels, ORIGIN_LABEL: image.tag, DEPENDENCIES_LABEL: ""}
    return replace(installation, source=image.tag, labels=labels, preparation=clean)


def reusable(installation: Installation, images: Iterable[Image]) -> Image | None:
    """The newest of *images* that *installation* can be made on top of."""
    key = installation.labels.get(DEPENDENCIES_LABEL)
    tag = f"{naming.PREFIX}-project:"
    fitting = [
        image for image in images if key and image.labels.get(DEPENDENCIES_LABEL) == key and image.tag.startswith(tag)
    ]
    return max(fitting, key=lambda image: image.created_at, default=None)


def _reuse_key(plan: dependencies.Installation, root: Path, source: str, settings: Iterable[bytes]) -> str:
    """A digest of the inputs of *plan* except the project's own packages, whose requirements are compared in the container."""
    assert plan.local is not None
    read = fingerprints(root, plan.local.files)
    files = PackagingFiles(root)
    declared = files.declared("pyproject.toml") if files.has("pyproject.toml") else b""
    options = [(name, files.setup_cfg.items(name)) for name in files.setup_cfg.sections() if name.startswith("options")]
    parts = [b"1", source.encode(), *map(str.encode, plan.commands), *settings, b"files"]
    parts += [part for name in sorted(read) for part in (name.encode(), read[name])]
    return digest_of([*parts, declared, json.dumps(sorted(options)).encode()])[:TAG_DIGITS]


_COMPARE = """\
import importlib.metadata, json, sys
for package in json.load(sys.stdin)["install"]:
    new = package["metadata"]
    old = importlib.metadata.distribution(new["name"]).requires or []
    if sorted(old) != sorted(new.get("requires_dist", [])):
        sys.exit("the requirements of " + new["name"] + " have changed")
"""


def _same_requirements(local: LocalPackages) -> str:
    """The command that fails if the packages *local* require others than those that are installed under their names."""
    command = f"pip install -q --dry-run --no-deps --ignore-installed --report - {shlex.join(local.words)}"
    return f"{command} | python -c {shlex.quote(_COMPARE)}"


def _labels(name: str, source: str, digest: str, project: Path | None = None) -> dict[str, str]:
    """The labels of an image; they replace those that it inherits from the image *source*."""
    return {
        NAME_LABEL: name,
        VERSION_LABEL: digest,
        KEY_LABEL: digest,
        ORIGIN_LABEL: source,
        ORIGIN_ID_LABEL: "",
        PROJECT_LABEL: str(project or ""),
        MACHINE_LABEL: platform.node() if project else "",
    }
