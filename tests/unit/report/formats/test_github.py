import re

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.protocol.events import RunAborted, RunFinished
from harness.protocol.results import Failure, Outcome, PlannedTest
from harness.report.formats import github
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from tests.golden.journals import FILE, JOURNALS, SHOP, Journal, failing, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def annotate(journal: Journal, **more: str) -> list[str]:
    report = ledger.fold(journal.envelopes)
    return github.annotate(report, verdict(report), **more)


class TestAnnotations:
    def test_a_failure_has_its_place_and_its_excerpt(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, failures=(failure("13 != 12"),)).end()
        (line,) = annotate(journal, prefix="services/shop")
        head, _, message = line.partition("::AssertionError")
        assert head == f"::error file=services/shop/{FILE},line=41,title=FAIL {ONE.id}"
        assert message == f": 13 != 12%0A%0A{FILE}:41: self.assertEqual(order.total, 12)%0AAssertionError: 13 != 12"

    def test_an_id_of_pytest_is_its_title(self) -> None:
        test = PlannedTest(
            "tests/test_x.py::TestA::test_b[a,b]", "tests.test_x.TestA", "test_b[a,b]", "tests/test_x.py", 7
        )
        (line,) = annotate(Journal().plan(test).attempt(test, Outcome.FAILED).end(), prefix="shop")
        assert line.startswith(
            "::error file=shop/tests/test_x.py,line=7,title=FAIL tests/test_x.py%3A%3ATestA%3A%3Atest_b[a%2Cb]::"
        )

    def test_a_green_run_has_none_and_a_flaky_test_warns(self) -> None:
        assert annotate(JOURNALS["green"]()) == []
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False, failures=(failure("once"),))
        (line,) = annotate(journal.attempt(ONE, Outcome.PASSED, n=2).end())
        assert line.startswith(f"::warning file={FILE},line=41,title=FLAKY {ONE.id}::AssertionError: once%0A")

    def test_a_late_read_warns_at_its_line(self) -> None:
        warning, without_line = annotate(JOURNALS["late"](), prefix="services/shop")
        assert without_line.startswith("::warning title=read-after-write bug in 1 test::SELECT count(*)")
        head, _, message = warning.partition("::shop/orders.py")
        assert head == "::warning file=services/shop/shop/orders.py,line=38,title=read-after-write bug in 2 tests"
        assert message.startswith(":38 in receipt%0Awrite    shop/orders.py:31 in pay")
        assert message.endswith(f"%0Atests    {SHOP}.test_pays, {SHOP}.test_ships")

    def test_a_late_read_is_an_error_if_it_makes_the_run_red(self) -> None:
        found = annotate(JOURNALS["fails_on_lag"]())
        assert [line.partition(" ")[0] for line in found] == ["::error", "::error"]

    def test_ten_at_most_and_the_last_counts_the_rest(self) -> None:
        assert len(annotate(failing(10))) == 10
        assert "more" not in annotate(failing(10))[-1]
        for number in (11, 12, 500):
            found = annotate(failing(number))
            assert len(found) == 10
            assert found[-1] == f"::error title=harness::+{number - 9} more, see the summary"

    def test_the_cause_comes_first(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED)
        found = annotate(journal.host(RunAborted(ExitCode.SERVERS, "the server died", "see its log", "FATAL")))
        assert found[0] == "::error title=ServerError::the server died%0A%0Asee its log%0A%0AFATAL"
        assert found[1].startswith(f"::error file={FILE},line=10,title=FAIL")
        assert found[2] == f"::error title=1 test not run::{TWO.id}: run aborted: the server died"
        assert len(found) == 3

    def test_tests_that_did_not_run_are_one_annotation(self) -> None:
        journal = Journal().plan(*(planned(f"test_{n}") for n in range(50))).runner(RunFinished(0))
        assert annotate(journal) == ["::error title=NotRun::50 tests did not run: the run ended without it"]

    def test_files_outside_the_project_are_not_named(self) -> None:
        test = planned("test_x", 3, file="/usr/lib/python3/doctest.py")
        (line,) = annotate(Journal().plan(test).attempt(test, Outcome.FAILED).end())
        assert line.startswith("::error title=FAIL ")


class TestEscapes:
    def test_characters_with_a_meaning_are_escaped(self) -> None:
        test = planned("test_50%: a,b\nc")
        found = Failure("failure", "E", "100% of\r\nit: a,b", "")
        (line,) = annotate(Journal().plan(test).attempt(test, Outcome.FAILED, failures=(found,)).end())
        assert "title=FAIL shop.tests.test_orders.OrderTests.test_50%25%3A a%2Cb c::E: 100%25 of%0A" in line
        assert "%0A100%25 of%0Ait: a,b" in line

    def test_title_and_message_have_limits(self) -> None:
        (line,) = annotate(failing(1, "x" * 50_000))
        assert len(line.rpartition("::")[2].replace("%0A", "\n")) <= github.MESSAGE_CHARACTERS
        test = planned("test_" + "x" * 3000)
        (line,) = annotate(Journal().plan(test).attempt(test, Outcome.FAILED).end())
        title = re.search(r"title=(.*?)::", line)
        assert title is not None
        assert len(title[1]) <= github.TITLE_CHARACTERS

    @settings(max_examples=200, deadline=None)
    @given(st.text(st.characters() | st.sampled_from("\r\n:%,#[]"), max_size=80))
    def test_any_text_gives_one_command(self, text: str) -> None:
        test = planned(text)
        found = (Failure("failure", text, text, text, (), text),)
        journal = Journal().plan(test).attempt(test, Outcome.FAILED, failures=found)
        for line in annotate(journal.runner(RunAborted(ExitCode.SERVERS, text, text, text))):
            assert not re.search(r"[\r\n\x00-\x1f\u0085]", line.replace("\t", ""))
            assert re.match(r"::error (?:file=[^:,]+,)?(?:line=\d+,)?title=[^:,]*::", line)
            line.encode()

    def test_guarded_text_ends_before_commands_resume(self) -> None:
        assert github.guarded("::error::x", "T") == "::stop-commands::T\n::error::x\n::T::\n"
        assert github.guarded("a\n", "T") == "::stop-commands::T\na\n::T::\n"
        assert github.guarded("", "T") == "::stop-commands::T\n::T::\n"
