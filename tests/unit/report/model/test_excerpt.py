"""The lines of a failed attempt, and their limits."""

from harness.protocol.events import BriefLine, Failure, Outcome, PlannedTest
from harness.report.model import excerpt
from harness.report.model.run_report import Attempt, Case


def failure(text: str, subtest: str = "", *, is_brief: bool = True) -> Failure:
    short = (BriefLine("shop/tests.py:4: self.fail()", "frame"), BriefLine(text, "error")) if is_brief else ()
    return Failure("failure", "AssertionError", text, f"Traceback:\n  ...\n{text}", (), subtest, short)


def lines(*failures: Failure, outcome: Outcome = Outcome.FAILED, subtests: int = 0, reason: str = "") -> list[str]:
    attempt = Attempt(1, outcome, 0.1, failures=failures, subtests=subtests, reason=reason)
    case = Case(PlannedTest("shop.T.t", "shop.T", "t", "shop/tests.py", 3), outcome, (attempt,))
    return [line.text for line in excerpt.lines(case, attempt)]


class TestAttempt:
    def test_a_failure_of_an_older_journal_is_told_in_full(self) -> None:
        assert lines(failure("no", is_brief=False)) == ["Traceback:", "  ...", "no", "shop/tests.py:3"]

    def test_where_no_frame_is_known_the_tests_own_place_is_told(self) -> None:
        assert lines(outcome=Outcome.XPASSED, reason="it passed") == ["it passed", "shop/tests.py:3"]

    def test_of_many_subtests_the_first_are_shown_the_others_named(self) -> None:
        told = lines(*(failure("no", f"(n={n})") for n in range(5)), subtests=9)
        assert told[0] == "5 of 9 subTests failed"
        assert told[1:4] == ["subTest (n=0)", "shop/tests.py:4: self.fail()", "no"]
        assert told[-1] == "... 2 more subTests: (n=3), (n=4)"

    def test_a_long_message_keeps_its_ends(self) -> None:
        text = "\n".join(f"line {n}" for n in range(500))
        told = lines(failure(text))
        assert len(told) == excerpt.ERROR_LINES + 2
        assert told[-1] == "line 499"
        (page,) = [line for line in lines(failure("x" * 50_000)) if "xxx" in line]
        assert len(page) < excerpt.LINE_CHARACTERS + 100
        assert "48,000 characters left out" in page

    def test_nothing_that_it_says_moves_a_cursor(self) -> None:
        assert lines(failure("a\x1b[2Jb\u202ec\rd")) == [
            "shop/tests.py:4: self.fail()",
            "a\\x1b[2Jb\\u202ec",
            "d",
        ]
