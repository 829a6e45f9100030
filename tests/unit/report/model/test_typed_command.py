from typing import Any

from harness.protocol import naming
from harness.protocol.results import Outcome, PlannedTest
from harness.report.model import ledger
from harness.report.model.typed_command import TypedCommand, rerun_command
from tests.golden.journals import Journal, planned

ONE, TWO = planned("test_one"), planned("test_two")


def rerun(*red: PlannedTest, **fields: Any) -> str:
    journal = Journal().plan(*red)
    for test in red:
        journal.attempt(test, Outcome.FAILED, **fields)
    return rerun_command(TypedCommand(("harness", "ci", "--db", "postgres"), ("shop",)), ledger.fold(journal.envelopes))


def test_red_tests_are_its_labels() -> None:
    assert rerun(ONE, TWO) == f"harness ci --db postgres {ONE.id} {TWO.id}"
    assert rerun() == ""


def test_a_module_that_could_not_be_loaded_is_its_label() -> None:
    test = PlannedTest("unittest.loader._FailedTest.shop.tests", "unittest.loader._FailedTest", "shop.tests")
    assert rerun(test) == "harness ci --db postgres shop.tests"


def test_a_fixture_is_named_by_its_class() -> None:
    fixture = PlannedTest(f"{ONE.classname}.setUpClass", ONE.classname, "setUpClass")
    other = planned("test_x", classname="catalog.tests.A")
    journal = Journal().plan(ONE, other).attempt(fixture, Outcome.ERRORED, extra=fixture).attempt(other, Outcome.FAILED)
    command = rerun_command(TypedCommand(("harness", "ci")), ledger.fold(journal.envelopes))
    assert command == f"harness ci catalog.tests.A.test_x {ONE.classname}"


def test_rerun_names_classes_then_modules_then_the_typed_labels() -> None:
    of_class = [planned(f"test_{n}", classname="shop.tests.A") for n in range(30)]
    assert rerun(*of_class) == "harness ci --db postgres shop.tests.A"
    of_module = [planned("test_x", classname=f"shop.tests.A{n}") for n in range(30)]
    assert rerun(*of_module) == "harness ci --db postgres shop.tests"
    of_all = [planned("test_x", classname=f"app{n}.a.b.c.d.A") for n in range(30)]
    assert rerun(*of_all) == "harness ci --db postgres shop"


def test_labels_that_others_cover_stay_out() -> None:
    failed = PlannedTest(
        "unittest.loader._FailedTest.shop.tests.test_x", "unittest.loader._FailedTest", "shop.tests.test_x"
    )
    of_class = [planned(f"test_{n}", classname="shop.tests.test_y.A") for n in range(30)]
    assert rerun(failed, *of_class) == "harness ci --db postgres shop.tests.test_x shop.tests.test_y.A"
    setup = PlannedTest("shop.tests.setUpModule", "shop.tests", "setUpModule")
    journal = Journal().plan(ONE, *of_class).attempt(setup, Outcome.ERRORED, extra=setup)
    assert rerun_command(TypedCommand(("harness", "ci")), ledger.fold(journal.envelopes)) == "harness ci shop.tests"


def test_any_printable_id_is_a_label() -> None:
    assert rerun(planned("test $(reboot)")) == f"harness ci --db postgres '{ONE.classname}.test $(reboot)'"
    assert rerun(planned("test", classname="f.<locals>.A")) == "harness ci --db postgres 'f.<locals>.A.test'"
    doctest = PlannedTest("shop.guide_txt", "shop", "guide.txt", "shop/guide.txt", 1)
    assert rerun(doctest) == "harness ci --db postgres shop.guide_txt"


def test_names_that_cannot_be_typed_give_way_to_wider_ones() -> None:
    assert rerun(planned("test\n$(reboot)")) == f"harness ci --db postgres {ONE.classname}"
    assert rerun(planned("test", classname="-x\u202e", file="")) == ""
    assert "'shop.tests.T.test_ü'" in rerun(planned("test_ü", classname="shop.tests.T"))


def item(id: str, file: str = "tests/test_x.py") -> PlannedTest:
    return PlannedTest(id, *naming.class_and_name(id), file, 1)


class TestNodeIds:
    def test_a_node_id_is_quoted(self) -> None:
        test = item("tests/test_x.py::TestA::test_b[1-x y]")
        assert rerun(test) == "harness ci --db postgres 'tests/test_x.py::TestA::test_b[1-x y]'"

    def test_classes_then_files_stand_for_many(self) -> None:
        many = [item(f"tests/test_x.py::TestA::test_b[{n}]") for n in range(30)]
        assert rerun(*many) == "harness ci --db postgres tests/test_x.py::TestA"
        many = [item(f"tests/test_x.py::TestA{n}::test_b[a::b]") for n in range(30)]
        assert rerun(*many) == "harness ci --db postgres tests/test_x.py"
        many = [item(f"tests/test_x.py::test_{n}") for n in range(30)]
        assert rerun(*many) == "harness ci --db postgres tests/test_x.py"

    def test_a_tear_down_is_named_by_its_test(self) -> None:
        test = item("tests/test_x.py::test_b[a::b]")
        other = item("tests/test_x.py::test_b[a::b]::teardown")
        session = item("session::teardown", "")
        journal = Journal().plan(test)
        for extra in (other, session):
            journal.attempt(extra, Outcome.ERRORED, extra=extra)
        journal.attempt(test, Outcome.PASSED)
        command = rerun_command(TypedCommand(("harness", "ci")), ledger.fold(journal.envelopes))
        assert command == "harness ci 'tests/test_x.py::test_b[a::b]'"

    def test_a_file_that_could_not_be_collected_covers_its_tests(self) -> None:
        file, inside = item("tests/test_x.py"), item("tests/test_x.py::test_b")
        beside = item("tests/test_x.pyi/test_y.py::test_b", "tests/test_x.pyi/test_y.py")
        assert (
            rerun(file, inside, beside) == "harness ci --db postgres tests/test_x.py tests/test_x.pyi/test_y.py::test_b"
        )
