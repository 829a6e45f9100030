"""The image of a project's dependencies: its commands, its files and its tag, see docs/design/0003-project-image.md.

Only decides, and reads the project's files; ``builder`` beside this module makes the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.host.docker.images import NAME_LABEL
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.specs import KEY_LABEL, ORIGIN_ID_LABEL, ORIGIN_LABEL, VERSION_LABEL
from harness.host.project import dependencies, undeclared
from harness.host.project.dependencies import Installation
from harness.host.project.files import fingerprints, project_files
from harness.protocol import naming


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """The image of a project's dependencies on the image *runner*. ``files`` are those of the project that the
    installation can read, ``digest`` changes with everything that it depends on.
    """

    runner: str
    installation: Installation
    files: tuple[str, ...]
    digest: str

    @property
    def tag(self) -> str:
        return f"{naming.PREFIX}-project:{self.digest}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the image; they replace those that it inherits from the runner's image."""
        return {
            NAME_LABEL: "project",
            VERSION_LABEL: self.digest,
            KEY_LABEL: self.digest,
            ORIGIN_LABEL: self.runner,
            ORIGIN_ID_LABEL: "",
        }


def project_spec(
    environment: BuildEnvironment,
    runner: str,
    root: Path,
    configured: Sequence[str] | None = None,
    apt: Sequence[str] = (),
    exclude: Sequence[Path] = (),
) -> ProjectSpec:
    """The image with the dependencies of the project in *root*, on the image *runner*.

    *configured* are the commands of ``[tool.harness] install``, *apt* the Debian packages, *exclude* the folders that are
    not part of the project. Raises ``ProjectError`` where nothing names dependencies, and for files that cannot be read or
    followed.
    """
    installation = dependencies.plan(root, configured, environment.indexes)
    if not installation.commands and configured is None:
        raise undeclared.error(root)
    files = installation.files if installation.files is not None else tuple(project_files(root, exclude))
    digest = dependencies.digest(installation, fingerprints(root, files), runner, apt, environment.key_parts())
    return ProjectSpec(runner, installation, files, digest)
