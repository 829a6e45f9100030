"""Code that runs beside a test calls nothing that the test can patch: only ``real`` and objects of our own."""

import ast
import itertools
from pathlib import Path

import pytest

INSIDE = Path(__file__).parents[2] / "harness" / "inside"
BEFORE_TESTS = """
    __init__ __main__ enter conversation project topology overlay portability vendors labels label_names discover
    pytest_config pytest_tests variables timeouts cores garbage migrations runner django_options real keeper
"""
"""Modules that have done their work when the first test begins, or begin theirs after the last one; ``keeper`` is a process
where no test runs.
"""
PATCHED = """
    time os socket signal select selectors fcntl resource mmap threading faulthandler json traceback linecache tempfile
    subprocess datetime shutil pickle io secrets uuid
"""
HARMLESS = {"signal.Signals"}


def calls_of(tree):
    """The calls of functions of the standard library that a test may patch, each as text, and the imports of such functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = ast.unparse(node.func)
            if name.partition(".")[0] in PATCHED.split() and name not in HARMLESS:
                yield f"line {node.lineno} calls {name}"
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in PATCHED.split():
            functions = [alias.name for alias in node.names if alias.name.islower()]
            yield from (f"line {node.lineno} imports {node.module}.{name}" for name in functions)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "print", "input")
        ):
            yield f"line {node.lineno} calls {node.func.id}"


@pytest.mark.parametrize("module", sorted({path.stem for path in INSIDE.glob("*.py")} - set(BEFORE_TESTS.split())))
def test_what_runs_beside_tests_calls_only_real_functions(module):
    found = list(calls_of(ast.parse((INSIDE / f"{module}.py").read_text())))
    assert not found, f"{module}.py: call the function of harness.inside.real instead: {found}"


def test_the_check_finds_what_it_is_for():
    tree = ast.parse("import os\nfrom time import monotonic\nos.write(1, b'')\nreal.os.write(1, b'')\nos.O_RDONLY\n")
    assert list(calls_of(tree)) == ["line 2 imports time.monotonic", "line 3 calls os.write"]


def test_the_real_functions_are_where_freezegun_does_not_look():
    tree = ast.parse((INSIDE / "real.py").read_text())
    functions = itertools.chain.from_iterable(
        ast.walk(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id != "STARTED_AT"
    )
    named = {ast.unparse(node) for node in functions if isinstance(node, ast.Attribute)}
    assert not {name for name in named if name.startswith("_time.")}
