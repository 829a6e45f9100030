from pathlib import Path

import pytest

from harness.runner.pytest_detection.config import Collection
from harness.runner.pytest_detection.not_collected import count_not_collected, notice
from tests.unit.host.project.conftest import write

CASES = """
class Plain:
    def test_plain(self): pass

class CartTests(TestCase):
    def test_one(self): pass
    async def test_two(self): pass
    def helper(self): pass

class Odd(object):
    def test_odd(self): pass
"""
FILES = {
    "shop/__init__.py": "",
    "shop/tests.py": CASES,
    "shop/test_cart.py": CASES,
    "shop/models.py": CASES,
    "bare/tests.py": CASES,
    "tests_of_root.py": "class A(B):\n    def test_a(self): pass\n",
    "shop/build/__init__.py": "",
    "shop/build/test_built.py": CASES,
    "shop/tests_broken.py": "class (:\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def test_files_that_pytest_does_not_take_are_counted(root: Path) -> None:
    assert count_not_collected(root, Collection()) == {"tests_of_root.py": 1, "shop/tests.py": 2}


def test_so_are_those_outside_of_its_paths(root: Path) -> None:
    write(root, {"unit/__init__.py": "", "unit/test_unit.py": CASES})
    found = count_not_collected(root, Collection(files=("test*.py",), paths=("unit",)))
    assert found == {"tests_of_root.py": 1, "shop/test_cart.py": 2, "shop/tests.py": 2}


def test_a_folder_that_pytest_does_not_enter_counts_too(root: Path) -> None:
    found = count_not_collected(root, Collection(files=("test*.py",), not_entered=("sh*",)))
    assert found == {"shop/test_cart.py": 2, "shop/tests.py": 2}


def test_nothing_is_said_where_all_are_collected(root: Path) -> None:
    collection = Collection(files=("test*.py",))
    assert notice(count_not_collected(root, collection), collection) == ""


@pytest.mark.parametrize(
    ("collection", "expected"),
    [
        (
            Collection(),
            "3 tests of unittest's classes do not run, in files that pytest does not collect: tests_of_root.py (1), "
            "shop/tests.py (2). python_files = test_*.py *_test.py tests_of_root.py in the configuration of pytest collects "
            "them; --framework django runs them.",
        ),
        (
            Collection(files=("test*.py",), not_entered=("shop",)),
            "norecursedirs in the configuration of pytest leaves them",
        ),
        (Collection(files=("test*.py",), paths=("bare",)), "testpaths in the configuration of pytest leaves them out"),
    ],
)
def test_the_notice_names_the_key_that_leaves_them_out(root: Path, collection: Collection, expected: str) -> None:
    assert expected in notice(count_not_collected(root, collection), collection)
