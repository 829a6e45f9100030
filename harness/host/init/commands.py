"""The commands by which a project tests itself: in workflows, GitLab's jobs, tox, a Makefile and shell scripts. Runs nothing."""

from __future__ import annotations

import configparser
import contextlib
import io
import itertools
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

DEPTH = 4
"""The number of files through which a command is followed: a workflow, a Makefile, a script."""
MAKEFILES = ("Makefile", "makefile", "GNUmakefile")
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_VALUED = {
    "--settings": "settings",
    "--ds": "settings",
    "--tag": "tag",
    "--exclude-tag": "exclude_tag",
    "-p": "pattern",
    "--pattern": "pattern",
    "-t": "top_level_directory",
    "--top-level-directory": "top_level_directory",
    **dict.fromkeys(("-v", "--verbosity", "--testrunner", "--pythonpath", "-k", "--durations"), ""),
}
"""The flags of ``manage.py test`` that take a word, with our key for it; empty for those that do not decide the tests."""


@dataclass(frozen=True, slots=True)
class Step:
    """Shell commands of a file, with the folder and the variables that they get there.

    A variable has each of the values that a matrix gives it, and none if they cannot be known. ``images`` are those of the
    services beside the step, ``apt`` the packages that its job installs, ``requirements`` those that tox installs.
    """

    where: str
    text: str
    folder: str = ""
    env: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A command that runs tests: ``kind`` is ``django`` or ``pytest``. ``script`` is the ``manage.py``, empty for none.

    ``values`` are by our keys. ``step`` is where the command begins: its variables and services are those of the tests.
    """

    kind: str
    script: str
    values: Mapping[str, tuple[str, ...]]
    step: Step
    text: str


def test_commands(root: Path) -> list[TestCommand]:
    """The commands in *root* that run tests: those of its CI, else those of tox, a Makefile and scripts."""
    local = {"tox": tox_steps(root), **{f"make {step.where}": [step] for step in make_steps(root)}}
    found = [each for step in [*workflow_steps(root), *gitlab_steps(root)] for each in _followed(root, step, local)]
    if found:
        return found
    others = [*local["tox"], *make_steps(root), *script_steps(root)]
    return [each for step in others for each in _followed(root, step, local)]


def read_yaml(path: Path) -> Mapping[str, Any]:
    """The mapping in *path*; empty where it has none or cannot be read."""
    with contextlib.suppress(OSError, YAMLError, ValueError):
        content = YAML(typ="safe", pure=True).load(io.StringIO(path.read_text("utf-8", "replace")))
        return content if isinstance(content, dict) else {}
    return {}


def workflow_steps(root: Path) -> Iterator[Step]:
    """The ``run`` steps of GitHub's workflows, those of a file that is called after tests first."""
    folder = root / ".github" / "workflows"
    paths = sorted(folder.glob("*.y*ml"), key=lambda path: (not re.search(r"test|^ci", path.stem), path.name))
    for path in paths:
        workflow = read_yaml(path)
        for job in _mapping(workflow.get("jobs")).values():
            yield from _job_steps(path.relative_to(root).as_posix(), workflow, _mapping(job))


def _job_steps(where: str, workflow: Mapping[str, Any], job: Mapping[str, Any]) -> Iterator[Step]:
    matrix = _matrix(job)
    images = [
        image
        for service in _mapping(job.get("services")).values()
        for image in _values(service if isinstance(service, str) else _mapping(service).get("image", ""), matrix)
        or [str(_mapping(service).get("image", "")).split(":")[0]]
    ]
    steps = [_mapping(step) for step in job.get("steps") or () if isinstance(step, dict)]
    apt = tuple(package for step in steps for package in apt_packages(str(step.get("run", ""))))
    for step in steps:
        if "run" in step:
            env = {**_mapping(workflow.get("env")), **_mapping(job.get("env")), **_mapping(step.get("env"))}
            values = {str(name): tuple(_values(value, matrix)) for name, value in env.items()}
            folder = _folder(_text(step.get("working-directory")))
            yield Step(where, str(step["run"]), folder, values, tuple(dict.fromkeys(images)), apt)


