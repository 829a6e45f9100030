"""Names and units of collected items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import ProjectError
from harness.protocol.results import PlannedTest
from harness.runner.failures import FailureDescriber
from harness.runner.pytest.collected import (
    identified,
    make_plan,
    names_of,
    place_of,
    replayed,
    teardown_of,
    teardown_of_all,
)
from harness.runner.schedule.units import Place, Plan


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
    assert [len(unit.tests) for unit in plan_of(tmp_path, tests).units] == sizes


def plan_of(folder: Path, tests: str) -> Plan:
    """The plan of a module with these *tests* for two workers."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / f"test_{folder.name}.py").write_text(f"{FIXTURES}\n{tests}\n")
    collected = Collected()
    options = ("--collect-only", "-s", "-c", str(folder / "pytest.ini"), "--import-mode=importlib")
    assert pytest.main([*options, "-p", "no:terminal", str(folder)], plugins=[collected]) == 0
    return make_plan(collected.items, FailureDescriber(str(folder)), workers=2)


UNITTEST = """
from django.test import SimpleTestCase

class {0}Tests(SimpleTestCase):
    {1}
    def test_a(self): pass
    def test_b(self): pass
"""


@pytest.mark.parametrize(
    ("tests", "may_split"),
    [
        (UNITTEST.format("Plain", ""), True),
        (UNITTEST.format("Own", "setUpClass = classmethod(lambda cls: None)"), False),
        (UNITTEST.format("Shared", "use = pytest.fixture(autouse=True)(lambda self, of_class: None)"), False),
        (UNITTEST.format("Grouped", "pytestmark = pytest.mark.xdist_group('a')"), False),
        ("def setUpModule(): pass" + UNITTEST.format("InModule", ""), False),
        ("def test_a(): pass\ndef test_b(): pass", True),
        ("def test_a(of_module): pass\ndef test_b(of_module): pass", False),
    ],
    ids=["class of Django", "own setUpClass", "fixture of the class", "group", "module", "functions", "fixture"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
def test_a_unit_without_shared_fixtures_may_be_split(tmp_path: Path, tests: str, may_split: bool) -> None:
    assert {unit.may_split for unit in plan_of(tmp_path, tests).units} == {may_split}


class Item:
    """An item of ``tests/shop/test_x.py`` that uses one fixture."""

    def __init__(self, name: str, scope: str, base: str, parameter: int | None = None) -> None:
        definition = SimpleNamespace(scope=scope, baseid=base)
        self._fixtureinfo = SimpleNamespace(name2fixturedefs={name: (definition,)})
        if parameter is not None:
            self.callspec = SimpleNamespace(indices={name: parameter})

    def listchain(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(nodeid=nodeid) for nodeid in ("", "tests/shop", "tests/shop/test_x.py")]


class TestPlaces:
    def place(self, *fields: object) -> Place:
        items = [
            Item("user", "module", "tests"),
            Item("user", "module", "tests/shop"),
            Item("other", "module", "tests"),
            Item("user", "module", "tests", parameter=1),
            Item("user", "module", "tests", parameter=0),
        ]
        return place_of(items, json.dumps(fields))

    def test_a_fixture_is_named_with_its_users(self) -> None:
        place = self.place("user", "module", "tests/shop/test_x.py", "tests", 0)
        assert place == Place("the set-up of the module fixture user of tests/shop/test_x.py", frozenset({0, 4}))

    def test_a_fixture_of_another_module_has_no_user_here(self) -> None:
        assert self.place("user", "module", "tests/shop/test_y.py", "tests", 0).users == frozenset()

    def test_a_fixture_of_the_session_is_named_by_its_definition(self) -> None:
        place = place_of([Item("user", "session", "tests")], json.dumps(("user", "session", "", "tests", 0)))
        assert place == Place("the set-up of the session fixture user of tests", frozenset({0}))

    def test_another_note_is_a_place_in_words(self) -> None:
        assert place_of([], "its tear-down") == Place("its tear-down")

    @pytest.mark.parametrize("note", ["[", "[1]", '["a", "b", "c", "d"]', '[[], "session", "", "", 0]'])
    def test_what_a_test_has_written_there_is_no_place(self, note: str) -> None:
        assert place_of([Item("user", "session", "tests")], note) == Place()


@pytest.mark.parametrize(
    ("nodeid", "names"),
    [
        ("", ("session::teardown", "session", "teardown")),
        (".", ("session::teardown", "session", "teardown")),
        ("tests/shop", ("tests/shop::teardown", "tests.shop", "teardown")),
        ("tests/shop/test_x.py", ("tests/shop/test_x.py::teardown", "tests.shop.test_x", "teardown")),
    ],
)
def test_the_tear_down_of_several_tests_is_their_owners(nodeid: str, names: tuple[str, str, str]) -> None:
    test = teardown_of_all(nodeid)
    assert (test.id, test.classname, test.name) == names
