"""Rules that no linter knows: sizes of folders and functions, plain first words, names of tests, subjects of commits."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES_IN_A_FOLDER = 11
LINES_OF_A_FUNCTION = 45
LENGTH_OF_A_NAME = 60
LENGTH_OF_A_SUBJECT = 72
RIDDLES = re.compile(r"(?:what|who|whose|whatever|nobody)\b", re.IGNORECASE)
QUESTION = re.compile(r"[^.:;]*\?")


def sources(*folders: str) -> list[Path]:
    """The Python files below *folders* but those of the fixture projects, which look like a user's."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "tests/projects" not in path.as_posix()]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each docstring, also of those behind a constant or a field."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each comment; one over several lines is one."""
    begun, text = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type == tokenize.COMMENT:
            is_next = (
                text and token.start[0] == begun + text.count("\n") + 1 and not token.line[: token.start[1]].strip()
            )
            if not is_next:
                if text:
                    yield begun, text
                begun, text = token.start[0], ""
            text += ("\n" if text else "") + token.string.lstrip("#: ")
    if text:
        yield begun, text


def riddles(path: Path) -> list[str]:
    return [
        f"{named(path)}:{line}: {text.strip().splitlines()[0]}"
        for line, text in sorted([*docstrings(path), *comments(path)])
        if RIDDLES.match(text.strip()) and not QUESTION.match(text.strip())
    ]


def crowded(folder: Path) -> list[str]:
    found = len(list(folder.glob("*.py")))
    return [f"{named(folder)}: {found} files"] if found > FILES_IN_A_FOLDER else []


def long_functions(path: Path) -> list[str]:
    sizes = ((node, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions(path))
    return [f"{named(path)}:{node.lineno}: {node.name}: {size}" for node, size in sizes if size > LINES_OF_A_FUNCTION]


def long_names(path: Path) -> list[str]:
    names = (node.name for node in functions(path))
    return [f"{named(path)}: {name}" for name in names if name.startswith("test_") and len(name) > LENGTH_OF_A_NAME]


def without_module(path: Path) -> list[str]:
    """The test file *path* if it has no module or script. A suffix may follow: ``test_load_values.py`` is for ``load.py`` too."""
    folder = path.parent.relative_to(ROOT / "tests" / "unit")
    place = ROOT / folder if folder.parts[:1] == ("ci",) else ROOT / "harness" / folder
    name = path.stem.removeprefix("test_")
    names = (name, name.rpartition("_")[0])
    files = [place / f"{each}{ending}" for each in names for ending in (".py", "") if each]
    return [] if any(file.is_file() for file in files) else [named(path)]


RULES: dict[str, tuple[Callable[[Path], list[str]], list[Path]]] = {
    "a folder has at most eleven files": (crowded, sorted({path.parent for path in sources("harness")})),
    "a function has at most 45 lines": (long_functions, sources("harness")),
    "a docstring or a comment begins with no riddle": (riddles, sources("harness", "ci", "tests")),
    "the name of a test has at most 60 characters": (long_names, sources("tests")),
    "a unit test has the name of its module": (
        without_module,
        [path for path in sources("tests/unit") if path.name.startswith("test_")],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    check, paths = RULES[rule]
    assert [found for path in paths for found in check(path)] == []


def test_subjects_of_commits_are_short() -> None:
    """Since the commit that added this file; a clone of one commit alone has no others."""
    this = named(Path(__file__))
    try:
        added = git("log", "--diff-filter=A", "--format=%H", "--", this).split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no history")
    subjects = git("log", "--no-merges", "--format=%s", f"{added[-1]}..HEAD").splitlines() if added else []
    assert [subject for subject in subjects if len(subject) > LENGTH_OF_A_SUBJECT] == []


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
