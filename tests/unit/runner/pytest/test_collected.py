"""Names and units of collected items."""

from __future__ import annotations

import pytest

from harness.protocol.results import PlannedTest
from harness.runner.pytest.collected import identified, names_of, teardown_of


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


def test_the_tear_down_has_a_name_of_its_own() -> None:
    assert teardown_of(PlannedTest("a.py::t[1]", "a", "t[1]", "a.py", 3)).name == "t[1]::teardown"
