from typing import Any

import pytest

from harness.protocol.events import Failure, Frame, Outcome, PlannedTest, RunFinished
from harness.report.model import ledger
from harness.report.model.excerpt import DETAILED
from harness.report.model.phrases import SLOW_S
from harness.report.model.typed_command import TypedCommand
from harness.report.model.verdict import verdict
from harness.report.terminal.final_summary import DETAILED_QUIETLY, LISTED, condensed, final_summary, rerun_command
from harness.report.terminal.style import ConsoleOptions
from tests.golden.journals import JOURNALS, STATEMENTS, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def lines(journal: Journal, options: ConsoleOptions | None = None, **more: object) -> list[str]:
    report = ledger.fold(journal.envelopes)
    told = final_summary(report, verdict(report), options or ConsoleOptions(), **more)  # type: ignore[arg-type]
    return [line.plain.rstrip() for line in told]


def failing(number: int, **fields: Any) -> Journal:
    tests = [planned(f"test_{n:04}") for n in range(number)]
    journal = Journal().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.FAILED, failures=(failure("13 != 12"),), **fields)
    return journal.end(failures=number)


def test_the_order_of_a_red_run() -> None:
    told = lines(JOURNALS["outcomes"](), artifacts=["a/junit.xml"], rerun="harness ci x")
    marks = ["ERROR catalog", "FAIL shop", "NOT RUN", "slowest", "FAILED ", "time ", "seed ", "artifacts ", "again "]
    places = [max(n for n, line in enumerate(told) if line.startswith(mark)) for mark in marks]
    assert places == sorted(places)
    assert told[-1].endswith("harness ci x")


def test_a_failure_is_told_once() -> None:
    journal = failing(1, sql=STATEMENTS)
    path = f".harness/sql/{planned('test_0000').id}.sql"
    told = lines(journal, sql_paths={planned("test_0000").id: path})
    assert told[:6] == [
        "",
        f"FAIL {planned('test_0000').id}",
        f"  {ONE.file}:41: self.assertEqual(order.total, 12)",
        "  AssertionError: 13 != 12",
        f"  7 statements: {path}",
        "",
    ]
    assert sum("13 != 12" in line for line in told) == 1
    assert not [line for line in lines(journal) if "statements:" in line]  # a file that could not be written


def test_more_than_ten_failures_are_listed_at_the_end() -> None:
    line = f"FAIL {planned('test_0000').id} - AssertionError: 13 != 12 ({ONE.file}:41)"
    assert line not in lines(failing(10))
    assert line in lines(failing(11))


def test_verbosity_shows_the_frames_of_other_packages() -> None:
    told = lines(failing(1), ConsoleOptions(verbosity=2))
    assert "  Traceback (most recent call last):" in told
    assert f"  0.020s, slot 1, {ONE.file}:41" in told
    assert [line for line in lines(JOURNALS["green"](), ConsoleOptions(verbosity=2)) if line.startswith("servers ")]


def test_attempts_that_ended_alike_are_told_once() -> None:
    journal = Journal().plan(ONE)
    for n in (1, 2):
        journal.attempt(ONE, Outcome.FAILED, n=n, final=n == 2, failures=(failure("13 != 12"),))
    assert lines(journal.end(1))[2:6] == [
        "  attempt 1 of 2: FAIL, as in the last",
        "  attempt 2 of 2: FAIL",
        f"  {ONE.file}:41: self.assertEqual(order.total, 12)",
        "  AssertionError: 13 != 12",
    ]


def test_sql_is_shown_when_asked_for() -> None:
    journal = failing(1, sql=STATEMENTS)
    assert not [line for line in lines(journal) if "INSERT INTO" in line]
    assert [line for line in lines(journal, ConsoleOptions(debug_sql=True)) if "INSERT INTO" in line] == [
        "     0.8 ms  default (primary)  INSERT INTO shop_order (total) VALUES ('12''50')"
    ]


def test_output_of_failures_is_shown_with_and_without_buffer() -> None:
    for buffer in (True, False):
        assert "          │ said this" in lines(failing(1, stdout="said this\n"), ConsoleOptions(buffer=buffer))


def test_many_failures_stay_readable() -> None:
    told = lines(failing(DETAILED + 500))
    assert told.count("  AssertionError: 13 != 12") == DETAILED
    assert "500 more failures in full: junit.xml, or here with -v 2" in told
    assert f"and {DETAILED + 500 - LISTED} more, see junit.xml" in told
    told = lines(failing(DETAILED + 10), ConsoleOptions(verbosity=2))
    assert told.count("  Traceback (most recent call last):") == DETAILED + 10
    assert lines(failing(20), ConsoleOptions(quiet=True)).count("  AssertionError: 13 != 12") == DETAILED_QUIETLY


def test_long_output_is_cut_in_the_middle() -> None:
    journal = failing(1, stdout="\n".join(f"line {n}" for n in range(5000)))
    told = lines(journal)
    assert "          │ [... 4980 lines left out ...]" in told
    assert "          │ line 4999" in told
    assert "          │ [... 4800 lines left out ...]" in lines(journal, ConsoleOptions(verbosity=2))


