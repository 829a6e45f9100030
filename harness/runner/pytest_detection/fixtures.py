"""The fixtures that pytest gives every test of a folder: read from the source of ``conftest.py``, which is not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from ..text import listed

HARMLESS = frozenset({"db", "transactional_db"})
"""Fixtures that give a test what a ``TestCase`` has anyway."""
CONFIGURED = "usefixtures of pytest's configuration"
"""The key, in place of a ``conftest.py`` in the root, of fixtures that the configuration gives every test."""
_LISTED = 3


def autouse_fixtures(source: str) -> tuple[str, ...]:
    """Names of the autouse fixtures in a ``conftest.py``, without those that only ask for ``HARMLESS``."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    return tuple(function.name for function in _functions(tree.body) if _is_autouse(function) and _does_work(function))


def is_above(folder: str, file: str) -> bool:
    """Whether *file* lies in *folder*, both relative to the root; the root's own name is empty."""
    return not folder or file.startswith(f"{folder}/")


def fixtures_notice(fixtures: Mapping[str, Sequence[str]], number: int, is_asked_for: bool) -> str:
    """The notice about *number* tests that run without the *fixtures* of these files."""
    tests = f"{number} test of TestCases runs" if number == 1 else f"{number} tests of TestCases run"
    if is_asked_for:
        count = sum(map(len, fixtures.values()))
        return f'{tests} without {count} autouse fixtures of pytest, since framework = "django".'
    files = listed([f"{file} ({listed(names, _LISTED)})" for file, names in fixtures.items()], _LISTED)
    return (
        f"{tests} without autouse fixtures, which Django's runner does not run: {files}."
        " A test may pass without what they set up or check; setUp() of a common base class runs with both."
    )


def _functions(body: Sequence[ast.stmt | ast.ExceptHandler]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node
            case ast.If() | ast.With() | ast.Try() | ast.ExceptHandler():
                yield from _functions(node.body)
                yield from _functions(getattr(node, "handlers", []))
                yield from _functions(getattr(node, "orelse", []))


def _is_autouse(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(each, ast.Call)
        and ast.unparse(each.func).endswith("fixture")
        and any(
            word.arg == "autouse" and not (isinstance(word.value, ast.Constant) and not word.value.value)
            for word in each.keywords
        )
        for each in function.decorator_list
    )


def _does_work(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a fixture does more than ask for ``HARMLESS``: it has statements, or asks for others."""
    asked_for = {each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    return bool(asked_for - HARMLESS - {"request"}) or not all(map(_is_empty, function.body))


def _is_empty(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Return(value=None):
            return True
        case ast.Expr(value=ast.Constant() | ast.Yield(value=None)):
            return True
        case _:
            return False
