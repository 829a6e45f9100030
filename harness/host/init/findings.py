"""Decides the configuration of a project: each key that the default does not give by itself, with the place that says it.

Reads files of the project and asks git; runs none of the project's code.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dotenv

from harness.errors import ProjectError
from harness.host.config.options import OPTIONS
from harness.host.init import preparation, variables
from harness.host.init.ci_files.environments import tox_steps
from harness.host.init.ci_files.steps import outer_file
from harness.host.init.ci_files.workflows import workflow_jobs
from harness.host.init.commands import TestCommand, python_path
from harness.host.init.evidence import Found, Project
from harness.host.init.tested_backends import chosen_backend, for_backends, tested_backends
from harness.host.project import dependencies, settings_search
from harness.host.project.entry import MANAGE_PY, is_set_up_for_pytest
from harness.host.project.settings_search import VARIABLE

MADE_UP = "made up"
_OF_TOOLS = re.compile(
    r"(COV|CODECOV|COVERAGE|TOX|PIP_|UV_|GITHUB|PYTHON|PY_COLORS|FORCE_COLOR|CI$|PATH$|HARNESS)|.*(TOKEN|SELENIUM|PLAYWRIGHT)"
)
_PYTHON = next(option for option in OPTIONS if option.key == "python")


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is written, and remarks for the reader. ``has_django`` is false where neither settings nor tests were found.

    ``backends`` are those that the project's CI tests on.
    """

    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()
    has_django: bool = True
    backends: tuple[str, ...] = ()


def look_at(root: Path) -> Findings:
    project = Project(root)
    has_django = bool(project.entry.script or project.settings or project.is_of_pytest)
    chosen, for_backend = list(chosen_backend(project)), list(for_backends(project))
    env = list(_variables(project, {each.key for each in for_backend}))
    found = [*_place(project), *_labels(project), *chosen, *_files(project), *_packages(project), *env, *for_backend]
    tested = tuple(name for name, _ in tested_backends(project))
    return Findings(tuple(found), tuple(dict.fromkeys([*_remarks(project), *project.notes])), has_django, tested)


def _place(project: Project) -> Iterator[Found]:
    try:
        dependencies.plan(project.root, None)
    except ProjectError as error:
        if root := _root_for(project.root):
            place = Path(os.path.relpath(root, project.root)).as_posix()
            yield Found("root", place, error.message.partition(", which is outside")[0])
    if project.entry.workdir:
        where = f"{MANAGE_PY} is there" if project.entry.script else project.command and project.command.step.where
        yield Found("workdir", project.entry.workdir, where or "")
    if project.bootstrap:
        yield project.bootstrap
    if project.settings and project.settings.key:
        yield project.settings
    if python := preparation.python_of_ci(project.root, project.steps, str(_PYTHON.default)):
        yield Found("python", *python)


def _root_for(folder: Path) -> Path | None:
    """The nearest folder above *folder* in its repository that has all files which the dependencies of *folder* name."""
    tops = [each for each in folder.parents if (each / ".git").exists()]
    for root in folder.parents if tops and not (folder / ".git").exists() else ():
        with contextlib.suppress(ProjectError):
            dependencies.plan(folder, None, root=root)
            return root
        if root == tops[0]:
            break
    return None


def _labels(project: Project) -> Iterator[Found]:
    """The framework, where a run would choose the other one, and the choice of tests of the project's own command."""
    command = project.command
    if command is None:
        return
    where = f"{command.step.where}: {command.text}"
    is_set_up = any(map(is_set_up_for_pytest, {project.root, project.root / project.entry.workdir}))
    if is_set_up != project.is_of_pytest and not project.bootstrap:
        yield Found("framework", command.kind, where)
    here = project.root / command.step.folder
    workdir = project.root / project.entry.workdir
    labels = []
    for label in command.values.get("labels", ()):
        path = Path(os.path.relpath(here / label, workdir))
        if (here / label.partition("::")[0]).exists() and ".." not in path.parts:
            labels.append(path.as_posix())
        elif variables.module_file([workdir, project.root, here], label) or variables.begins_with_module(
            workdir, label
        ):
            labels.append(label)
        else:
            project.notes.append(f"The label {label} of {where} names no file here and is left out.")
    if labels and "." not in labels:
        yield Found("labels", tuple(labels), where)
    elif not (labels or project.entry.script or project.bootstrap or project.is_of_pytest) and any(
        project.root.glob("example*/__init__.py")
    ):
        yield Found("labels", (".",), f"{where}, with the tests of examples")
    for key in ("exclude_tag", "tag", "pytest_args"):
        if values := command.values.get(key):
            yield Found(key, values, where)
    for key in ("pattern", "top_level_directory"):
        if values := command.values.get(key):
            value = values[-1]
            is_folder = key == "top_level_directory" and (here / value).is_dir()
            yield Found(key, os.path.relpath(here / value, workdir) if is_folder else value, where)
    if command.warnings:
        yield Found("warnings", command.warnings, where)


