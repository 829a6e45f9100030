"""Finds how a project's dependencies are installed: the commands, the files that these can read, and a digest of both.

Owns pip's defaults for projects without a lock, see docs/design/0003-project-image.md; ``installers`` has the other tools.
Reads the project's files, and runs nothing.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import ProjectError
from harness.host.digest import digest_of
from harness.host.engines import ENGINES
from harness.host.project import installers, requirements
from harness.host.project.files import FOLDER, REPOSITORY, fingerprints
from harness.host.project.installers import TEST_NAMES, Rule
from harness.host.project.packaging_files import PackagingFiles, folders_above
from harness.host.project.requirements import LocalPackages, files_read, local_packages

RUN_NAMES = ("base", "common", "main", "requirements", "default", "production", "prod")
"""The names of files with a project's own dependencies in a folder ``requirements/``, the likeliest first."""

_TEST_FORMS = (
    "requirements-{}.txt",
    "requirements_{}.txt",
    "{}-requirements.txt",
    "{}_requirements.txt",
    "requirements/{}.txt",
    "requirements/requirements-{}.txt",
    "{}/requirements.txt",
    "tests/requirements/{}.txt",
    "test_requirements/{}.txt",
    "test-requirements/{}.txt",
)
_NUMBERED = ("test_requirements", "test-requirements", "tests/requirements")
"""The folders with a file for each version of Django or Python, of which the newest counts."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The commands that install the project's dependencies, run in the runner image, in the folder of what is copied.

    ``files`` are the paths, relative to *base*, that the commands can read; ``None`` means every file of it. ``base`` is
    the folder above ``root`` that names the dependencies; ``None`` means ``root`` itself. ``declared_in`` names the
    source of the commands, ``reason`` says why it was chosen, and ``notices`` name packages that the harness adds, all for
    people. ``local`` are the project's own packages among those that the commands install, if the commands can be run again
    on their own result. ``django`` is the version that was asked for in place of the project's own; empty for none.
    """

    commands: tuple[str, ...] = ()
    files: tuple[str, ...] | None = ()
    declared_in: str = ""
    reason: str = ""
    notices: tuple[str, ...] = ()
    base: Path | None = None
    local: LocalPackages | None = None
    django: str = ""


def plan(
    project: Path,
    configured: Sequence[str] | None,
    extra: Sequence[str] = (),
    engines: Iterable[str] = (),
    root: Path | None = None,
    django: str = "",
) -> Installation:
    """The installation of the dependencies of *project*: *configured*, else the default from its files.

    *extra* are requirements beside these, *engines* those that a driver is needed for. *root* is the folder that is copied:
    a folder above the project, or the project itself. *django* is the version in place of the project's own. No commands when
    no dependencies are named. Raises ``ProjectError`` for a packaging file that cannot be parsed, and for a path outside of
    *root*.
    """
    root = root or project
    if configured is None:
        found = _declared(project, root)
    else:
        read = files_read(project, configured, root)
        found = _placed(Installation(tuple(configured), read, "[tool.harness] install", "configured"), project, root)
    if extra:
        command = shlex.join(["pip", "install", *extra])
        more = _placed(Installation((command,), files_read(project, [command], root)), project, root)
        files = None if found.files is None or more.files is None else tuple(sorted({*found.files, *more.files}))
        found = replace(found, commands=(*found.commands, *more.commands), files=files)
    if not found.commands and (configured is None or not django):
        return found
    if found.files is None and found.base is None:
        found = replace(found, local=local_packages(root, found.commands))
    if django:
        found = _with_django(found, django, None if configured is not None else found.base or project)
    return _with_drivers(found.base or root, found, engines)


def names_dependencies(folder: Path) -> bool:
    """Whether a file in *folder* names dependencies."""
    try:
        return bool(_declared_in(folder).commands)
    except ProjectError:
        return True


def describe(installation: Installation) -> str:
    """One line for people: the source of the dependencies, and the reason for it."""
    django = f", and Django {installation.django}" if installation.django else ""
    reason = f" ({installation.reason})" if installation.reason else ""
    return f"{installation.declared_in}{reason}{django}"


