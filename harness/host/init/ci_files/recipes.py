"""The recipes of a Makefile, of a justfile and of packaging tools, and shell scripts, each as a step. Runs nothing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness.errors import ProjectError
from harness.host.init.ci_files.steps import DEPTH, Step
from harness.host.project.packaging_files import PackagingFiles, table_in

_MAKEFILES = ("Makefile", "makefile", "GNUmakefile")
_JUSTFILES = ("justfile", "Justfile", ".justfile")


def recipes(root: Path) -> dict[str, list[Step]]:
    """The steps of each recipe by the command that runs it, such as ``make test``; their ``where`` is the file.

    Each line is a step: it has a shell of its own, unless the recipe is a script.
    """
    found = {**_of_make(root), **_of_just(root)}
    with contextlib.suppress(ProjectError):  # a run shows the error in a packaging file
        found |= _of_tools(root)
    return {name: list(_by_line(step)) for name, step in found.items()}


def _by_line(step: Step) -> Iterator[Step]:
    for line in [step.text] if step.text.startswith("#!") else step.text.splitlines():
        yield replace(step, text=line)


def script_steps(root: Path) -> list[Step]:
    return [Step(path.name, path.read_text("utf-8", "replace")) for path in sorted(root.glob("*.sh"))]


def _of_make(root: Path) -> dict[str, Step]:
    """The recipe of each target of a Makefile, with those of its prerequisites."""
    file, text = _first(root, _MAKEFILES)
    text = text.replace("\\\n", " ")
    variables = dict(re.findall(r"(?m)^(\w+)\s*[:?]?=[ \t]*(.*?)\s*$", text))
    rules: dict[str, tuple[list[str], str]] = {}
    for match in re.finditer(r"(?m)^([\w.-]+)[ \t]*:(?!=)([^\n#]*)(?:#[^\n]*)?\n((?:\t[^\n]*\n?)*)", text):
        rules[match[1]] = (match[2].split(), re.sub(r"(?m)^\t[@-]*", "", match[3]))

    def expanded(line: str) -> str:
        for _ in range(DEPTH):
            line = re.sub(r"\$[({](\w+)[)}]", lambda match: variables.get(match[1], ""), line)
        return line.replace("$$", "$")

    return {f"make {target}": Step(file, expanded(_recipe(rules, target))) for target in rules}


def _of_just(root: Path) -> dict[str, Step]:
    """The recipe of each target of a justfile, with those of its dependencies; interpolations are left out."""
    file, text = _first(root, _JUSTFILES)
    text = text.replace("\\\n", " ")
    rules: dict[str, tuple[list[str], str]] = {}
    for match in re.finditer(r"(?m)^@?([\w-]+)((?: [^\n:]+)?):(?!=)([^\n#]*)\n((?:[ \t]+[^\n]*\n?|\n)*)", text + "\n"):
        lines = re.sub(r"\{\{[^}]*\}\}", "", re.sub(r"(?m)^[ \t]+[@-]*", "", match[4]))
        rules[match[1]] = (re.sub(r"[()&]|['\"][^'\"]*['\"]", " ", match[3]).split(), lines)
    return {f"just {target}": Step(file, _recipe(rules, target)) for target in rules}


def _recipe(rules: Mapping[str, tuple[list[str], str]], target: str, depth: int = 0) -> str:
    needed, lines = rules.get(target, ([], ""))
    return "".join(_recipe(rules, each, depth + 1) for each in needed if depth < DEPTH) + lines + "\n"


def _of_tools(root: Path) -> dict[str, Step]:
    """The scripts in the tables of Hatch, PDM, Poe and Pipenv, by the command that runs each."""
    files = PackagingFiles(root)
    environments = table_in(files.table("tool", "hatch", "envs"))
    tables = {
        "pdm run": ("pyproject.toml", files.table("tool", "pdm", "scripts")),
        "poe": ("pyproject.toml", files.table("tool", "poe", "tasks")),
        "pipenv run": ("Pipfile", table_in(files.pipfile, "scripts")),
    }
    for name in environments:
        prefix = "hatch run" if name == "default" else f"hatch run {name}"
        tables[prefix] = ("pyproject.toml", table_in(environments, name, "scripts"))
    found: dict[str, Step] = {}
    for prefix, (file, scripts) in tables.items():
        separator = ":" if prefix.count(" ") > 1 else " "
        for name, script in scripts.items():
            found[f"{prefix}{separator}{name}"] = Step(file, "\n".join(_lines(script)))
    return found


def _lines(script: object) -> Iterator[str]:
    if isinstance(script, Mapping):
        script = script.get("cmd", script.get("shell", ""))
    for line in script if isinstance(script, list) else [script]:
        yield re.sub(r"\{args:?([^}]*)\}", r"\1", str(line))


def _first(root: Path, names: tuple[str, ...]) -> tuple[str, str]:
    """The first of the files *names* that exists, with its text; empty for none."""
    name = next((name for name in names if (root / name).is_file()), "")
    return name, (root / name).read_text("utf-8", "replace") if name else ""
