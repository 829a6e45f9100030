"""Names and units of collected items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.protocol.results import PlannedTest
from harness.runner.failures import FailureDescriber
from harness.runner.pytest.collected import identified, make_plan, names_of, replayed, teardown_of
from harness.runner.schedule.units import Plan


@pytest.mark.parametrize(
    ("nodeid", "names"),
    [
        ("tests/test_x.py::test_a", ("tests.test_x", "test_a")),
        ("tests/test_x.py::TestA::test_b[1-x]", ("tests.test_x.TestA", "test_b[1-x]")),
        ("test_x.py::test_a[a::b/c.py]", ("test_x", "test_a[a::b/c.py]")),
        ("tests/test_x.py::TestA::TestB::test", ("tests.test_x.TestA.TestB", "test")),
        ("tests/test_broken.py", ("tests.test_broken", "(collection)")),
    ],
)
def test_names_are_those_of_pytest(nodeid: str, names: tuple[str, str]) -> None:
    assert names_of(nodeid) == names


def test_a_second_item_of_one_id_gets_a_number() -> None:
    test = PlannedTest("a.py::t", "a", "t")
    assert [(each.id, each.name) for each in identified([test, test])] == [("a.py::t", "t"), ("a.py::t#2", "t#2")]


def test_a_replay_has_the_tests_of_its_list_alone() -> None:
    items = [object() for _ in range(3)]
    tests = tuple(PlannedTest(f"a.py::t{number}", "a", f"t{number}") for number in range(3))
    with pytest.raises(ProjectError, match=r"1 of the 2 tests to replay are not there any more, a\.py::gone first"):
        replayed(Plan(tests, tuple(items), ()), ["a.py::t0", "a.py::gone"])


def test_the_tear_down_has_a_name_of_its_own() -> None:
    assert teardown_of(PlannedTest("a.py::t[1]", "a", "t[1]", "a.py", 3)).name == "t[1]::teardown"


class Collected:
    """Keeps the items of a run of pytest that only collects."""

    def __init__(self) -> None:
        self.items: Sequence[pytest.Item] = ()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


FIXTURES = """
import pytest

@pytest.fixture(scope="module")
def of_module():
    pass

@pytest.fixture(scope="class")
def of_class():
    pass
"""


@pytest.mark.parametrize(
    ("tests", "sizes"),
    [
        ("def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass", [1, 1, 1]),
        ("def test_a(of_module): pass\ndef test_b(): pass\ndef test_c(of_module): pass", [3]),
        ("def test_a(): pass\nclass TestB:\n    def test_b(self, of_module): pass\ndef test_c(): pass", [3]),
        ("class TestA:\n    def test_a(self, of_class): pass\n    def test_b(self, of_class): pass", [2]),
        ("class TestA:\n    def test_a(self): pass\n    def test_b(self): pass", [1, 1]),
        ("def setup_module(): pass\ndef test_a(): pass\ndef test_b(): pass", [2]),
    ],
    ids=["no fixture", "fixture of the module", "in a class", "fixture of the class", "class", "setup_module"],
)
def test_a_unit_has_the_tests_that_share_fixtures(tmp_path: Path, tests: str, sizes: list[int]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / f"test_{tmp_path.name}.py").write_text(f"{FIXTURES}\n{tests}\n")
    collected = Collected()
    options = ("--collect-only", "-s", "-c", str(tmp_path / "pytest.ini"), "--import-mode=importlib")
    assert pytest.main([*options, "-p", "no:terminal", str(tmp_path)], plugins=[collected]) == 0
    plan = make_plan(collected.items, FailureDescriber(str(tmp_path)), workers=2)
    assert [len(unit.tests) for unit in plan.units] == sizes
