"""The commands by which a project tests itself: in workflows, GitLab's jobs, tox, nox, recipes and scripts. Runs nothing."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from pathlib import Path

from harness.errors import ProjectError
from harness.host.init import variables
from harness.host.init.ci_files.environments import nox_steps, tox_steps
from harness.host.init.ci_files.recipes import recipes, script_steps
from harness.host.init.ci_files.steps import DEPTH, Command, Step, inner_folder, is_outside, words_of
from harness.host.init.ci_files.workflows import gitlab_jobs, workflow_jobs
from harness.host.project import settings_search
from harness.host.project.entry import find_entry, management_commands
from harness.host.project.packaging_files import PackagingFiles, console_scripts

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


_OF_XDIST = (
    *(
        "-n",
        "--numprocesses",
        "--maxprocesses",
        "--max-worker-restart",
        "--dist",
        "--tx",
        "--px",
        "-d",
        "--maxschedchunk",
    ),
    *("--splits", "--group", "--store-durations", "--durations-path"),
)
"""pytest's options that share the tests out to processes or machines, of pytest-xdist and pytest-split."""
_OF_REPORTS = (
    *(
        "-v",
        "-q",
        "-s",
        "-l",
        "-r",
        "--verbose",
        "--quiet",
        "--tb",
        "--color",
        "--capture",
        "--show-capture",
        "--no-header",
    ),
    *(
        "--durations",
        "--durations-min",
        "--junitxml",
        "--junit-xml",
        "--junit-prefix",
        "--html",
        "--self-contained-html",
    ),
    *("--reuse-db", "--create-db", "--full-trace", "--showlocals"),
)
"""Those that decide what is shown, or whether databases stay: a run has its own reports."""
_VALUED_OF_PYTEST = (
    *(
        "-k",
        "-m",
        "-p",
        "-c",
        "-o",
        "-W",
        "-r",
        "-n",
        "--ds",
        "--dc",
        "--deselect",
        "--ignore",
        "--ignore-glob",
        "--rootdir",
    ),
    *(
        "--import-mode",
        "--maxfail",
        "--confcutdir",
        "--basetemp",
        "--config-file",
        "--override-ini",
        "--reruns",
        "--timeout",
    ),
    *("--reruns-delay", "--tb", "--color", "--capture", "--durations", "--junitxml", "--junit-xml", "--cov-report"),
    *("--cov-config", "--cov-context", "--cov-fail-under", *_OF_XDIST[:7], "--splits", "--group"),
)
"""Those that take a word."""


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A command that runs tests: ``kind`` is ``django`` or ``pytest``. ``script`` is the ``manage.py``, empty for none.

    ``bootstrap`` is our key for a script in place of it, seen from the step's folder; empty for none. ``values`` are by our
    keys. ``step`` is where the command begins: its variables and services are those of the tests. ``earlier`` are the commands
    before it in its job, ``warnings`` the filters that Python gets, ``is_of_ci`` says that a workflow or GitLab has that job.
    """

    kind: str
    script: str
    values: Mapping[str, tuple[str, ...]]
    step: Step
    text: str
    bootstrap: str = ""
    earlier: tuple[Command, ...] = ()
    warnings: tuple[str, ...] = ()
    is_of_ci: bool = False


def test_commands(root: Path) -> list[TestCommand]:
    """The commands in *root* that run tests: those of its CI, else those of tox, nox, recipes and scripts."""
    called = _Called(root, tox_steps(root), nox_steps(root), recipes(root))
    jobs = [*workflow_jobs(root), *gitlab_jobs(root)]
    if found := [each for job in jobs for each in _found_in(job, called, [])]:
        return [replace(each, is_of_ci=True) for each in found]
    others = [*([step] for step in (*called.tox, *called.nox)), *called.recipes.values()]
    others += [[step] for step in script_steps(root)]
    return [each for steps in others for each in _found_in(steps, called, [])]


@dataclass(frozen=True, slots=True)
class _Called:
    """The steps in the project *root* that a command may call."""

    root: Path
    tox: Sequence[Step]
    nox: Sequence[Step]
    recipes: Mapping[str, Sequence[Step]]

    def groups(self, words: Sequence[str]) -> list[list[Step]]:
        """The steps that the command *words* runs: each list in its order, none knows of another list."""
        if _calls("tox", words):
            return [[step] for step in self.tox]
        if _calls("nox", words):
            return [[step] for step in self.nox]
        targets = [f"{tool} {word}" for tool in ("make", "just", "poe") if _calls(tool, words) for word in words]
        triples = zip(words, words[1:], words[2:], strict=False)
        targets += [f"{first} run {word}" for first, second, word in triples if second == "run"]
        if found := [step for target in targets for step in self.recipes.get(target, ())]:
            return [found]
        script = next((word for word in words[:2] if word.endswith(".sh")), "")
        path = self.root / script
        if script and path.is_file() and path.resolve().is_relative_to(self.root.resolve()):
            return [[Step(script.removeprefix("./"), path.read_text("utf-8", "replace"))]]
        return []


def _calls(program: str, words: Sequence[str]) -> bool:
    """Whether *words* run *program*, by itself or by a tool such as ``uv run`` or ``python -m``."""
    place = next((number for number, word in enumerate(words) if word.rpartition("/")[2] == program), -1)
    return place == 0 or (place > 0 and words[0] in (*_STARTERS, "uvx", "pipx") and "install" not in words[:place])


def _found_in(steps: Sequence[Step], called: _Called, earlier: list[Command], depth: int = 0) -> Iterator[TestCommand]:
    """The test commands of *steps*, and of the targets, environments and scripts that these call.

    The commands between them are added to *earlier*.
    """
    for step in steps:
        here = step
        for words, env in words_of(step.text):
            if words[0] == "cd" and len(words) == 2 and "$" not in words[1]:
                here = replace(here, folder=inner_folder(posixpath.join(here.folder, words[1])))
                continue
            if words[0] == "export":
                pairs = (word.partition("=") for word in words[1:])
                here = replace(here, env={**here.env, **{name: (value,) for name, equals, value in pairs if equals}})
                continue
            own = replace(here, env={**here.env, **env})
            if command := parse(words, own, called.root):
                yield replace(command, earlier=tuple(earlier), warnings=_warnings(words, own))
            elif groups := called.groups(words) if depth < DEPTH else []:
                for group in groups:
                    inner = [_inside(each, own) for each in group]
                    known = earlier if len(groups) == 1 else list(earlier)
                    yield from _found_in(inner, called, known, depth + 1)
            else:
                earlier.append(Command(words, own))


def _warnings(words: Sequence[str], step: Step) -> tuple[str, ...]:
    """The filters of ``PYTHONWARNINGS`` and of Python's flag ``-W``, which takes precedence, in this order."""
    given = step.env.get("PYTHONWARNINGS", ())
    found = [each.strip() for value in given[:1] for each in value.split(",") if each.strip()]
    waiting = iter(words)
    for word in waiting:
        if word in ("-m", "--module") or word.endswith(".py"):
            break
        if word.startswith("-W"):
            found.append(word.removeprefix("-W") or next(waiting, ""))
    return tuple(each for each in found if "$" not in each)