def test_what_did_not_run_is_grouped_by_its_reason() -> None:
    tests = [planned(f"test_{n}") for n in range(9)]
    journal = Journal().plan(*tests).attempt(tests[0], Outcome.PASSED).inside(RunFinished(0))
    assert f"NOT RUN 8 tests, {tests[1].id} the first of them - the run ended without it" in lines(journal)


@pytest.mark.parametrize(("durations", "shown"), [(10, 10), (3, 3), (0, 12)])
def test_slowest(durations: int, shown: int) -> None:
    told = lines(failing(12), ConsoleOptions(durations=durations))
    start = told.index("slowest") + 1
    assert len([line for line in told[start:] if line.startswith("   0.0")]) == shown


def test_slow_tests_are_told_though_nobody_asked() -> None:
    assert "slowest" not in lines(failing(3))
    journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED, SLOW_S).attempt(TWO, Outcome.PASSED, 1.0)
    told = lines(journal.end())
    assert told[told.index("slowest") + 1 :][:2] == [f"   5.000s  {ONE.id}", ""]


def test_times_in_one_line_or_a_table() -> None:
    told = lines(JOURNALS["green"]())
    assert (
        "time        images 0.0s, servers 0.5s, setup 1.2s, template 2.1s, clones 0.4s, tests 3.5s, reports 0.0s"
        in told
    )
    told = lines(JOURNALS["green"](), ConsoleOptions(timing=True))
    assert "            template      2.100s" in told
    assert "            recycled      0.300s  2 slots, within tests" in told


def test_control_sequences_reach_no_terminal() -> None:
    told = lines(JOURNALS["hostile"](), ConsoleOptions(debug_sql=True))
    text = "\n".join(told)
    assert all(char in "\n" or char.isprintable() or char == "\t" for char in text)
    assert "\\x1b[2J" in text


def rerun(*red: PlannedTest, **fields: Any) -> str:
    journal = Journal().plan(*red)
    for test in red:
        journal.attempt(test, Outcome.FAILED, **fields)
    return rerun_command(TypedCommand(("harness", "ci", "--db", "postgres"), ("shop",)), ledger.fold(journal.envelopes))


def test_the_command_that_runs_failures_again() -> None:
    assert rerun(ONE, TWO) == f"harness ci --db postgres {ONE.id} {TWO.id}"
    assert rerun() == ""


def test_a_module_that_could_not_be_loaded_is_its_label() -> None:
    test = PlannedTest("unittest.loader._FailedTest.shop.tests", "unittest.loader._FailedTest", "shop.tests")
    assert rerun(test) == "harness ci --db postgres shop.tests"


def test_a_fixture_is_told_by_its_class_and_hides_its_tests() -> None:
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


def test_frames_of_the_project_stand_out() -> None:
    text = 'Traceback:\n  File "/app/shop/a.py", line 1, in x\n  File "/usr/lib/b.py", line 2, in y\nE: z\n'
    told = Failure("error", "E", "z", text, (Frame("shop/a.py", 1, "x"), Frame("/usr/lib/b.py", 2, "y")))
    report = ledger.fold(Journal().plan(ONE).attempt(ONE, Outcome.ERRORED, failures=(told,)).end().envelopes)
    lines = final_summary(report, verdict(report), ConsoleOptions(verbosity=2))
    styles = {line.plain.strip(): str(line.spans[-1].style) for line in lines if line.spans}
    assert styles['File "/app/shop/a.py", line 1, in x'] == "bold cyan"
    assert styles['File "/usr/lib/b.py", line 2, in y'] == "dim"


def test_an_id_is_a_label_whatever_it_is_made_of() -> None:
    assert rerun(planned("test $(reboot)")) == f"harness ci --db postgres '{ONE.classname}.test $(reboot)'"
    assert rerun(planned("test", classname="f.<locals>.A")) == "harness ci --db postgres 'f.<locals>.A.test'"
    doctest = PlannedTest("shop.guide_txt", "shop", "guide.txt", "shop/guide.txt", 1)
    assert rerun(doctest) == "harness ci --db postgres shop.guide_txt"


def test_names_that_cannot_be_typed_are_told_by_what_holds_them() -> None:
    assert rerun(planned("test\n$(reboot)")) == f"harness ci --db postgres {ONE.classname}"
    assert rerun(planned("test", classname="-x\u202e", file="")) == ""
    assert "'shop.tests.T.test_ü'" in rerun(planned("test_ü", classname="shop.tests.T"))


def test_condensed() -> None:
    paths = ("journal.ndjson", "logs/default.log", "sql/a.sql", "sql/b.sql", "summary.json")
    assert condensed("out", paths) == ["out/: journal.ndjson, summary.json, logs/, sql/"]
    assert condensed("out", ()) == []


def test_a_failure_shown_for_another_backend_is_shortened() -> None:
    journal = failing(2)
    first, second = (f"{planned(f'test_{n:04}').id}" for n in (0, 1))
    told = lines(journal, known={(first, "AssertionError: 13 != 12"), (second, "AssertionError: another")})
    assert told.count("  AssertionError: 13 != 12") == 1
    assert "1 failure as told of another backend above" in told
