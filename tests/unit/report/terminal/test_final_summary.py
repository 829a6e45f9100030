from typing import Any

import pytest

from harness.protocol.events import LEFT_BEHIND, Advice, Notice, PluginsSummarised, RunFinished, WarningsCounted
from harness.protocol.replica_events import LagChecked, LateReadJudged, ReadAfterWriteBug, TracedStatement
from harness.protocol.results import Failure, Frame, Outcome, WarningCount
from harness.report.formats.tables import SLOW_S
from harness.report.model import ledger
from harness.report.model.phrases import DETAILED
from harness.report.model.verdict import verdict
from harness.report.terminal.final_summary import ADVISED, DETAILED_QUIETLY, LISTED, final_summary
from harness.report.terminal.style import ConsoleOptions
from tests.golden.journals import JOURNALS, SHOP, STATEMENTS, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def lines(journal: Journal, options: ConsoleOptions | None = None, **more: object) -> list[str]:
    report = ledger.fold(journal.envelopes)
    shown = final_summary(report, verdict(report), options or ConsoleOptions(), **more)  # type: ignore[arg-type]  # the keywords are the callee's fields
    return [line.plain.rstrip() for line in shown]


def failing(number: int, **fields: Any) -> Journal:
    tests = [planned(f"test_{n:04}") for n in range(number)]
    journal = Journal().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.FAILED, failures=(failure("13 != 12"),), **fields)
    return journal.end(failures=number)


def test_the_text_of_plugins_is_shown_unless_quiet() -> None:
    table = PluginsSummarised("Name     Stmts\nmod.py       6\n")
    journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED).runner(table).end()
    assert "mod.py       6" in lines(journal)
    assert "mod.py       6" not in lines(journal, ConsoleOptions(quiet=True))


def test_routes_are_shown_unless_quiet() -> None:
    def routes(options: ConsoleOptions) -> list[str]:
        return [line for line in lines(JOURNALS["routing"](), options) if "replica on replica (replica)" in line]

    assert [len(routes(ConsoleOptions(verbosity=verbosity))) for verbosity in (0, 1, 2)] == [0, 1, 1]
    assert routes(ConsoleOptions(quiet=True)) == []


class TestLateReads:
    def shown(self, name: str, **options: Any) -> list[str]:
        return lines(JOURNALS[name](), ConsoleOptions(**options))

    def test_tests_of_one_line_are_one_bug(self) -> None:
        shown = self.shown("late")
        start = shown.index("LATE READ shop/orders.py:38 in receipt")
        assert shown[start + 1] == f"  tests    {SHOP}.test_pays, {SHOP}.test_ships"
        assert [line.split()[0] for line in shown[start + 2 : start + 7]] == [
            *("write", "read", "arrived", "failure", "next"),
        ]

    def test_a_quiet_green_run_says_it_in_a_line(self) -> None:
        passed, found = self.shown("late", quiet=True)
        assert passed.startswith("PASSED")
        assert found.startswith(
            "lag check   late by 500 ms: 7 tests that read a replica ran again: 2 read-after-write bugs"
        )

    def test_a_quiet_red_run_shows_them(self) -> None:
        shown = self.shown("fails_on_lag", quiet=True)
        assert "read-after-write bugs (2)" in shown
        assert any(line.startswith("ReadAfterWrite: 2 read-after-write bugs in 3 tests") for line in shown)

    def test_a_run_without_findings_says_so_in_a_line(self) -> None:
        shown = lines(Journal().runner(LagChecked(0.5, 3)))
        assert "lag check   late by 500 ms: 3 tests that read a replica ran again: no read-after-write bug" in shown
        assert not any("read-after-write bugs (" in line for line in shown)

    def test_many_are_cut(self) -> None:
        judged = []
        for number in range(DETAILED + 3):
            read = TracedStatement("replica", f"SELECT {number}", 0.1)
            judged.append(LateReadJudged(f"test_{number}", "bug", ReadAfterWriteBug(read, None, 0.5)))
        assert "and 3 more, see summary.json" in lines(Journal().runner(*judged))