def _variables(project: Project, others: Iterable[str]) -> Iterator[Found]:
    """The variables that the settings need, then those of the project's own test command; none of *others*."""
    done = set(others)
    if project.command and (folders := python_path(project.root, project.command.step, {project.entry.workdir})):
        yield Found("PYTHONPATH", folders, project.command.step.where, "env")
    local = dotenv.dotenv_values(project.root / ".env") if _takes_dotenv(project) else {}
    jobs = [project.steps, *workflow_jobs(project.root), tox_steps(project.root)]
    steps = [step for job in jobs for step in job]
    for path in project.settings_files:
        name = path.relative_to(project.root).as_posix()
        tree = variables.parsed(path)
        for each in variables.required_variables(tree, name) if tree else ():
            if each.name not in done and each.name not in local and each.name != VARIABLE:
                done.add(each.name)
                value, where = variables.given_value(project.root, steps, each.name) or (each.sample, MADE_UP)
                source = "the value is made up" if where == MADE_UP else f"the value is from {where}"
                yield Found(each.name, value, f"{name} reads it; {source}", "env")
    for name in dict.fromkeys(name for step in project.steps for name in step.env):
        values = {step.env[name] for step in project.steps if name in step.env}
        if name in done or name == VARIABLE or _OF_TOOLS.match(name) or variables.OF_A_DATABASE.search(name):
            continue
        same = next(iter(values)) if len(values) == 1 and all(name in step.env for step in project.steps) else ()
        if len(same) == 1 and not variables.backend_of_word(same[0]) and variables.is_named(name, project.python):
            yield Found(name, same[0], next(step.where for step in project.steps if name in step.env), "env")


def _takes_dotenv(project: Project) -> bool:
    script = project.root / project.entry.workdir / (project.entry.script or MANAGE_PY)
    text = project.settings_text + (script.read_text("utf-8", "replace") if script.is_file() else "")
    return (
        (project.root / ".env").is_file()
        and ".env" not in project.files
        and re.search(r"\.env\b|dotenv|read_env|decouple", text) is not None
    )


def _files(project: Project) -> Iterator[Found]:
    if _takes_dotenv(project):
        yield Found("include", (".env",), "git ignores it, and the settings read it")
    script, workdir = project.entry.script, project.entry.workdir
    found = preparation.preparing_commands(project.root, script, workdir, project.earlier)
    if not (project.command and project.command.is_of_ci) and not any("compilemessages" in each for each in found):
        found |= dict(_uncompiled(project))
    if found:
        yield Found("before", tuple(found), next(iter(found.values())))


def _uncompiled(project: Project) -> Iterator[tuple[str, str]]:
    """The command that compiles messages, where most have no compiled file in git. A few that have none are cases of a test."""
    files = set(project.files)
    texts = [name for name in project.files if re.search(r"(^|/)locale/.*\.po$", name) and not name.startswith("docs/")]
    missing = [name for name in texts if f"{name[:-3]}.mo" not in files]
    if len(missing) > len(texts) / 2:
        script = f"python {project.entry.script}" if project.entry.script else "django-admin"
        yield f"{script} compilemessages", f"{missing[0]} has no compiled file in git"


def _packages(project: Project) -> Iterator[Found]:
    """Debian's packages and further requirements that the job of the tests installs."""
    if debian := preparation.debian_packages(project.earlier):
        yield Found("apt", tuple(debian), outer_file(next(iter(debian.values()))))
    with contextlib.suppress(ProjectError):  # a run shows the error in a packaging file
        for key, value, where in preparation.packages(project.root, project.earlier):
            yield Found(key, value, where)


def _is_same(one: TestCommand, other: TestCommand) -> bool:
    """Whether both commands run the same tests by pytest: with coverage or without, in one process or several."""
    chosen = [{key: value for key, value in each.values.items() if key != "left_out"} for each in (one, other)]
    return one.kind == other.kind == "pytest" and chosen[0] == chosen[1]


def _remarks(project: Project) -> Iterator[str]:
    command = project.command
    if command and (left_out := command.values.get("left_out")):
        yield (
            f"Options of the project's own pytest are left out: {' '.join(left_out)} ({command.step.where}). The harness shares"
            " the tests out itself; coverage is measured with pytest_args."
        )
    others = {each.text: each.step.where for each in project.tests if command and not _is_same(each, command)}
    for text, where in others.items():
        if command and text != command.text:
            yield f"Another command runs tests, and is not followed: {text} ({where})."
    services = dict.fromkeys(
        each for step in project.steps for each in step.images if not variables.backend_of_image(each)
    )
    if services:
        yield f"The tests have further services in CI, which a run does not start: {', '.join(services)}."
    if builds := [each for each in project.earlier if preparation.builds_assets(each)]:
        yield (
            f"{' '.join(builds[0].words)} ({builds[0].step.where}) is not run: the image has no Node. If tests read its files, "
            'build them first, and name them: include = ["..."].'
        )
    if command is None:
        yield "No command that runs Django's tests was found, so all tests run that Django finds."
    if not (project.settings or project.entry.script or project.is_of_pytest):
        only = next(iter(settings_search.pytest_files(project.root)), "")
        yield (
            f"No settings module was found{f'; {only} configures Django for pytest' if only else ''}. "
            'Name one: settings = "package.settings", or a function: bootstrap = "package.settings:configure".'
        )