def _inside(step: Step, outer: Step) -> Step:
    """*step* as *outer* calls it: with its variables, services, and folder."""
    where = outer.where if step.where in outer.where else f"{step.where}, by {outer.where}"
    folder, env = step.folder or outer.folder, {**step.env, **outer.env}
    return replace(step, where=where, folder=folder, env=env, images=outer.images, pythons=outer.pythons)


def parse(words: Sequence[str], step: Step, root: Path) -> TestCommand | None:
    """The test command in *words*; ``None`` for a command that runs no tests. Scripts in *root* are read."""
    if words[0] in ("echo", "pip", "uv", "python", "poetry") and "install" in words[:5]:
        return None
    for place, word in enumerate(words):
        rest = words[place + 1 :]
        name = word.rpartition("/")[2]
        text = " ".join(words[place:])
        is_module = place > 0 and words[place - 1] in ("-m", "--module")
        if name in ("pytest", "py.test") and (place == 0 or is_module or words[0] in _STARTERS):
            return TestCommand("pytest", "", _values_of_pytest(rest, root / step.folder), step, text)
        is_test = next(iter(rest), "") == "test"
        if is_test and name.endswith(".py") and word == find_entry(root).script:
            return TestCommand("django", word, _values_of(rest[1:]), step, text)
        if is_test and (name in ("manage.py", "django-admin", "django-admin.py") or (is_module and word == "django")):
            script = word.removeprefix("./") if name == "manage.py" else ""
            return TestCommand("django", script, _values_of(rest[1:]), step, text)
        if is_test and is_module and word == "manage":
            return TestCommand("django", "manage.py", _values_of(rest[1:]), step, text)
        if script := _own_script(words[: place + 1], is_test, step.folder, root):
            own = takewhile(lambda each: not re.match(r"\d*[<>]", each), () if is_test else rest)
            more = [each for each in own if not re.search(r"[${}]", each)]
            values = _values_of(rest[1:]) if is_test else {}
            return TestCommand("django", "", values, step, text, " ".join([script, *map(shlex.quote, more)]))
    return None


