"""The jobs of GitHub's workflows and of GitLab, each as its steps in their order. Runs nothing."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from harness.host.init.ci_files.steps import DEPTH, EXPRESSION, Step, inner_folder, is_outside, text_of


def read_yaml(path: Path) -> Mapping[str, Any]:
    """The mapping in *path*; empty where it has none or cannot be read."""
    with contextlib.suppress(OSError, YAMLError, ValueError):
        content = YAML(typ="safe", pure=True).load(io.StringIO(path.read_text("utf-8", "replace")))
        return content if isinstance(content, dict) else {}
    return {}


def workflow_jobs(root: Path) -> Iterator[list[Step]]:
    """The ``run`` steps of each job of GitHub's workflows, those of a file that is called after tests first."""
    folder = root / ".github" / "workflows"
    paths = sorted(folder.glob("*.y*ml"), key=lambda path: (_distance(path.stem), path.name))
    for path in paths:
        workflow = read_yaml(path)
        for job in mapping(workflow.get("jobs")).values():
            yield list(_job_steps(root, path.relative_to(root).as_posix(), workflow, mapping(job)))


def _distance(name: str) -> int:
    """How far a workflow's *name* is from one of the project's tests: 0 for ``tests``, ``ci-main``, ``python-test``."""
    if re.search(r"^(tests?|ci)\b|\btests?$", name):
        return 0
    return 1 if "test" in name or name.startswith("ci") else 2


def _job_steps(root: Path, where: str, workflow: Mapping[str, Any], job: Mapping[str, Any]) -> Iterator[Step]:
    matrix = _matrix(job)
    images = [
        image
        for service in mapping(job.get("services")).values()
        for image in _values(service if isinstance(service, str) else mapping(service).get("image", ""), matrix)
        or [str(mapping(service).get("image", "")).split(":")[0]]
    ]
    variables = {**mapping(workflow.get("env")), **mapping(job.get("env"))}
    steps = list(_with_actions(root, where, job.get("steps")))
    pythons = tuple(dict.fromkeys(each for _, step in steps for each in _pythons(step, variables, matrix)))
    for place, step in steps:
        folder = text_of(step.get("working-directory"))
        if "run" in step and not is_outside(folder):
            env = {**variables, **mapping(step.get("env"))}
            values = {str(name): tuple(_values(value, matrix)) for name, value in env.items()}
            yield Step(place, str(step["run"]), inner_folder(folder), values, tuple(dict.fromkeys(images)), pythons)


def _pythons(step: Mapping[str, Any], variables: Mapping[str, Any], matrix: Mapping[str, list[str]]) -> Iterator[str]:
    """The versions of Python that *step* sets up, as they are written."""
    if re.match(r"actions/setup-python@|astral-sh/setup-uv@", text_of(step.get("uses"))):
        known = {**{f"env.{name}": [text_of(value)] for name, value in variables.items()}, **matrix}
        for value in _values(mapping(step.get("with")).get("python-version"), known):
            yield from value.split()


def _with_actions(root: Path, where: str, steps: object, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each of *steps* with its file; in place of a step that uses an action of the project's own, the steps of that action."""
    for step in map(mapping, steps if isinstance(steps, list) else ()):
        action = inner_folder(text_of(step.get("uses"))) if text_of(step.get("uses")).startswith("./") else ""
        file = next(
            (root / action / name for name in ("action.yml", "action.yaml") if (root / action / name).is_file()), None
        )
        if action and file and depth < DEPTH:
            name = f"{file.relative_to(root).as_posix()}, by {where}"
            yield from _with_actions(root, name, mapping(read_yaml(file).get("runs")).get("steps"), depth + 1)
        else:
            yield where, step


def _matrix(job: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each name of a job's matrix."""
    found: dict[str, list[str]] = {}
    matrix = mapping(mapping(job.get("strategy")).get("matrix"))
    include = matrix.get("include")
    rows = include if isinstance(include, list) else []
    pairs = [(name, value) for name, values in matrix.items() if isinstance(values, list) for value in values]
    pairs += [(name, value) for row in rows if isinstance(row, dict) for name, value in row.items()]
    for name, value in pairs:
        if isinstance(value, (str, int, float)):
            found.setdefault(f"matrix.{name}", []).append(text_of(value))
    return {name: list(dict.fromkeys(values)) for name, values in found.items()}


def _values(value: object, matrix: Mapping[str, list[str]]) -> list[str]:
    """The texts that *value* has with each value of the matrix; none if it has another expression."""
    text = text_of(value)
    names = list(dict.fromkeys(EXPRESSION.findall(text)))
    if any(name not in matrix for name in names):
        return []
    filled = []
    for chosen in itertools.product(*(matrix[name] for name in names)):
        value_of = dict(zip(names, chosen, strict=True))
        pieces = EXPRESSION.split(text)  # texts, with the expressions' names between them
        pieces[1::2] = [value_of[name] for name in pieces[1::2]]
        filled.append("".join(pieces))
    return list(dict.fromkeys(filled))


def gitlab_jobs(root: Path) -> Iterator[list[Step]]:
    """The scripts of each job in ``.gitlab-ci.yml``: what runs before the job's own script, then that script."""
    content = read_yaml(root / ".gitlab-ci.yml")
    for job in map(mapping, content.values()):
        env = {**mapping(content.get("variables")), **mapping(job.get("variables"))}
        services = [*(content.get("services") or ()), *(job.get("services") or ())]
        before = job.get("before_script") or content.get("before_script")
        yield [
            Step(
                ".gitlab-ci.yml",
                script if isinstance(script, str) else "\n".join(map(str, script or ())),
                env={str(name): () if "$" in str(value) else (text_of(value),) for name, value in env.items()},
                images=tuple(
                    each if isinstance(each, str) else str(mapping(each).get("name", "")) for each in services
                ),
            )
            for script in (before, job.get("script"))
        ]


def mapping(value: object) -> Mapping[str, Any]:
    """*value* itself; an empty mapping for a value of another type."""
    return value if isinstance(value, dict) else {}