class TestAdvice:
    def journal(self, number: int) -> Journal:
        advice = [Advice("code", f"what {n}", f"DATABASES[{n}]") for n in range(number)]
        return Journal().plan(ONE).attempt(ONE, Outcome.PASSED).runner(*advice).end()

    def test_it_is_shown_with_what_to_write_unless_quiet(self) -> None:
        shown = lines(self.journal(1))
        place = next(number for number, line in enumerate(shown) if line.split() == ["advice", "what", "0"])
        assert shown[place + 1].split() == ["write:", "DATABASES[0]"]
        assert "what 0" not in "\n".join(lines(self.journal(1), ConsoleOptions(quiet=True)))

    def test_of_much_advice_the_first_is_shown(self) -> None:
        shown = "\n".join(lines(self.journal(ADVISED + 2)))
        assert f"what {ADVISED - 1}" in shown
        assert f"what {ADVISED}" not in shown
        assert "and 2 more, see journal.ndjson" in shown

    def test_advice_of_another_backend_is_not_repeated(self) -> None:
        assert "what 0" not in "\n".join(lines(self.journal(1), known={("code", "what 0")}))


class TestFailures:
    def test_a_failure_appears_once(self) -> None:
        journal = failing(1, sql=STATEMENTS)
        path = f".harness/sql/{planned('test_0000').id}.sql"
        shown = lines(journal, sql_paths={planned("test_0000").id: path})
        assert shown[:6] == [
            "",
            f"FAIL {planned('test_0000').id}",
            f"  {ONE.file}:41: self.assertEqual(order.total, 12)",
            "  AssertionError: 13 != 12",
            f"  7 statements: {path}",
            "",
        ]
        assert sum("13 != 12" in line for line in shown) == 1
        assert not [line for line in lines(journal) if "statements:" in line]  # a file that could not be written

    def test_more_than_ten_failures_are_listed_at_the_end(self) -> None:
        line = f"FAIL {planned('test_0000').id} - AssertionError: 13 != 12 ({ONE.file}:41)"
        assert line not in lines(failing(10))
        assert line in lines(failing(11))

    def test_verbosity_shows_the_frames_of_other_packages(self) -> None:
        shown = lines(failing(1), ConsoleOptions(verbosity=2))
        assert "  Traceback (most recent call last):" in shown
        assert f"  0.020s, slot 1, {ONE.file}:41" in shown
        assert [line for line in lines(JOURNALS["green"](), ConsoleOptions(verbosity=2)) if line.startswith("servers ")]

    def test_attempts_that_failed_alike_appear_once(self) -> None:
        journal = Journal().plan(ONE)
        for n in (1, 2):
            journal.attempt(ONE, Outcome.FAILED, n=n, final=n == 2, failures=(failure("13 != 12"),))
        assert lines(journal.end(1))[2:6] == [
            "  attempt 1 of 2: FAIL, as in the last",
            "  attempt 2 of 2: FAIL",
            f"  {ONE.file}:41: self.assertEqual(order.total, 12)",
            "  AssertionError: 13 != 12",
        ]

    def test_many_failures_stay_readable(self) -> None:
        shown = lines(failing(DETAILED + 500))
        assert shown.count("  AssertionError: 13 != 12") == DETAILED
        assert "500 more failures in full: junit.xml, or here with -v 2" in shown
        assert f"and {DETAILED + 500 - LISTED} more, see junit.xml" in shown
        shown = lines(failing(DETAILED + 10), ConsoleOptions(verbosity=2))
        assert shown.count("  Traceback (most recent call last):") == DETAILED + 10
        assert lines(failing(20), ConsoleOptions(quiet=True)).count("  AssertionError: 13 != 12") == DETAILED_QUIETLY

    def test_a_quiet_end_names_files_left_behind(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED).host(Notice(LEFT_BEHIND, ".env is here.")).end(1)
        shown = [line for line in lines(journal, ConsoleOptions(quiet=True)) if ".env" in line]
        assert shown == ["missing     .env is here."]
        assert not [line for line in lines(journal) if ".env" in line]

    def test_frames_of_the_project_stand_out(self) -> None:
        text = 'Traceback:\n  File "/app/shop/a.py", line 1, in x\n  File "/usr/lib/b.py", line 2, in y\nE: z\n'
        shown = Failure("error", "E", "z", text, (Frame("shop/a.py", 1, "x"), Frame("/usr/lib/b.py", 2, "y")))
        report = ledger.fold(Journal().plan(ONE).attempt(ONE, Outcome.ERRORED, failures=(shown,)).end().envelopes)
        lines = final_summary(report, verdict(report), ConsoleOptions(verbosity=2))
        styles = {line.plain.strip(): str(line.spans[-1].style) for line in lines if line.spans}
        assert styles['File "/app/shop/a.py", line 1, in x'] == "bold cyan"
        assert styles['File "/usr/lib/b.py", line 2, in y'] == "dim"

    def test_a_failure_shown_for_another_backend_is_shortened(self) -> None:
        journal = failing(2)
        first, second = (f"{planned(f'test_{n:04}').id}" for n in (0, 1))
        shown = lines(journal, known={(first, "AssertionError: 13 != 12"), (second, "AssertionError: another")})
        assert shown.count("  AssertionError: 13 != 12") == 1
        assert "1 failure shown above for another backend" in shown


