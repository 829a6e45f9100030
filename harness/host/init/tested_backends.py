"""The backends that a project's CI tests on, by its services and by the variables from which the settings choose an engine."""

from __future__ import annotations

from collections.abc import Iterator

from harness.host.config.databases import SQLITE
from harness.host.config.variables import BACKENDS
from harness.host.init import variables
from harness.host.init.ci_files.steps import outer_file
from harness.host.init.evidence import Found, Project


def chosen_backend(project: Project) -> Iterator[Found]:
    """The backend of a run: PostgreSQL where the project's CI tests on it, else the first server of CI."""
    tested = dict(tested_backends(project))
    ordered = sorted(tested, key=lambda name: (name == SQLITE, name.partition(":")[0] != "postgres"))
    if ordered and ordered[:1] != variables.engines_in(project.settings_text):
        also = f"; it tests on {', '.join(tested)}" if len(tested) > 1 else ""
        yield Found("db", (ordered[0],), f"{tested[ordered[0]]}{also}")


def tested_backends(project: Project) -> Iterator[tuple[str, str]]:
    """Each backend that the project's CI tests on, with the file that says so; none where the aliases have several engines."""
    trees = [tree for path in project.settings_files if (tree := variables.parsed(path))]
    if variables.aliases_differ(trees):
        return
    wheres: dict[str, str] = {}
    for step in project.steps:
        for image in step.images:
            if backend := variables.backend_of_image(image):
                wheres.setdefault(backend, outer_file(step.where))
    is_mariadb = any(each.startswith("mariadb") for each in wheres)
    for found in for_backends(project):
        backend = found.table.removeprefix("env_for.")
        if backend != "mysql" or not is_mariadb or found.where not in wheres.values():
            wheres.setdefault(backend, found.where)
    if wheres and SQLITE in variables.engines_in(project.settings_text):
        wheres.setdefault(SQLITE, "the settings")
    versioned = {each.partition(":")[0] for each in wheres if ":" in each}
    yield from ((each, where) for each, where in wheres.items() if ":" in each or each not in versioned)


def for_backends(project: Project) -> Iterator[Found]:
    """The variables by which the settings choose an engine, with their value for each backend."""
    chosen: dict[str, dict[str, str]] = {}
    wheres: dict[str, str] = {}
    for step in project.steps:
        for name, values in step.env.items():
            if variables.OF_A_DATABASE.search(name) or not variables.is_named(name, project.settings_text):
                continue
            for value in values:
                if backend := variables.backend_of_word(value):
                    chosen.setdefault(name, {}).setdefault(backend, value)
                    wheres[name] = outer_file(step.where)
    for name, words in chosen.items():
        if "mysql" in words and any("mariadb" in image for step in project.steps for image in step.images):
            words.setdefault("mariadb", words["mysql"])
        for backend in BACKENDS:
            if backend in words:
                yield Found(name, words[backend], wheres[name], f"env_for.{backend}")