def _matrix(job: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each name of a job's matrix."""
    found: dict[str, list[str]] = {}
    matrix = _mapping(_mapping(job.get("strategy")).get("matrix"))
    include = matrix.get("include")
    rows = include if isinstance(include, list) else []
    pairs = [(name, value) for name, values in matrix.items() if isinstance(values, list) for value in values]
    pairs += [(name, value) for row in rows if isinstance(row, dict) for name, value in row.items()]
    for name, value in pairs:
        if isinstance(value, (str, int, float)):
            found.setdefault(f"matrix.{name}", []).append(_text(value))
    return {name: list(dict.fromkeys(values)) for name, values in found.items()}


def _values(value: object, matrix: Mapping[str, list[str]]) -> list[str]:
    """The texts that *value* has with each value of the matrix; none if it has another expression."""
    text = _text(value)
    names = list(dict.fromkeys(_EXPRESSION.findall(text)))
    if any(name not in matrix for name in names):
        return []
    filled = []
    for chosen in itertools.product(*(matrix[name] for name in names)):
        value_of = dict(zip(names, chosen, strict=True))
        pieces = _EXPRESSION.split(text)  # texts, with the expressions' names between them
        pieces[1::2] = [value_of[name] for name in pieces[1::2]]
        filled.append("".join(pieces))
    return list(dict.fromkeys(filled))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _folder(text: str) -> str:
    """The folder *text* relative to the project; empty for the project itself and for folders outside of it."""
    path = posixpath.normpath(text or ".")
    return "" if path == "." or path.startswith(("..", "/", "$", "{")) else path


def gitlab_steps(root: Path) -> Iterator[Step]:
    """The scripts of the jobs in ``.gitlab-ci.yml``."""
    content = read_yaml(root / ".gitlab-ci.yml")
    for job in map(_mapping, content.values()):
        lines = [job.get("script")] if isinstance(job.get("script"), str) else job.get("script") or []
        before = job.get("before_script") or content.get("before_script") or []
        env = {**_mapping(content.get("variables")), **_mapping(job.get("variables"))}
        services = [*(content.get("services") or ()), *(job.get("services") or ())]
        yield Step(
            ".gitlab-ci.yml",
            "\n".join(map(str, lines)),
            env={str(name): () if "$" in str(value) else (_text(value),) for name, value in env.items()},
            images=tuple(each if isinstance(each, str) else str(_mapping(each).get("name", "")) for each in services),
            apt=tuple(apt_packages("\n".join(map(str, before)))),
        )


def tox_steps(root: Path) -> list[Step]:
    """The commands of each environment in ``tox.ini`` or ``setup.cfg`` that has some."""
    steps = []
    for name in ("tox.ini", "setup.cfg"):
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        with contextlib.suppress(OSError, configparser.Error):
            parser.read_string((root / name).read_text("utf-8", "replace"))
        for section in parser.sections():
            if re.match(r"(tox:)?testenv", section) and parser.has_option(section, "commands"):
                text = re.sub(r"(?m)^\s*[\w,{}!.-]+:\s+", "", parser.get(section, "commands") or "")
                folder = _folder(_tox_text(parser.get(section, "changedir", fallback="") or ""))
                lines = (parser.get(section, "setenv", fallback="") or "").splitlines()
                pairs = (re.fullmatch(r"\s*(\w+)\s*=\s*(.*?)\s*", line) for line in lines)
                env = {match[1]: _tox_text(match[2]) for match in pairs if match}
                values = {key: () if re.search(r"[{}\\]", value) else (value,) for key, value in env.items()}
                deps = (parser.get(section, "deps", fallback="") or "").splitlines()
                plain = tuple(line.strip() for line in deps if re.match(r"\s*[A-Za-z][\w.-]*\s*([<>=!~].*)?$", line))
                steps.append(Step(name, _tox_text(text), folder, values, requirements=plain))
    return steps


def _tox_text(text: str) -> str:
    """*text* with the defaults of tox's substitutions; the project's own folder is the current one."""
    text = re.sub(r"\{(?:posargs|env:\w+):([^{}]*)\}", r"\1", text)
    text = text.replace("{posargs}", "").replace("{toxinidir}", ".").replace("{tox_root}", ".")
    return re.sub(r"(?m)^\.$", "", text)


def make_steps(root: Path) -> list[Step]:
    """A step for each target of a Makefile, with its recipe and those of its prerequisites; ``where`` is the target."""
    text = next(((root / name).read_text("utf-8", "replace") for name in MAKEFILES if (root / name).is_file()), "")
    text = text.replace("\\\n", " ")
    variables = dict(re.findall(r"(?m)^(\w+)\s*[:?]?=[ \t]*(.*?)\s*$", text))
    rules: dict[str, tuple[list[str], str]] = {}
    for match in re.finditer(r"(?m)^([\w.-]+)[ \t]*:(?!=)([^\n#]*)(?:#[^\n]*)?\n((?:\t[^\n]*\n?)*)", text):
        rules[match[1]] = (match[2].split(), re.sub(r"(?m)^\t[@-]*", "", match[3]))

    def recipe(target: str, depth: int = 0) -> str:
        needed, lines = rules.get(target, ([], ""))
        return "".join(recipe(each, depth + 1) for each in needed if depth < DEPTH) + lines + "\n"

    def expanded(line: str) -> str:
        for _ in range(DEPTH):
            line = re.sub(r"\$[({](\w+)[)}]", lambda match: variables.get(match[1], ""), line)
        return line.replace("$$", "$")

    return [Step(target, expanded(recipe(target))) for target in rules]


def script_steps(root: Path) -> list[Step]:
    return [Step(path.name, path.read_text("utf-8", "replace")) for path in sorted(root.glob("*.sh"))]


def apt_packages(text: str) -> list[str]:
    """The packages that the lines ``apt-get install`` of *text* name."""
    lines = re.findall(r"\bapt(?:-get)?\s+(?:-\S+\s+)*install\s+([^\n;&|]*)", text.replace("\\\n", " "))
    return [word for line in lines for word in line.split() if re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", word)]


def _followed(root: Path, step: Step, local: Mapping[str, list[Step]], depth: int = 0) -> Iterator[TestCommand]:
    """The test commands of *step*, and of the targets, environments and scripts that it calls."""
    for words, env in _lines(step.text):
        own = replace(step, env={**step.env, **env})
        if command := parse(words, own):
            yield command
            continue
        for called in _called(root, words, local) if depth < DEPTH else ():
            inner = replace(called, folder=called.folder or own.folder, env={**called.env, **own.env})
            inner = replace(inner, images=own.images, apt=own.apt)
            where = called.where if called.where.endswith((".sh", ".ini", ".cfg")) else "Makefile"
            inner = replace(inner, where=step.where if where in step.where else f"{where}, by {step.where}")
            yield from _followed(root, inner, local, depth + 1)


def _called(root: Path, words: list[str], local: Mapping[str, list[Step]]) -> list[Step]:
    name = words[0].rpartition("/")[2] if words else ""
    if name == "tox" or words[1:3] == ["-m", "tox"]:
        return local["tox"]
    if name == "make":
        return [step for word in words[1:] for step in local.get(f"make {word}", [])]
    script = next((word for word in words[:2] if word.endswith(".sh")), "")
    path = root / script
    if script and path.is_file() and path.resolve().is_relative_to(root.resolve()):
        return [Step(script.removeprefix("./"), path.read_text("utf-8", "replace"))]
    return []


def _lines(text: str) -> Iterator[tuple[list[str], dict[str, tuple[str, ...]]]]:
    """The words of each command of a shell's *text*, and the variables before it."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text.replace("\\\n", " "))
    for line in re.split(r"\n|&&|\|\||[;|]", text):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        env: dict[str, tuple[str, ...]] = {}
        while words and (match := re.fullmatch(r"(\w+)=(.*)", words[0])):
            env[match[1]] = () if "$" in match[2] else (match[2],)
            words = words[1:]
        if words:
            yield words, env


def parse(words: list[str], step: Step) -> TestCommand | None:
    """The test command in *words*; ``None`` for a command that runs no tests."""
    if words[0] in ("echo", "pip", "uv", "python", "poetry") and "install" in words[:5]:
        return None
    for place, word in enumerate(words):
        rest = words[place + 1 :]
        name = word.rpartition("/")[2]
        is_module = place > 0 and words[place - 1] in ("-m", "--module")
        if name in ("pytest", "py.test") and (place == 0 or is_module or words[0] in _STARTERS):
            return TestCommand("pytest", "", _values_of(rest), step, " ".join(words[place:]))
        is_script = name.endswith(".py") or (is_module and name in ("manage", "django"))
        if (is_script or name in ("django-admin", "django-admin.py")) and next(iter(rest), "") == "test":
            script = "" if name.startswith("django") else word if name.endswith(".py") else f"{word}.py"
            text = " ".join(words[place:])
            return TestCommand("django", script.removeprefix("./"), _values_of(rest[1:]), step, text)
    return None


_STARTERS = (
    "python",
    "python3",
    "coverage",
    "uv",
    "poetry",
    "pipenv",
    "pdm",
    "hatch",
    "docker",
    "docker-compose",
    "time",
)


def _values_of(words: list[str]) -> dict[str, tuple[str, ...]]:
    """The values of a test command's arguments by our keys, its labels among them. Words that a shell fills in are left out."""
    values: dict[str, tuple[str, ...]] = {}
    waiting = iter(words)
    for word in waiting:
        flag, equals, value = word.partition("=")
        if flag in _VALUED:
            value = value if equals else next(waiting, "")
            key = _VALUED[flag]
        elif flag in ("--parallel", "--shuffle") or word.startswith("-") or re.fullmatch(r"\d+|auto", word):
            continue
        elif re.match(r"\d*[<>]", word):
            break
        else:
            key, value = "labels", word
        if key and value and not re.search(r"[${}]", value):
            values[key] = (*values.get(key, ()), value)
    return values


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
