"""The image of a project's dependencies: its commands, its files and its tag, see docs/design/0003-project-image.md.

Only decides, and reads the project's files; ``builder`` beside this module makes the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.host.docker.images import NAME_LABEL
from harness.host.docker.install import Command, Installation
from harness.host.images.build_environment import FILES_FOLDER, BuildEnvironment
from harness.host.images.specs import KEY_LABEL, ORIGIN_ID_LABEL, ORIGIN_LABEL, VERSION_LABEL
from harness.host.project import dependencies, git_version, installers, undeclared
from harness.host.project.files import FOLDER, REPOSITORY, fingerprints, project_files
from harness.protocol import naming

VARIABLES = {
    **installers.VARIABLES,
    "PIP_NO_CACHE_DIR": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "DEBIAN_FRONTEND": "noninteractive",
}
"""The variables of every installation, beside those of the build environment."""


def project_installation(
    environment: BuildEnvironment,
    runner: str,
    project: Path,
    configured: Sequence[str] | None = None,
    apt: Sequence[str] = (),
    exclude: Sequence[Path] = (),
    extra: Sequence[str] = (),
    engines: Sequence[str] = (),
    root: Path | None = None,
) -> Installation:
    """The installation of the dependencies of *project* into the image *runner*; its tag changes with everything that it
    depends on.

    *root* is the folder that is copied, the project or one above it. *configured* are the commands of ``[tool.harness] install``,
    *extra* the requirements of ``extra_install``, *apt* the Debian packages, *exclude* the folders that are not part of the
    project, *engines* those that need a driver. Raises ``ProjectError`` where nothing names dependencies, and for files that
    cannot be read or followed.
    """
    root = root or project
    plan = dependencies.plan(project, configured, extra, engines, root)
    if not plan.commands and configured is None:
        raise undeclared.error(project)
    base = plan.base or root
    files = plan.files if plan.files is not None else tuple(project_files(base, exclude))
    versions = git_version.variables(base, files) if plan.files is None else {}
    parts = [*environment.key_parts(), *(f"{name}={value}".encode() for name, value in versions.items())]
    digest = dependencies.digest(plan, fingerprints(base, files), runner, apt, parts)
    commands = [Command(dependencies.apt_command(apt), user="root")] if apt else []
    commands += [Command(text, advise=partial(git_version.next_step, project, text)) for text in plan.commands]
    return Installation(
        source=runner,
        tag=f"{naming.PREFIX}-project:{digest}",
        labels=_labels(runner, digest),
        commands=commands,
        declared_in=plan.declared_in or "apt",
        folder=FOLDER,
        project_root=base,
        project_folder=FOLDER if base == root else REPOSITORY,
        project_files=files,
        files_folder=FILES_FOLDER,
        files=environment.files,
        variables={**environment.variables(), **VARIABLES, **versions},
    )


def _labels(runner: str, digest: str) -> dict[str, str]:
    """The labels of the image; they replace those that it inherits from the image *runner*."""
    return {
        NAME_LABEL: "project",
        VERSION_LABEL: digest,
        KEY_LABEL: digest,
        ORIGIN_LABEL: runner,
        ORIGIN_ID_LABEL: "",
    }
