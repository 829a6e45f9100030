import pytest

from harness.protocol.results import BriefLine, Failure, Frame, Outcome, PlannedTest
from harness.report.model.phrases import (
    ERROR_LINES,
    LINE_CHARACTERS,
    case_headline,
    detail,
    excerpt,
    headline,
    label,
    location,
    place,
    result,
    summarise,
)
from harness.report.model.run_report import Attempt, Case, Counts
from tests.golden.journals import FILE, failure, planned

ONE = planned("test_one")


def attempt(outcome: Outcome, *failures: Failure, reason: str = "", subtests: int = 0) -> Attempt:
    return Attempt(1, outcome, 0.1, failures=failures, reason=reason, subtests=subtests)


class TestFailure:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (failure("1 != 2\nmore"), "AssertionError: 1 != 2"),
            (failure("", type="shop.models.Order.DoesNotExist"), "DoesNotExist"),
            (Failure("error", "", "what", ""), "error: what"),
            (
                Failure(
                    "error",
                    "ImportError",
                    "Failed to import test module: a.b\nTraceback (most recent call last):\n  File ...\nKeyError: 'x'\n",
                    "",
                ),
                "ImportError: Failed to import test module: a.b: KeyError: 'x'",
            ),
        ],
    )
    def test_summarise(self, found: Failure, expected: str) -> None:
        assert summarise(found) == expected

    def test_headline(self) -> None:
        assert headline(attempt(Outcome.FAILED)) == "no details were reported"
        assert headline(attempt(Outcome.CRASHED, failure("worker 1 died\nstacks"))) == "worker 1 died"
        assert headline(attempt(Outcome.XPASSED)) == "unexpected success"
        assert headline(attempt(Outcome.FAILED, failure("a"), failure("b"))) == "AssertionError: a (and 1 more)"
        three = [failure("x", subtest=f"(n={n})") for n in range(3)]
        assert headline(attempt(Outcome.FAILED, *three, subtests=7)) == "3 of 7 subTests failed: (n=0), (n=1), (n=2)"

    def test_detail_has_every_traceback(self) -> None:
        found = detail(
            attempt(Outcome.FAILED, failure("a", subtest="(n=1)"), Failure("error", "E", "no traceback", ""))
        )
        assert found.startswith("subTest (n=1)\nTraceback")
        assert found.endswith("AssertionError: a\n\nno traceback")


class TestCase:
    def test_label(self) -> None:
        assert label(Case(ONE, Outcome.TIMED_OUT)) == "TIMEOUT"
        red, green = attempt(Outcome.FAILED), Attempt(2, Outcome.PASSED, 0.1)
        assert label(Case(ONE, Outcome.PASSED, (red, green))) == "FLAKY"

    def test_case_headline(self) -> None:
        assert case_headline(Case(ONE, Outcome.NOT_RUN, reason="why")) == "not run: why"
        assert case_headline(Case(ONE, Outcome.SKIPPED, reason="why")) == "why"

    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            ([], (FILE, 10)),
            (["/usr/lib/a.py", "<string>"], (FILE, 10)),
            ([FILE, "shop/models.py", "/usr/lib/a.py"], (FILE, 1)),
            (["shop/urls.py", "shop/models.py", ".venv/lib/site-packages/x.py"], ("shop/models.py", 2)),
            ([FILE, FILE, "shop/models.py"], (FILE, 2)),
        ],
    )
    def test_location(self, files: list[str], expected: tuple[str, int]) -> None:
        frames = tuple(Frame(file, number, "f") for number, file in enumerate(files, 1))
        assert location(ONE, [Failure("failure", "E", "m", "t", frames)]) == expected

    def test_location_is_the_blamed_line(self) -> None:
        found = Failure("error", "E", "m", "t", (Frame(FILE, 1, "f"),), blamed=Frame("shop/views.py", 3, "f"))
        assert location(ONE, [found]) == ("shop/views.py", 3)

    def test_place(self) -> None:
        assert [place("a.py", 3), place("a.py", 0), place("", 3)] == ["a.py:3", "a.py", ""]


class TestResult:
    def test_zero_counts_are_left_out(self) -> None:
        assert result(Counts(10, 3, 1, 1, 1, 1, 1, 2, 1, 1, 1), 2.0, " on sqlite") == (
            "10 tests on sqlite: 3 passed (2 flaky), 1 failed, 1 error, 1 timed out, 1 crashed, 1 passed unexpectedly, "
            "1 not run, 1 skipped, 1 failed as expected, in 2.0s"
        )
        assert result(Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0.0) == "0 tests: nothing ran, in 0.0s"


def shown(text: str, subtest: str = "", *, is_brief: bool = True) -> Failure:
    short = (BriefLine("shop/tests.py:4: self.fail()", "frame"), BriefLine(text, "error")) if is_brief else ()
    return Failure("failure", "AssertionError", text, f"Traceback:\n  ...\n{text}", (), subtest, short)


def lines(*failures: Failure, outcome: Outcome = Outcome.FAILED, subtests: int = 0, reason: str = "") -> list[str]:
    red = attempt(outcome, *failures, reason=reason, subtests=subtests)
    case = Case(PlannedTest("shop.T.t", "shop.T", "t", "shop/tests.py", 3), outcome, (red,))
    return [line.text for line in excerpt(case, red)]


class TestExcerpt:
    def test_a_failure_of_an_older_journal_is_shown_in_full(self) -> None:
        assert lines(shown("no", is_brief=False)) == ["Traceback:", "  ...", "no", "shop/tests.py:3"]

    def test_without_a_frame_the_tests_own_place_is_shown(self) -> None:
        assert lines(outcome=Outcome.XPASSED, reason="it passed") == ["it passed", "shop/tests.py:3"]

    def test_of_many_subtests_the_first_are_shown_the_others_named(self) -> None:
        found = lines(*(shown("no", f"(n={n})") for n in range(5)), subtests=9)
        assert found[0] == "5 of 9 subTests failed"
        assert found[1:4] == ["subTest (n=0)", "shop/tests.py:4: self.fail()", "no"]
        assert found[-1] == "... 2 more subTests: (n=3), (n=4)"

    def test_a_long_message_keeps_its_ends(self) -> None:
        text = "\n".join(f"line {n}" for n in range(500))
        found = lines(shown(text))
        assert len(found) == ERROR_LINES + 2
        assert found[-1] == "line 499"
        (page,) = [line for line in lines(shown("x" * 50_000)) if "xxx" in line]
        assert len(page) < LINE_CHARACTERS + 100
        assert "48,000 characters left out" in page

    def test_no_text_moves_a_cursor(self) -> None:
        assert lines(shown("a\x1b[2Jb\u202ec\rd")) == [
            "shop/tests.py:4: self.fail()",
            "a\\x1b[2Jb\\u202ec",
            "d",
        ]
