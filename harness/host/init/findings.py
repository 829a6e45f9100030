"""Decides the configuration of a project: each key that the default does not give by itself, with the place that says it.

Reads files of the project and asks git; runs none of the project's code.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import dotenv

from harness.errors import ProjectError
from harness.host.config.databases import SQLITE
from harness.host.config.options import OPTIONS
from harness.host.config.variables import BACKENDS
from harness.host.init import preparation, variables
from harness.host.init.commands import TestCommand, lying_script, python_path, settings_of, test_commands
from harness.host.init.environments import tox_steps
from harness.host.init.steps import Command, Step
from harness.host.init.workflows import workflow_jobs
from harness.host.project import dependencies, settings_search
from harness.host.project.entry import MANAGE_PY, Entry, find_entry, find_settings_module, is_set_up_for_pytest
from harness.host.project.files import project_files
from harness.host.project.settings_search import VARIABLE

MADE_UP = "made up"
_READ_BY_PYTEST = tuple(f"{name} names it" for name in ("pytest.ini", "setup.cfg", "pyproject.toml", "conftest.py"))
"""Sources of settings that pytest-django reads itself."""
_OF_A_DATABASE = re.compile(r"(DB|DATABASE|POSTGRES|PG|MYSQL|MARIADB|SQL).*(USER|PASS|HOST|PORT|NAME|URL)|PGPASSWORD")
_OF_TOOLS = re.compile(
    r"(COV|CODECOV|COVERAGE|TOX|PIP_|UV_|GITHUB|PYTHON|PY_COLORS|FORCE_COLOR|CI$|PATH$|HARNESS)|.*(TOKEN|SELENIUM|PLAYWRIGHT)"
)
_PYTHON = next(option for option in OPTIONS if option.key == "python")


@dataclass(frozen=True, slots=True)
class Found:
    """A value of ``[tool.harness]``. ``table`` is ``env`` or ``env_for.BACKEND`` for a variable, ``where`` the source."""

    key: str
    value: str | tuple[str, ...]
    where: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is written, and remarks for the reader. ``has_django`` is false where neither settings nor tests were found.

    ``backends`` are those that the project's CI tests on.
    """

    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()
    has_django: bool = True
    backends: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Project:
    """The files of a project, as far as several decisions need them."""

    root: Path
    notes: list[str] = field(default_factory=list)

    @cached_property
    def tests(self) -> list[TestCommand]:
        return test_commands(self.root)

    @cached_property
    def command(self) -> TestCommand | None:
        """The project's own test command: the first of Django, else the first of pytest."""
        return next((each for each in self.tests if each.kind == "django"), next(iter(self.tests), None))

    @cached_property
    def steps(self) -> list[Step]:
        """The steps that run the tests in the same way as ``command``."""
        return [each.step for each in self.tests if self.command and each.text == self.command.text]

    @cached_property
    def earlier(self) -> list[Command]:
        """The commands before the tests in the jobs that run them in the same way as ``command``."""
        same = [each for each in self.tests if self.command and each.text == self.command.text]
        return [each for one in same for each in one.earlier]

    @cached_property
    def files(self) -> list[str]:
        return project_files(self.root)

    @cached_property
    def python(self) -> str:
        return "\n".join(
            (self.root / name).read_text("utf-8", "replace")
            for name in self.files
            if name.endswith(".py") and (self.root / name).is_file()
        )

    @cached_property
    def entry(self) -> Entry:
        command = self.command
        if command and command.kind == "django":
            script = Path(os.path.normpath(Path(command.step.folder) / command.script)) if command.script else None
            is_inside = script is not None and not script.is_absolute() and ".." not in script.parts
            if script and is_inside and script.name == MANAGE_PY and (self.root / script).is_file():
                return Entry("" if script.parent == Path() else script.parent.as_posix(), MANAGE_PY)
            if not command.script:
                return Entry(command.step.folder if (self.root / command.step.folder).is_dir() else "")
        if self.is_of_pytest and command and (self.root / command.step.folder).is_dir():
            return find_entry(self.root, command.step.folder)
        return find_entry(self.root)

    @property
    def is_of_pytest(self) -> bool:
        """Whether pytest is the project's own test command."""
        return self.command is not None and self.command.kind == "pytest"

    @cached_property
    def bootstrap(self) -> Found | None:
        """The script in place of ``manage.py``: that of the test command, else one that no command names."""
        command = self.command
        if command and command.bootstrap:
            return Found("bootstrap", command.bootstrap, f"{command.step.where}: {command.text}")
        if command or self.entry.script:
            return None
        value, where = lying_script(self.root)
        return Found("bootstrap", value, where) if value else None

    @cached_property
    def settings(self) -> Found | None:
        """The settings module and its source; the key is empty where the script names it by itself."""
        command = self.command
        if command and (named := command.values.get("settings")):
            return Found("settings", named[-1], command.step.where)
        if command and (named := command.step.env.get(VARIABLE)):
            return Found("settings", named[-1], command.step.where)
        candidates = settings_search.candidates(self.root)
        known = next(((module, reason) for module, reason in candidates.items() if reason.endswith("names it")), None)
        if self.is_of_pytest and known:
            return Found("" if known[1] in _READ_BY_PYTEST else "settings", *known)
        if self.bootstrap:
            return Found("", *settings_of(self.root, str(self.bootstrap.value), self.entry.workdir))
        if self.entry.script:
            try:
                module = find_settings_module(self.root, self.entry, {})
            except ProjectError:
                module = None
            if module:
                return Found("", module, self.entry.script)
            return None
        return next((Found("settings", module, reason) for module, reason in candidates.items()), None)

    @cached_property
    def settings_files(self) -> list[Path]:
        module = self.settings.value if self.settings else ""
        return variables.settings_files(self.root, self.entry.workdir, str(module))

    @cached_property
    def settings_text(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace") for path in self.settings_files)


def look_at(root: Path) -> Findings:
    """The findings in the project at *root*."""
    project = _Project(root)
    has_django = bool(project.entry.script or project.settings or project.is_of_pytest)
    backends, for_backend = list(_databases(project)), list(_for_backends(project))
    env = list(_variables(project, {each.key for each in for_backend}))
    found = [*_place(project), *_labels(project), *backends, *_files(project), *_packages(project), *env, *for_backend]
    tested = tuple(name for name, _ in _tested_backends(project))
    return Findings(tuple(found), tuple(dict.fromkeys([*_remarks(project), *project.notes])), has_django, tested)


def _place(project: _Project) -> Iterator[Found]:
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


def _labels(project: _Project) -> Iterator[Found]:
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


def _databases(project: _Project) -> Iterator[Found]:
    """The backend of a run: PostgreSQL where the project's CI tests on it, else the first server of CI."""
    tested = dict(_tested_backends(project))
    ordered = sorted(tested, key=lambda name: (name == SQLITE, name.partition(":")[0] != "postgres"))
    if ordered and ordered[:1] != variables.engines_in(project.settings_text):
        also = f"; it tests on {', '.join(tested)}" if len(tested) > 1 else ""
        yield Found("db", (ordered[0],), f"{tested[ordered[0]]}{also}")


def _tested_backends(project: _Project) -> Iterator[tuple[str, str]]:
    """Each backend that the project's CI tests on, with the file that says so; none where the aliases have several engines."""
    trees = [tree for path in project.settings_files if (tree := variables.parsed(path))]
    if variables.aliases_differ(trees):
        return
    wheres: dict[str, str] = {}
    for step in project.steps:
        for image in step.images:
            if backend := variables.backend_of_image(image):
                wheres.setdefault(backend, _outermost(step))
    is_mariadb = any(each.startswith("mariadb") for each in wheres)
    for found in _for_backends(project):
        backend = found.table.removeprefix("env_for.")
        if backend != "mysql" or not is_mariadb or found.where not in wheres.values():
            wheres.setdefault(backend, found.where)
    if wheres and SQLITE in variables.engines_in(project.settings_text):
        wheres.setdefault(SQLITE, "the settings")
    versioned = {each.partition(":")[0] for each in wheres if ":" in each}
    yield from ((each, where) for each, where in wheres.items() if ":" in each or each not in versioned)


def _for_backends(project: _Project) -> Iterator[Found]:
    """The variables by which the settings choose an engine, with their value for each backend."""
    chosen: dict[str, dict[str, str]] = {}
    wheres: dict[str, str] = {}
    for step in project.steps:
        for name, values in step.env.items():
            if _OF_A_DATABASE.search(name) or not _is_named(name, project.settings_text):
                continue
            for value in values:
                if backend := variables.backend_of_word(value):
                    chosen.setdefault(name, {}).setdefault(backend, value)
                    wheres[name] = _outermost(step)
    for name, words in chosen.items():
        if "mysql" in words and any("mariadb" in image for step in project.steps for image in step.images):
            words.setdefault("mariadb", words["mysql"])
        for backend in BACKENDS:
            if backend in words:
                yield Found(name, words[backend], wheres[name], f"env_for.{backend}")


def _is_named(name: str, text: str) -> bool:
    return re.search(rf"['\"]{re.escape(name)}['\"]", text) is not None


def _variables(project: _Project, others: Iterable[str]) -> Iterator[Found]:
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
        if name in done or name == VARIABLE or _OF_TOOLS.match(name) or _OF_A_DATABASE.search(name):
            continue
        same = next(iter(values)) if len(values) == 1 and all(name in step.env for step in project.steps) else ()
        if len(same) == 1 and not variables.backend_of_word(same[0]) and _is_named(name, project.python):
            yield Found(name, same[0], next(step.where for step in project.steps if name in step.env), "env")


def _takes_dotenv(project: _Project) -> bool:
    script = project.root / project.entry.workdir / (project.entry.script or MANAGE_PY)
    text = project.settings_text + (script.read_text("utf-8", "replace") if script.is_file() else "")
    return (
        (project.root / ".env").is_file()
        and ".env" not in project.files
        and re.search(r"\.env\b|dotenv|read_env|decouple", text) is not None
    )


def _files(project: _Project) -> Iterator[Found]:
    if _takes_dotenv(project):
        yield Found("include", (".env",), "git ignores it, and the settings read it")
    script, workdir = project.entry.script, project.entry.workdir
    found = preparation.preparing_commands(project.root, script, workdir, project.earlier)
    if not (project.command and project.command.is_of_ci) and not any("compilemessages" in each for each in found):
        found |= dict(_uncompiled(project))
    if found:
        yield Found("before", tuple(found), next(iter(found.values())))


def _uncompiled(project: _Project) -> Iterator[tuple[str, str]]:
    """The command that compiles messages, where most have no compiled file in git. A few that have none are cases of a test."""
    files = set(project.files)
    texts = [name for name in project.files if re.search(r"(^|/)locale/.*\.po$", name) and not name.startswith("docs/")]
    missing = [name for name in texts if f"{name[:-3]}.mo" not in files]
    if len(missing) > len(texts) / 2:
        script = f"python {project.entry.script}" if project.entry.script else "django-admin"
        yield f"{script} compilemessages", f"{missing[0]} has no compiled file in git"


def _outermost(step: Step) -> str:
    """The file in which the services and variables of *step* are: the one that calls the others."""
    return _outer_file(step.where)


def _outer_file(where: str) -> str:
    return where.rpartition(", by ")[2]


def _packages(project: _Project) -> Iterator[Found]:
    """Debian's packages and further requirements that the job of the tests installs."""
    if debian := preparation.debian_packages(project.earlier):
        yield Found("apt", tuple(debian), _outer_file(next(iter(debian.values()))))
    with contextlib.suppress(ProjectError):  # a run shows the error in a packaging file
        for key, value, where in preparation.packages(project.root, project.earlier):
            yield Found(key, value, where)


def _is_same(one: TestCommand, other: TestCommand) -> bool:
    """Whether both commands run the same tests by pytest: with coverage or without, in one process or several."""
    chosen = [{key: value for key, value in each.values.items() if key != "left_out"} for each in (one, other)]
    return one.kind == other.kind == "pytest" and chosen[0] == chosen[1]


def _remarks(project: _Project) -> Iterator[str]:
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
