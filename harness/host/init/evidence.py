"""The evidence for the configuration of a project: its own test command, its settings and its files, each read once.

Reads files of the project and asks git; runs none of the project's code.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.errors import ProjectError
from harness.host.init import variables
from harness.host.init.ci_files.steps import Command, Step
from harness.host.init.commands import TestCommand, lying_script, settings_of, test_commands
from harness.host.project import settings_search
from harness.host.project.entry import MANAGE_PY, Entry, find_entry, find_settings_module
from harness.host.project.files import project_files
from harness.host.project.settings_search import VARIABLE

_READ_BY_PYTEST = tuple(f"{name} names it" for name in ("pytest.ini", "setup.cfg", "pyproject.toml", "conftest.py"))
"""Sources of settings that pytest-django reads itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value of ``[tool.harness]``. ``table`` is ``env`` or ``env_for.BACKEND`` for a variable, ``where`` the source."""

    key: str
    value: str | tuple[str, ...]
    where: str
    table: str = ""


@dataclass(frozen=True)
class Project:
    """The files of a project, as far as several decisions need them. ``notes`` are remarks for the reader."""

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
