"""Counts the tests that Django's runner would find and pytest does not collect, by the source of the files."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from ..text import listed, source_of
from .config import Collection, files

_LISTED = 3


def count_not_collected(root: Path, collection: Collection) -> dict[str, int]:
    """The number of tests of each file below *root* that Django's discovery enters and *collection* leaves out."""
    counted: dict[str, int] = {}
    for file in files(root, Collection()):
        path = PurePosixPath(file)
        folders = [root / each for each in path.parents if each != PurePosixPath()]
        if not fnmatch(path.name, "test*.py") or not all((each / "__init__.py").is_file() for each in folders):
            continue
        if collection.takes_file(file) and collection.is_in_paths(root, file) and not _is_left_out(path, collection):
            continue
        if number := sum(1 for _ in _test_methods(source_of(root / file))):
            counted[file] = number
    return counted


def notice(counted: dict[str, int], collection: Collection) -> str:
    """The notice about the tests in *counted*, with the next step; empty if there are none."""
    if not counted:
        return ""
    number = sum(counted.values())
    tests = "1 test of unittest's classes does" if number == 1 else f"{number} tests of unittest's classes do"
    first = next(iter(counted))
    if not collection.takes_file(first):
        patterns = " ".join([*collection.files, PurePosixPath(first).name])
        step = f"python_files = {patterns} in the configuration of pytest collects them"
    else:
        key = "norecursedirs" if _is_left_out(PurePosixPath(first), collection) else "testpaths"
        step = f"{key} in the configuration of pytest leaves them out"
    names = listed([f"{file} ({count})" for file, count in counted.items()], _LISTED)
    return f"{tests} not run, in files that pytest does not collect: {names}. {step}; --framework django runs them."


def _is_left_out(path: PurePosixPath, collection: Collection) -> bool:
    """Whether *path* is in a folder that pytest does not enter."""
    return any(fnmatch(part, pattern) for part in path.parts[:-1] for pattern in collection.not_entered)


def _test_methods(source: str) -> Iterator[str]:
    """The tests of all classes that inherit from another class: those of unittest have a base."""
    try:
        body: Sequence[ast.stmt] = ast.parse(source).body
    except (SyntaxError, ValueError):
        return
    for node in body:
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) != "object" for base in node.bases):
            methods = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            yield from (each.name for each in methods if each.name.startswith("test"))