def _own_script(words: Sequence[str], is_test: bool, folder: str, root: Path) -> str:
    """The last of *words* as our key ``bootstrap``, if it is executed and runs Django's tests; *is_test*: by a word ``test``."""
    *before, word = words
    programs = [each.rpartition("/")[2] for each in before]
    if before and not any(re.fullmatch(r"python[\d.]*|coverage|run", each) for each in programs):
        return ""
    module = before[-1] if before and before[-1] in ("-m", "--module") else ""
    if not module and "-m" in before and "coverage" not in programs:
        return ""  # of a linter, which reads the script
    path = Path(os.path.normpath(Path(folder) / (f"{word.replace('.', '/')}.py" if module else word)))
    if is_test and path.name == "setup.py":
        return suite_function(root / path)
    if is_test and not module and word in own_commands(root):
        return f"{word} test"
    if path.suffix != ".py" or path.is_absolute() or ".." in path.parts:
        return ""
    kind = settings_search.kind_of_file(root / path)
    if kind != ("manage" if is_test else "django"):
        return ""
    script = f"python -m {word}" if module else os.path.relpath(path, folder or ".")
    return f"{script} test" if is_test else script


def own_commands(root: Path) -> Collection[str]:
    """The names of the commands that the project itself installs."""
    with contextlib.suppress(ProjectError):  # packaging files that cannot be parsed name none
        return console_scripts(PackagingFiles(root))
    return ()


def suite_function(path: Path) -> str:
    """The ``test_suite`` of a ``setup.py`` as our key ``bootstrap``, if it is a function in a module beside it."""
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    if match := re.search(r"""\btest_suite\s*=\s*["']([\w.]+)\.(\w+)["']""", text):
        file = path.parent.joinpath(*match[1].split(".")).with_suffix(".py")
        if file.is_file() and re.search(rf"(?m)^def {match[2]}\b", file.read_text("utf-8", "replace")):
            return f"{match[1]}:{match[2]}"
    return ""


def python_path(root: Path, step: Step, known: Collection[str]) -> str:
    """The ``PYTHONPATH`` of *step* from the folder *root*, if it has a folder that is not among *known* anyway."""
    values = step.env.get("PYTHONPATH", ())
    given = [posixpath.normpath(posixpath.join(step.folder, each)) for each in "".join(values[:1]).split(":") if each]
    folders = [each for each in given if "$" not in each and not is_outside(each) and (root / each).is_dir()]
    return ":".join(folders) if set(folders) - {".", "src", *known} else ""


def lying_script(root: Path) -> tuple[str, str]:
    """A script that no command names as our key ``bootstrap``, and its source; both empty if there is none."""
    for name in settings_search.scripts(root):
        return name, f"{name} runs Django's tests"
    if function := suite_function(root / "setup.py"):
        return function, "test_suite of setup.py"
    for name in management_commands(root):
        return f"{name} test", f"{name} is a command of the project"
    return "", ""


def settings_of(root: Path, bootstrap: str, folder: str) -> tuple[str, str]:
    """The settings module that a ``bootstrap`` names, or its own module, which configures them; and the file of the script.

    Its file is seen from *folder* in *root*.
    """
    words = shlex.split(bootstrap)
    target = words[2] if words[1:2] == ["-m"] else words[0].partition(":")[0]
    if target.endswith(".py"):
        target = os.path.normpath(Path(folder) / target).removesuffix(".py").replace("/", ".")
    path = variables.module_file([root / folder, root, root / "src"], target)
    tree = variables.parsed(path) if path else None
    named = list(settings_search.modules_in(tree)) if tree else []
    return next(iter(named), target), target


def _values_of_pytest(words: Sequence[str], folder: Path) -> dict[str, tuple[str, ...]]:
    """The values of pytest's arguments by our keys; ``left_out`` has the options that a run does not need.

    Words that a shell fills in are left out. A word that is no option and no path below *folder* is the value of the option
    before it.
    """
    values: dict[str, tuple[str, ...]] = {}
    waiting = iter(words)
    for word in takewhile(lambda each: not re.match(r"\d*[<>]", each), waiting):
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        is_whole = "=" in word if word.startswith("--") else len(word) > 2
        given = [word, *islice(waiting, 1)] if name in _VALUED_OF_PYTEST and not is_whole else [word]
        if any(re.search(r"[${}]", each) for each in given):
            continue
        if not word.startswith("-"):
            key = (
                "labels"
                if (folder / word.partition("::")[0]).exists() or "pytest_args" not in values
                else "pytest_args"
            )
        elif name == "--ds":
            key, given = "settings", [given[-1].removeprefix("--ds=")]
        elif name in _OF_XDIST or name.startswith("--cov") or name == "--no-cov":
            key = "left_out"
        elif name in _OF_REPORTS:
            continue
        else:
            key = "pytest_args"
        values[key] = (*values.get(key, ()), *given)
    return values


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


def _values_of(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
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
