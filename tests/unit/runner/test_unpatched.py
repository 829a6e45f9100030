"""Code that runs beside a test calls nothing that the test can patch: only ``unpatched`` and objects of our own."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

RUNNER = Path(__file__).parents[3] / "harness" / "runner"
BEFORE_TESTS = """
    __init__ __main__ bootstrap unset_variables unpatched processes/supervisor processes/cpu_count processes/gc_thresholds
    loading/__init__ loading/start loading/handshake loading/manage_script loading/project_script
    project/run_tests project/read_topology project/settings_overlay project/portability project/vendors
    processes/shell_commands project/labels project/label_names
    workers/time_limits project/project_runner project/__init__ pytest_detection/__init__
    schedule/__init__ schedule/units pytest_detection/config pytest_detection/tests workers/__init__ servers/__init__
    processes/__init__ sql/__init__ project/session unittest_suite/__init__
    pytest/__init__ pytest/plugin pytest/run_pytest pytest/collected pytest/label_paths
    pytest/databases/__init__ pytest/databases/templates pytest/databases/set_ups
    pytest/databases/own_fixtures
    pytest/advice/__init__ pytest/advice/explanation pytest/advice/observer pytest/advice/selection
    pytest/advice/settings pytest/advice/modes pytest/policies/timeout_marks pytest/policies/taken_over
    pytest/policies/item_order
    pytest/advice/unknown_options databases/__init__ databases/migration_errors databases/spawned replication/__init__
    startup/__init__ startup/sitecustomize
    seeds/__init__ seeds/cached seeds/content_queries seeds/contents seeds/key seeds/own_set_up seeds/seeding
    seeds/sqlite_files seeds/verify seeds/facts/__init__ seeds/facts/collect seeds/facts/data_files seeds/facts/modules
    seeds/facts/sources seeds/facts/texts seeds/facts/versions
"""
"""Modules that have done their work when the first test begins, or begin theirs after the last one; ``supervisor`` is a process
where no test runs, and ``sitecustomize`` is for processes that tests start.
"""
PATCHED = """
    time os socket signal select selectors fcntl resource mmap threading faulthandler json traceback linecache tempfile
    subprocess datetime shutil pickle io secrets uuid
"""
HARMLESS = {"signal.Signals"}


def patchable_calls(tree: ast.AST) -> Iterator[str]:
    """The calls and imports in *tree* of functions of the standard library that a test may patch."""
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


@pytest.mark.parametrize(
    "module",
    sorted(
        {path.relative_to(RUNNER).with_suffix("").as_posix() for path in RUNNER.rglob("*.py")}
        - set(BEFORE_TESTS.split())
    ),
)
def test_a_module_that_runs_beside_tests_is_unpatched(module: str) -> None:
    found = list(patchable_calls(ast.parse((RUNNER / f"{module}.py").read_text())))
    assert not found, f"{module}.py: call the function of harness.runner.unpatched instead: {found}"


def test_the_check_finds_calls_and_imports() -> None:
    tree = ast.parse(
        "import os\nfrom time import monotonic\nos.write(1, b'')\nunpatched.os.write(1, b'')\nos.O_RDONLY\n"
    )
    assert list(patchable_calls(tree)) == ["line 2 imports time.monotonic", "line 3 calls os.write"]


def test_freezegun_does_not_find_the_functions_of_time() -> None:
    tree = ast.parse((RUNNER / "unpatched.py").read_text())
    functions = itertools.chain.from_iterable(
        ast.walk(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) != "STARTED_AT"
    )
    named = {ast.unparse(node) for node in functions if isinstance(node, ast.Attribute)}
    assert not {name for name in named if name.startswith("_time.")}
