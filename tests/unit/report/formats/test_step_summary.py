import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from harness.protocol.results import Outcome
from harness.report.formats import step_summary as summary
from harness.report.formats.markdown import plain
from harness.report.model import ledger
from harness.report.model.phrases import DETAILED
from harness.report.model.verdict import verdict
from tests.golden.journals import FILE, JOURNALS, SHOP, STATEMENTS, Journal, failing, failure, planned


def step_summary(journal: Journal, **more: Any) -> str:
    report = ledger.fold(journal.envelopes)
    return summary.build(report, verdict(report), **more)


def html(markdown: str) -> str:
    text: str = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return text


class TestRun:
    def test_a_red_run_has_failures_flaky_tests_and_the_rerun(self) -> None:
        text = step_summary(
            JOURNALS["outcomes"](),
            prefix="services/shop",
            artifacts=["a/junit.xml"],
            rerun="harness ci --db postgres x",
        )
        assert text.startswith("## ❌ harness: failed\n\n14 tests: 2 passed (1 flaky), 2 failed")
        rendered = html(text)
        assert "<h3>Failures (9)</h3>" in rendered
        assert "<td>services/shop/shop/tests/test_orders.py:80</td>" in rendered  # the flaky one
        assert "<h3>Not run (2)</h3>" in rendered
        assert "<h3>Flaky (1)</h3>" in rendered
        assert "<li>notice: DATABASES['replica'] has TEST_MIRROR" in rendered
        assert '<code class="language-sh">harness ci --db postgres x' in rendered
        assert rendered.count(f"<details open><summary>FAIL {plain(f'{SHOP}.test_fails')}</summary>") == 1
        assert rendered.count("<details") == rendered.count("</details>") == 10

    def test_a_green_run_has_no_failures(self) -> None:
        text = step_summary(JOURNALS["green"]())
        assert text.startswith("## ✅ harness: passed\n")
        assert "Failures" not in text
        assert "| template | 2.100s |" in text

    def test_an_abort_has_its_evidence(self) -> None:
        rendered = html(step_summary(JOURNALS["aborted"]()))
        assert "<strong>ServerError</strong>: The server 'default' (postgres 17) was not ready" in rendered
        assert "FATAL:  could not map anonymous shared memory" in rendered

    def test_a_run_with_mirrors_has_its_routes(self) -> None:
        rendered = html(step_summary(JOURNALS["routing"]()))
        assert "<details open><summary>Routing (3 findings)</summary>" in rendered
        assert "1 test uses 'replica' inside a transaction of 'default'" in rendered
        assert "<td>replica</td>\n<td>default</td>\n<td>primary</td>" in rendered
        assert "Routing" not in step_summary(JOURNALS["green"]())

    def test_late_reads_have_a_section(self) -> None:
        rendered = html(step_summary(JOURNALS["late"]()))
        assert "<h3>Read-after-write bugs (2)</h3>" in rendered
        assert "arrived  515 ms after the write\n" in rendered
        assert "<li>late by 500 ms: 7 tests that read a replica ran again" in rendered


class TestMarkup:
    def test_markup_of_tests_is_text(self) -> None:
        text = step_summary(JOURNALS["hostile"]())
        rendered = html(text)
        assert "<script>" not in rendered
        assert "<failure>" not in rendered
        assert "&lt;script&gt;" in rendered
        assert rendered.count("<table>") == 1
        assert rendered.count("<details") == rendered.count("</details>") == 8

    def test_markup_of_tests_breaks_no_table(self) -> None:
        test = planned("test_|`<b>")
        journal = Journal().plan(test).attempt(test, Outcome.FAILED, final=False, failures=(failure("a | b"),))
        rendered = html(step_summary(journal.attempt(test, Outcome.PASSED, 6.0, n=2).end()))
        assert rendered.count("<table>") == 3  # flaky, phases, slowest
        rows = re.findall(r"<tr>(.*?)</tr>", rendered, re.DOTALL)
        assert {row.count("<td") + row.count("<th") for row in rows} == {4, 3, 2}

    def test_no_block_of_code_can_be_ended_from_inside(self) -> None:
        rendered = html(step_summary(failing(1, "```\n# heading\n`````\n<b>")))
        assert "<h1>" not in rendered
        assert "<b>" not in rendered


class TestFailures:
    def test_each_failure_appears_once_with_its_sql_path(self) -> None:
        test = planned("test_0")
        text = step_summary(failing(1, sql=STATEMENTS), sql_paths={test.id: "a/sql/x.sql"})
        assert text.count("13 != 12") == 1
        assert "\n7 statements: a/sql/x.sql\n" in text
        assert "| slowest |" not in text

    def test_the_first_of_many_are_folded_others_are_rows(self) -> None:
        rendered = html(step_summary(failing(30)))
        assert rendered.count("<summary>FAIL ") == DETAILED
        assert f"{plain(f' - AssertionError: 13 != 12 ({FILE}:41)')}</summary>" in rendered
        assert "<h3>More failures (10)</h3>" in rendered

    @pytest.mark.parametrize("message", ["x" * 50_000, "`|<>_" * 5000, "😀" * 10_000])
    def test_many_stay_below_githubs_limit(self, message: str) -> None:
        text = step_summary(failing(2000, message))
        assert len(text.encode()) < 900_000
        assert "more, see junit.xml |" in text
        assert text.count("<details") == text.count("</details>")
