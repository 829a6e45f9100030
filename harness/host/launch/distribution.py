"""The project's own distribution, for the runner's container: its metadata, entry points and scripts.

Only a project's dependencies are installed, and its code is imported from its files. Code that asks ``importlib.metadata`` for
the project's version or entry points finds them in these files, which say the same as an editable installation. Only decides,
and reads the project's files; the build is not run, so a version that only a build knows is ``UNKNOWN_VERSION``.

The files' form: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import ast
import contextlib
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.host.project import git_version
from harness.host.project.files import FOLDER as PROJECT_FOLDER
from harness.host.project.installers import ENVIRONMENT
from harness.host.project.packaging_files import PackagingFiles, folders_above, table_in

FOLDER = "/opt/harness-project"
"""The folder of these files in the container. The environment of the tests searches it last, see the ``Dockerfile``."""

UNKNOWN_VERSION = "0"

_SCRIPT = """\
#!{environment}/bin/python
import sys
from {module} import {name}
sys.exit({attribute}())
"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution's metadata: ``requires`` has a line for each requirement, ``entry_points`` a table for each group.

    ``requires_python`` is empty where the project declares none.
    """

    name: str
    version: str
    requires_python: str = ""
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def files_of(project: Path, root: Path) -> dict[str, str]:
    """The files for the *project* in the copied folder *root*, by their path in ``FOLDER``; none if it is no distribution.

    Raises ``ProjectError`` for a packaging file that cannot be parsed.
    """
    for folder in (project, *folders_above(project, root)):
        if found := declared(PackagingFiles(folder)):
            files = _files(found)
            if folder.is_relative_to(root):
                source = (folder / "src" if (folder / "src").is_dir() else folder).relative_to(root)
                files["project.pth"] = f"{posixpath.normpath(f'{PROJECT_FOLDER}/{source.as_posix()}')}\n"
            return files
    return {}


def declared(files: PackagingFiles) -> Distribution | None:
    """The distribution that ``pyproject.toml`` declares; ``None`` if there is none, or if its tool would not install it."""
    project, poetry, uv = files.table("project"), files.table("tool", "poetry"), files.table("tool", "uv")
    is_virtual = files.has("uv.lock") and not files.table("build-system")
    if not uv.get("package", not is_virtual) or not poetry.get("package-mode", True):
        return None
    if not files.table("tool", "pdm").get("distribution", True):
        return None
    name = str(project.get("name") or poetry.get("name") or "")
    if not name:
        return None
    return Distribution(
        name,
        str(project.get("version") or poetry.get("version") or _dynamic_version(files, name)),
        str(project.get("requires-python") or ""),
        tuple(_requires(project)),
        tuple(map(str, table_in(project, "optional-dependencies"))),
        _entry_points(project, poetry),
    )


def _files(found: Distribution) -> dict[str, str]:
    folder = f"{canonicalize_name(found.name).replace('-', '_')}-{found.version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {found.name}", f"Version: {found.version}"]
    metadata += [f"Requires-Python: {found.requires_python}"] if found.requires_python else []
    metadata += [f"Requires-Dist: {each}" for each in found.requires]
    metadata += [f"Provides-Extra: {each}" for each in found.extras]
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in names.items())])
        for group, names in found.entry_points.items()
    ]
    files = {
        f"{folder}/METADATA": "\n".join(metadata) + "\n",
        f"{folder}/INSTALLER": "harness\n",
        f"{folder}/entry_points.txt": "\n\n".join(groups) + "\n",
    }
    for name, target in found.entry_points.get("console_scripts", {}).items():
        module, _, attribute = target.split("[")[0].replace(" ", "").partition(":")
        if attribute and "/" not in name:
            names = {"module": module, "name": attribute.split(".")[0], "attribute": attribute}
            files[f"bin/{name}"] = _SCRIPT.format(environment=ENVIRONMENT, **names)
    return files


def _requires(project: Mapping[str, Any]) -> Iterator[str]:
    yield from map(str, project.get("dependencies", ()))
    for extra, texts in table_in(project, "optional-dependencies").items():
        for text in texts:
            with contextlib.suppress(InvalidRequirement):  # a variable of a packaging tool
                requirement = Requirement(text)
                marker = (
                    f'({requirement.marker}) and extra == "{extra}"' if requirement.marker else f'extra == "{extra}"'
                )
                requirement.marker = None
                yield f"{requirement}; {marker}"


def _entry_points(project: Mapping[str, Any], poetry: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    tables = {
        "console_scripts": {**table_in(poetry, "scripts"), **table_in(project, "scripts")},
        "gui_scripts": table_in(project, "gui-scripts"),
        **table_in(poetry, "plugins"),
        **table_in(project, "entry-points"),
    }
    # Poetry also knows scripts that are files, as tables
    texts = {
        group: {name: target for name, target in names.items() if isinstance(target, str)}
        for group, names in tables.items()
    }
    return {group: names for group, names in texts.items() if names}


def _dynamic_version(files: PackagingFiles, name: str) -> str:
    """The version that a build would find: from git, or from the file or attribute that the build's own table names."""
    if variables := git_version.variables_of_tests(files.root):
        return next(iter(variables.values()))
    setuptools = files.table("tool", "setuptools", "dynamic", "version")
    if "file" in setuptools:
        paths = setuptools["file"] if isinstance(setuptools["file"], list) else [setuptools["file"]]
        return files.text(str(paths[0])).strip() or UNKNOWN_VERSION
    module, _, attribute = str(setuptools.get("attr", "")).rpartition(".")
    paths = [files.table("tool", "hatch", "version").get("path"), files.table("tool", "pdm", "version").get("path")]
    packages = (module or name.replace("-", "_")).replace(".", "/")
    paths += [f"{base}{packages}{end}" for base in ("", "src/") for end in ("/__init__.py", ".py")]
    texts = (files.text(str(path)) for path in paths if path)
    versions = (_assigned(text, {attribute or "__version__", "__version__", "VERSION"}) for text in texts if text)
    return next(filter(None, versions), UNKNOWN_VERSION)


def _assigned(source: str, names: set[str]) -> str:
    """The text that a module with this *source* assigns to one of *names*; empty if it assigns something else."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return ""
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            targets = {target.id for target in statement.targets if isinstance(target, ast.Name)}
            if targets & names and isinstance(statement.value.value, str):
                return statement.value.value
    return ""