class TestOutput:
    def test_sql_is_shown_when_asked_for(self) -> None:
        journal = failing(1, sql=STATEMENTS)
        assert not [line for line in lines(journal) if "INSERT INTO" in line]
        assert [line for line in lines(journal, ConsoleOptions(debug_sql=True)) if "INSERT INTO" in line] == [
            "     0.8 ms  default (primary)  INSERT INTO shop_order (total) VALUES ('12''50')"
        ]

    def test_output_of_failures_is_shown_despite_buffer(self) -> None:
        for buffer in (True, False):
            assert "          │ said this" in lines(failing(1, stdout="said this\n"), ConsoleOptions(buffer=buffer))

    def test_long_output_is_cut_in_the_middle(self) -> None:
        journal = failing(1, stdout="\n".join(f"line {n}" for n in range(5000)))
        shown = lines(journal)
        assert "          │ [... 4980 lines left out ...]" in shown
        assert "          │ line 4999" in shown
        assert "          │ [... 4800 lines left out ...]" in lines(journal, ConsoleOptions(verbosity=2))

    def test_control_sequences_reach_no_terminal(self) -> None:
        shown = lines(JOURNALS["hostile"](), ConsoleOptions(debug_sql=True))
        text = "\n".join(shown)
        assert all(char in "\n" or char.isprintable() or char == "\t" for char in text)
        assert "\\x1b[2J" in text


class TestEnd:
    def test_a_red_run_ends_with_the_most_important_lines(self) -> None:
        shown = lines(JOURNALS["outcomes"](), artifacts=["a/junit.xml"], rerun="harness ci x")
        marks = [
            "ERROR catalog",
            "FAIL shop",
            "NOT RUN",
            "slowest",
            "FAILED ",
            "time ",
            "seed ",
            "artifacts ",
            "again ",
        ]
        places = [max(n for n, line in enumerate(shown) if line.startswith(mark)) for mark in marks]
        assert places == sorted(places)
        assert shown[-1].endswith("harness ci x")

    def test_warnings_are_counted_by_their_category(self) -> None:
        counts = (WarningCount("UserWarning", 2), WarningCount("DeprecationWarning", 11))
        journal = Journal().plan().runner(WarningsCounted(counts), RunFinished(0))
        assert "warnings    11 DeprecationWarning, 2 UserWarning" in lines(journal)
        assert not [line for line in lines(Journal().plan().runner(RunFinished(0))) if line.startswith("warnings")]

    def test_tests_that_did_not_run_are_grouped_by_reason(self) -> None:
        tests = [planned(f"test_{n}") for n in range(9)]
        journal = Journal().plan(*tests).attempt(tests[0], Outcome.PASSED).runner(RunFinished(0))
        assert f"NOT RUN 8 tests, {tests[1].id} the first of them - the run ended without it" in lines(journal)

    @pytest.mark.parametrize(("durations", "number"), [(10, 10), (3, 3), (0, 12)])
    def test_slowest(self, durations: int, number: int) -> None:
        shown = lines(failing(12), ConsoleOptions(durations=durations))
        start = shown.index("slowest") + 1
        assert len([line for line in shown[start:] if line.startswith("   0.0")]) == number

    def test_slow_tests_are_listed_by_default(self) -> None:
        assert "slowest" not in lines(failing(3))
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED, SLOW_S).attempt(TWO, Outcome.PASSED, 1.0)
        shown = lines(journal.end())
        assert shown[shown.index("slowest") + 1 :][:2] == [f"   5.000s  {ONE.id}", ""]

    def test_times_in_one_line_or_a_table(self) -> None:
        shown = lines(JOURNALS["green"]())
        assert (
            "time        images 0.0s, servers 0.5s, setup 1.2s, template 2.1s, clones 0.4s, tests 3.5s, reports 0.0s"
            in shown
        )
        shown = lines(JOURNALS["green"](), ConsoleOptions(timing=True))
        assert "            template      2.100s" in shown
        assert "            recycled      0.300s  2 slots, within tests" in shown