def declared_in_files(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The digest of each existing file of *names*; of packaging files, the parts that can decide which dependencies are
    installed.
    """
    found = fingerprints(root, names)
    for name in found:
        path = root / name
        if path.name in ("pyproject.toml", "uv.lock") and path.is_file():
            found[name] = PackagingFiles(path.parent).declared(path.name)
    return found


def digest(
    installation: Installation,
    contents: Mapping[str, bytes],
    runner: str,
    apt: Iterable[str],
    environment: Iterable[bytes] = (),
) -> str:
    """Twelve hexadecimal digits that change with everything that an installation on the image *runner* can depend on.

    *contents* are those of the files that its commands can read, see ``declared_in_files``; *environment* are the parts
    from the machine and the configuration, see ``BuildEnvironment.key_parts``.
    """
    parts = ["3", runner, "apt", *apt, "commands", *installation.commands, "files"]
    read = [part for name in sorted(contents) for part in (os.fsencode(name), contents[name])]
    return digest_of([*map(os.fsencode, parts), *read, b"environment", *environment])[:12]


def apt_command(packages: Iterable[str]) -> str:
    """The command, for root, that installs the Debian *packages*."""
    wanted = shlex.join(packages)
    return f"apt-get update && apt-get install -y --no-install-recommends -- {wanted} && rm -rf /var/lib/apt/lists/*"


def _declared(project: Path, root: Path) -> Installation:
    """The installation that the files of *project* name, or of the nearest folder above it in *root* or its repository that
    names any.
    """
    above = list(folders_above(project, root))
    for folder in above:
        if _is_member(project, folder):
            return _from_above(project, project, folder, root)
    if not names_dependencies(project):
        for folder in filter(names_dependencies, above):
            return _from_above(project, folder, folder, root)
    return _placed(_declared_in(project, place=_place(project, root), top=root), project, root)


def _is_member(root: Path, workspace: Path) -> bool:
    """Whether *root* is a member of uv's locked workspace in the folder *workspace*."""
    files = PackagingFiles(workspace)
    patterns = files.table("tool", "uv", "workspace").get("members", ()) if files.has("uv.lock") else ()
    return any(root in workspace.glob(str(pattern)) for pattern in patterns)


def _from_above(project: Path, folder: Path, base: Path, root: Path) -> Installation:
    """The installation that the files of *folder* name, with those of *base*: these have a folder of their own if *root*,
    which is copied, does not have them.
    """
    if base.is_relative_to(root):
        found = _declared_in(folder, installers.RULES[0] if folder == project else None, _place(folder, root), root)
        placed = _placed(found if folder != project else replace(found, files=None), folder, root)
        return replace(placed, declared_in=f"{found.declared_in} in {base}")
    place = f"{REPOSITORY}/{folder.relative_to(base).as_posix()}".removesuffix("/.")
    found = _declared_in(folder, rule=installers.RULES[0] if folder == project else None, place=place)
    commands = tuple(f"cd {shlex.quote(place)} && {command}" for command in found.commands)
    files = None if folder == project else found.files
    return replace(found, commands=commands, files=files, base=base, declared_in=f"{found.declared_in} in {base}")


def _place(folder: Path, root: Path) -> str:
    """The folder in a container of *folder* in *root*."""
    return f"{FOLDER}/{folder.relative_to(root).as_posix()}".removesuffix("/.")


def _placed(found: Installation, folder: Path, root: Path) -> Installation:
    """*found*, whose commands run in *folder*, with commands that run in *root*, and files relative to that."""
    if folder == root:
        return found
    inner = folder.relative_to(root).as_posix()
    commands = tuple(f"cd {shlex.quote(inner)} && {command}" for command in found.commands)
    names = None if found.files is None else sorted(os.path.normpath(f"{inner}/{name}") for name in found.files)
    return replace(found, commands=commands, files=None if names is None else tuple(names))


def _declared_in(folder: Path, rule: Rule | None = None, place: str = FOLDER, top: Path | None = None) -> Installation:
    """The installation that the files of *folder*, which is *place* in a container, name; by *rule*, if one is given.

    *top* is the folder that is copied: *folder* or one above it.
    """
    top = top or folder
    files = PackagingFiles(folder)
    rule = rule or installers.rule_for(files)
    if rule is None:
        return _by_pip(files, place, top)
    if not place.startswith(REPOSITORY):
        requirements.check_places(folder, installers.folders(files), rule.file, top)
    read = None if installers.names_folders(files) else tuple(sorted(requirements.packaging_files(folder, rule.tool)))
    commands = list(installers.commands_of(rule, files))
    declared_in, reason = rule.file, rule.reason
    if unread := installers.unread_locks(files, rule):
        reason += f"; not read: {', '.join(unread)}"
    test_file = "" if installers.has_tests(files) else _test_file(files)
    if test_file:
        requirements.check_files(folder, [test_file], top)
        commands.append(command := shlex.join(["pip", "install", "-r", test_file]))
        closure = files_read(folder, [command], top)
        read = None if read is None or closure is None else tuple(sorted({*read, *closure}))
        declared_in += f", {test_file}"
    return Installation(tuple(commands), read, declared_in, reason)


def _by_pip(files: PackagingFiles, place: str, top: Path) -> Installation:
    """Pip's installation of a project without a lock: its own dependencies and those of its tests, the first of each."""
    run_file = _first(files, ["requirements.txt", *(f"requirements/{name}.txt" for name in RUN_NAMES)])
    test_file = _test_file(files)
    own = (["-r", run_file], run_file) if run_file else _own(files, bool(test_file))
    tests = (["-r", test_file], test_file) if test_file else _of_tests(files)
    arguments = [*own[0], *tests[0]]
    if not arguments:
        return Installation()
    requirements.check_files(files.root, filter(None, (run_file, test_file)), top)
    words = ["install", *requirements.in_container(files.root, arguments, "pyproject.toml", place, top)]
    command = shlex.join(["pip", *words])
    declared_in = ", ".join(where for words, where in (own, tests) if words)
    read = files_read(files.root, [command], top)
    if by_uv := installers.uv_pip(files, words):
        read = None if read is None else tuple(sorted({*read, *requirements.packaging_files(files.root, "uv")}))
        return Installation(tuple(by_uv), read, declared_in, "no lock; uv installs, for the indexes in [tool.uv]")
    return Installation((command,), read, declared_in, "no lock; pip installs")


def _first(files: PackagingFiles, names: Iterable[str]) -> str:
    return next(filter(files.has, names), "")


def _test_file(files: PackagingFiles) -> str:
    """The requirements file of the tests; empty for none."""
    found = _first(files, [form.format(name) for name in TEST_NAMES for form in _TEST_FORMS])
    if found:
        return found
    for folder in _NUMBERED:
        numbered = {path: _numbers(path.stem) for path in (files.root / folder).glob("*.txt")}
        newest = max(filter(numbered.get, numbered), key=lambda path: (numbered[path], path.name), default=None)
        if newest is not None:
            return newest.relative_to(files.root).as_posix()
    return ""


def _numbers(name: str) -> tuple[int, ...]:
    """The version in a file's name: ``django-5.2``, ``dj52``, ``py313``."""
    digits = re.findall(r"\d+", name)
    return tuple(int(each) for each in ([digits[0][0], digits[0][1:]] if len(digits) == 1 else digits) if each)


def _own(files: PackagingFiles, has_test_file: bool) -> tuple[Sequence[str], str]:
    """The project's own dependencies in its packaging files, and the file; the project itself if only a build lists them."""
    project, setup_cfg = files.table("project"), files.setup_cfg
    if project:
        return ["."] if _needs_build(project) else list(project.get("dependencies", ())), "pyproject.toml"
    is_described = setup_cfg.has_section("metadata") or setup_cfg.has_section("options")
    if not is_described and not files.has("setup.py"):
        return [], ""
    section = "options.extras_require"
    extra = "" if has_test_file or not setup_cfg.has_section(section) else _likeliest(setup_cfg.options(section))
    return [f".[{extra}]" if extra else "."], "setup.cfg" if is_described else "setup.py"


def _of_tests(files: PackagingFiles) -> tuple[Sequence[str], str]:
    """The dependencies of tests in ``pyproject.toml``, and the likeliest group or extra, which has them."""
    project = files.table("project")
    group, extra = _likeliest(files.table("dependency-groups")), _likeliest(project.get("optional-dependencies", {}))
    if group and installers.for_tests([extra, group])[0] == group:
        return group_requirements(files, group), f"dependency group {group} of pyproject.toml"
    return extra_requirements(project, extra), f"extra {extra} of pyproject.toml"


def _needs_build(project: Mapping[str, Any]) -> bool:
    return not {"dependencies", "optional-dependencies"}.isdisjoint(project.get("dynamic", ()))


def _likeliest(names: Iterable[str]) -> str:
    """The one of *names* that the dependencies of tests most likely have; empty for none."""
    return next(iter(installers.for_tests(names)), "")


def extra_requirements(project: Mapping[str, Any], extra: str, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The requirements of an extra, with those of the extras that it includes by the project's own name."""
    found: list[str] = []
    for text in project.get("optional-dependencies", {}).get(extra, ()):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # a variable of a packaging tool, or an error that pip shows
            requirement = None
        if requirement and canonicalize_name(requirement.name) == canonicalize_name(project.get("name", "")):
            for name in sorted(requirement.extras - {*seen, extra}):
                found.extend(extra_requirements(project, name, (*seen, extra)))
        else:
            found.append(text)
    return tuple(found)


def group_requirements(files: PackagingFiles, name: str) -> tuple[str, ...]:
    """The requirements of a dependency group, with those of the groups that it includes (PEP 735); none without *name*."""
    try:
        return resolve_dependency_groups(files.table("dependency-groups"), *filter(None, [name]))
    except ExceptionGroup as errors:
        raise ProjectError(
            f"The dependency group {name} of pyproject.toml cannot be resolved.",
            hint="Correct [dependency-groups], or say with [tool.harness] install how the dependencies are installed.",
            evidence="\n".join(map(str, errors.exceptions)),
        ) from errors


def _with_django(found: Installation, django: str, declaring: Path | None) -> Installation:
    """*found* with the Django that was asked for; *declaring* is the folder whose tables decided, if any did.

    Raises ``ProjectError`` if these name an index for Django.
    """
    if declaring and (index := installers.django_index(PackagingFiles(declaring))):
        raise ProjectError(
            f"The project takes Django from the index {index!r} alone, and Django {django} would come from pip's.",
            hint="Leave out django, or name the commands with [tool.harness] install, and the index with pip_index_url.",
        )
    commands = (
        installers.preferring_django(command, django) if requirements.ends_in_pip_install(command) else command
        for command in found.commands
    )
    return replace(found, commands=(*commands, installers.django_command(django)), django=django)


def _with_drivers(folder: Path, found: Installation, engines: Iterable[str]) -> Installation:
    """*found* with a command for the driver of each of *engines* that no command and no file of *folder* names."""
    names = {*requirements.packaging_files(folder), *(found.files or ())}
    texts = [(folder / name).read_text("utf-8", "replace") for name in names if (folder / name).is_file()]
    text = " ".join([*found.commands, *texts])
    wanted = [ENGINES[name] for name in sorted(engines) if name in ENGINES]
    lacking = [engine for engine in wanted if not engine.driver.is_named(text)]
    notices = [
        f"No file names a driver for {engine.title}: {engine.driver.package} is installed, unless a package brings one."
        ' To choose: extra_install = ["..."] in [tool.harness].'
        for engine in lacking
    ]
    commands = dict.fromkeys(engine.driver.command for engine in lacking)
    return replace(found, commands=(*found.commands, *commands), notices=tuple(notices))
