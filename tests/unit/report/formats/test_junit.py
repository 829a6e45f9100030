import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.protocol.events import AttemptFinished, RunAborted, RunFinished, RunStarted, SuitePropertyRecorded
from harness.protocol.replica_events import LateReadJudged, ReadAfterWriteBug, TracedStatement
from harness.protocol.results import Failure, Outcome, PlannedTest, Property, Statement
from harness.report.formats import junit
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from tests.golden.journals import JOURNALS, Journal, failure, planned
from tests.junit_check import Counts, check

ONE, TWO = planned("test_one"), planned("test_two")
SQL = (Statement(0.0, "default", "primary", "SELECT 1", 0.1),)


def xml(journal: Journal, **options: object) -> bytes:
    report = ledger.fold(journal.envelopes)
    return junit.build(report, verdict(report), **options)  # type: ignore[arg-type]  # the keywords are the callee's fields


def root(journal: Journal, **options: object) -> ET.Element:
    return ET.fromstring(xml(journal, **options))


def one_case(outcome: Outcome, **fields: Any) -> ET.Element:
    case = root(Journal().plan(ONE).attempt(ONE, outcome, **fields).end()).find(".//testcase[@name='test_one']")
    assert case is not None
    return case


def children(case: ET.Element) -> list[str]:
    return [child.tag for child in case]


class TestElements:
    def test_a_pass_has_no_element(self) -> None:
        case = one_case(Outcome.PASSED, stdout="kept from a report of passes")
        assert children(case) == []
        assert case.attrib == {
            "classname": ONE.classname,
            "name": "test_one",
            "time": "0.020",
            "file": ONE.file,
            "line": "10",
        }

    @pytest.mark.parametrize(
        ("outcome", "tag", "kind"),
        [
            (Outcome.FAILED, "failure", "AssertionError"),
            (Outcome.ERRORED, "error", "AssertionError"),
            (Outcome.CRASHED, "error", "WorkerCrash"),
            (Outcome.TIMED_OUT, "error", "TestTimeout"),
        ],
    )
    def test_each_red_outcome_has_its_element(self, outcome: Outcome, tag: str, kind: str) -> None:
        case = one_case(outcome, failures=(failure("1 != 2\nmore"),), stdout="out", stderr="err", sql=SQL)
        assert children(case) == [tag, "system-out", "system-err"]
        result = case[0]
        own_words = outcome in (Outcome.CRASHED, Outcome.TIMED_OUT)
        assert result.attrib == {"type": kind, "message": "1 != 2" if own_words else "AssertionError: 1 != 2"}
        assert (result.text or "").startswith("Traceback (most recent call last):")
        assert case[1].text == f"[[ATTACHMENT|sql/{ONE.id}.sql]]\nout"
        assert case[2].text == "err"

    def test_a_failure_without_any_detail_still_has_text(self) -> None:
        for outcome in (Outcome.FAILED, Outcome.ERRORED, Outcome.CRASHED, Outcome.XPASSED):
            for failures in ((), (Failure("failure", "", "", ""),)):
                result = one_case(outcome, failures=failures)[0]
                assert (result.text or "").strip()
                assert result.get("message")
                assert result.get("type")

    def test_a_skip_has_its_reason(self) -> None:
        skipped = one_case(Outcome.SKIPPED, reason="no reader")[0]
        assert (skipped.tag, skipped.attrib, skipped.text) == (
            "skipped",
            {"type": "skip", "message": "no reader"},
            "no reader",
        )
        assert one_case(Outcome.SKIPPED)[0].text == "skipped, no reason given"

    def test_an_expected_failure_is_skipped(self) -> None:
        skipped = one_case(Outcome.XFAILED, failures=(failure("1 != 2"),))[0]
        assert skipped.attrib == {"type": "expectedFailure", "message": "expected failure: AssertionError: 1 != 2"}
        assert (skipped.text or "").startswith("Traceback")

    def test_an_unexpected_success_is_a_failure(self) -> None:
        result = one_case(Outcome.XPASSED)[0]
        assert (result.tag, result.get("type"), result.get("message")) == (
            "failure",
            "UnexpectedSuccess",
            "unexpected success",
        )

    def test_subtests_are_one_element(self) -> None:
        failures = (
            failure("EUR", subtest="(c='EUR')"),
            failure("USD", subtest="(c='USD')", kind="error", type="KeyError"),
        )
        case = one_case(Outcome.ERRORED, failures=failures, subtests=3)
        assert children(case) == ["error"]
        assert case[0].attrib == {
            "type": "SubTestFailures",
            "message": "2 of 3 subTests failed: (c='EUR'), (c='USD')",
        }
        assert (case[0].text or "").count("Traceback") == 2

    def test_a_subtest_and_the_test_itself_share_a_message(self) -> None:
        failures = (failure("EUR", subtest="(c='EUR')"), failure("at the end"))
        case = one_case(Outcome.FAILED, failures=failures, subtests=1)
        assert case[0].get("message") == "1 of 1 subTest failed: (c='EUR'); and AssertionError: at the end"

    def test_two_failures_of_one_test_are_one_element(self) -> None:
        case = one_case(Outcome.FAILED, failures=(failure("in the test"), failure("in tearDown")))
        assert case[0].get("message") == "AssertionError: in the test (and 1 more)"
        assert (case[0].text or "").count("Traceback") == 2


class TestRecorded:
    def test_properties_of_a_test_are_in_its_case(self) -> None:
        case = one_case(Outcome.PASSED, properties=(Property("key", "a"), Property("key", "b")))
        assert [child.attrib for child in case.iterfind("properties/property")] == [
            {"name": "key", "value": "a"},
            {"name": "key", "value": "b"},
        ]

    def test_properties_of_the_suite_are_in_each_suite(self) -> None:
        journal = Journal().plan(ONE).runner(SuitePropertyRecorded("arch", "arm")).attempt(ONE, Outcome.PASSED).end()
        pairs = {
            each.get("name"): each.get("value") for each in root(journal).iterfind("testsuite/properties/property")
        }
        assert pairs["arch"] == "arm"

    def test_attributes_never_replace_the_name_of_a_case(self) -> None:
        recorded = (Property("assertions", "3"), Property("name", "other"), Property("not a name", "x"))
        case = one_case(Outcome.PASSED, attributes=recorded)
        assert (case.get("assertions"), case.get("name")) == ("3", "test_one")
        assert "not a name" not in case.attrib

    def test_log_records_follow_standard_error(self) -> None:
        case = one_case(Outcome.FAILED, failures=(failure("no"),), stderr="printed\n", log="INFO logged\n")
        assert case.findtext("system-err") == "printed\n--- log ---\nINFO logged\n"


class TestAttempts:
    def test_a_flaky_test_has_its_failed_attempts(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False, failures=(failure("once"),), stdout="o")
        journal.attempt(ONE, Outcome.CRASHED, n=2, final=False).attempt(ONE, Outcome.PASSED, n=3)
        case = root(journal.end())[0].find("testcase")
        assert case is not None
        assert children(case) == ["properties", "flakyFailure", "flakyError"]
        assert case[0][0].attrib == {"name": "attempts", "value": "3"}
        assert children(case[1]) == ["stackTrace", "system-out"]
        assert case[1].attrib == {"type": "AssertionError", "message": "AssertionError: once"}
        assert case[2].get("type") == "WorkerCrash"

    def test_later_red_attempts_are_reruns(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.ERRORED, final=False, failures=(failure("first"),))
        journal.attempt(ONE, Outcome.FAILED, n=2, final=False, failures=(failure("second"),))
        journal.attempt(ONE, Outcome.ERRORED, n=3, failures=(failure("third"),), stdout="of the third")
        case = root(journal.end())[0].find("testcase")
        assert case is not None
        assert children(case) == ["properties", "rerunFailure", "error", "rerunError"]
        assert [child.get("message") for child in case[1:]] == [
            f"AssertionError: {n}" for n in ("second", "first", "third")
        ]
        assert children(case[3]) == ["stackTrace", "system-out"]


class TestCause:
    def test_not_run_and_nothing_else_red_is_red_once(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED).runner(RunFinished(0))
        suites = root(journal)
        assert [suite.get("name") for suite in suites] == [ONE.classname, "harness"]
        skipped = suites.find(".//testcase[@name='test_two']/skipped")
        assert skipped is not None
        assert skipped.attrib == {"type": "not-run", "message": "not run: the run ended without it"}
        error = suites.find(".//testcase[@classname='harness'][@name='run']/error")
        assert error is not None
        assert error.get("type") == "NotRun"
        assert (suites.get("failures"), suites.get("errors")) == ("0", "1")

    def test_not_run_beside_a_failure_adds_no_case(self) -> None:
        suites = root(Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED).runner(RunFinished(1)))
        assert [suite.get("name") for suite in suites] == [ONE.classname]

    def test_an_abort_adds_its_cause_even_beside_failures(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED)
        journal.host(RunAborted(ExitCode.SERVERS, "the server died", "see its log", "FATAL"))
        error = root(journal).find(".//testcase[@classname='harness']/error")
        assert error is not None
        assert error.attrib == {"type": "ServerError", "message": "the server died"}
        assert error.text == "the server died\n\nsee its log\n\nFATAL"

    @pytest.mark.parametrize(
        "journal",
        [
            Journal().plan(ONE).attempt(ONE, Outcome.PASSED).runner(RunFinished(3)),
            Journal().plan(ONE).attempt(ONE, Outcome.PASSED),
            Journal().plan(ONE).attempt(ONE, Outcome.PASSED).end().host(RunAborted(ExitCode.SIGTERM, "SIGTERM")),
            Journal().plan().end(),
            Journal(),
        ],
    )
    def test_each_red_run_has_a_red_case(self, journal: Journal, tmp_path: Path) -> None:
        path = tmp_path / "junit.xml"
        path.write_bytes(xml(journal))
        assert check(path).bad == 1

    def test_flaky_that_fails_the_run_has_a_red_case(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2).end()
        report = ledger.fold(journal.envelopes)
        assert b'type="FlakyTests"' in junit.build(report, verdict(report, fail_on_flaky=True))
        assert b"FlakyTests" not in junit.build(report, verdict(report))

    def test_a_project_may_have_a_class_of_that_name(self, tmp_path: Path) -> None:
        test = planned("run", classname="harness")
        path = tmp_path / "junit.xml"
        path.write_bytes(
            xml(Journal().plan(test).attempt(test, Outcome.PASSED).host(RunAborted(ExitCode.SERVERS, "died")))
        )
        assert check(path) == Counts(2, 1, 1, 0)
        assert [suite.get("name") for suite in ET.fromstring(path.read_bytes())] == ["harness", "harness (run)"]


class TestLateReads:
    def test_a_test_keeps_its_outcome(self) -> None:
        case = root(JOURNALS["late"]()).find(".//testcase[@name='test_pays']")
        assert case is not None
        assert children(case) == ["properties", "system-out"]
        assert [each.attrib for each in case.iter("property")] == [
            {"name": "read_after_write", "value": "shop/orders.py:38 in receipt"}
        ]
        assert "arrived  515 ms after the write" in (case.findtext("system-out") or "")

    def test_fail_on_lag_makes_it_a_failure(self) -> None:
        suites = root(JOURNALS["fails_on_lag"]())
        assert (suites.get("failures"), suites.get("errors")) == ("3", "0")
        failure = suites.find(".//testcase[@name='test_pays']/failure")
        assert failure is not None
        assert failure.attrib == {"type": "ReadAfterWrite", "message": "shop/orders.py:38 in receipt misses a write"}
        assert suites.find(".//testcase[@classname='harness']") is None

    def test_a_flaky_test_fails_after_its_flaky_attempts(self, tmp_path: Path) -> None:
        journal = Journal().host(RunStarted("postgres-17", fail_on_lag=True)).plan(ONE)
        journal.attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2)
        read = TracedStatement("replica", "SELECT 1", 0.1)
        journal.runner(LateReadJudged(ONE.id, "bug", ReadAfterWriteBug(read, None, 0.5))).end()
        case = root(journal).find(".//testcase")
        assert case is not None
        assert children(case) == ["properties", "failure", "flakyFailure"]
        (tmp_path / "junit.xml").write_bytes(xml(journal, strict=True))
        assert check(tmp_path / "junit.xml", strict=True).bad == 1


class TestAttributes:
    def test_strict_drops_attributes_unknown_to_the_schema(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2).end()
        case = root(journal, strict=True)[0].find("testcase")
        assert case is not None
        assert set(case.attrib) == {"classname", "name", "time"}
        assert children(case) == ["flakyFailure"]

    def test_files_are_relative_to_the_repository(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED).end()
        suites = root(journal, prefix="services/shop")
        case = suites.find(".//testcase")
        assert case is not None
        assert case.get("file") == suites[0].get("file") == f"services/shop/{ONE.file}"

    def test_suites_do_not_depend_on_the_order_of_events(self) -> None:
        other = planned("test_x", classname="catalog.tests.A", file="catalog/tests.py")
        journal = Journal().plan(ONE, other, TWO)
        for test in (TWO, other, ONE):
            journal.attempt(test, Outcome.PASSED)
        suites = root(journal.end())
        assert [(suite.get("name"), [case.get("name") for case in suite.iter("testcase")]) for suite in suites] == [
            (ONE.classname, ["test_one", "test_two"]),
            ("catalog.tests.A", ["test_x"]),
        ]

    @pytest.mark.parametrize("seconds", [0.0, 1e-9, -1.0, float("nan"), float("inf"), 1e20])
    def test_times_have_three_decimals(self, seconds: float) -> None:
        journal = Journal().plan(ONE).runner(AttemptFinished(ONE.id, 1, Outcome.PASSED, seconds, final=True)).end()
        times = [element.get("time") or "" for element in root(journal).iter() if element.tag != "testsuites"]
        assert all(re.fullmatch(r"\d+\.\d{3}", time) for time in times if time)
        case = root(journal).find(".//testcase")
        assert case is not None
        assert case.get("time") == ("100000000000000000000.000" if seconds == 1e20 else "0.000")

    def test_names_stay_apart_when_they_are_cut(self) -> None:
        tests = [planned("test_" + "ü" * 600 + end) for end in "ab"]
        journal = Journal().plan(*tests)
        for test in tests:
            journal.attempt(test, Outcome.PASSED)
        names = [case.get("name") or "" for case in root(journal.end()).iter("testcase")]
        assert len(set(names)) == 2
        assert all(len(name.encode()) <= 1000 for name in names)


class TestLimits:
    def test_long_output_says_how_much_is_left_out(self, tmp_path: Path) -> None:
        journal = Journal().plan(ONE)
        journal.attempt(
            ONE, Outcome.FAILED, failures=(failure("x" * 15_000_000),), stdout="head" + "y" * 200_000 + "tail"
        )
        path = tmp_path / "junit.xml"
        path.write_bytes(xml(journal.end()))
        check(path)
        out = ET.fromstring(path.read_bytes()).findtext(".//system-out") or ""
        assert out.startswith("head")
        assert out.endswith("tail")
        assert "bytes left out" in out
        assert path.stat().st_size < 400_000

    def test_many_failures_share_the_bytes_of_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(junit, "TOTAL_BYTES", 100_000)
        tests = [planned(f"test_{number}") for number in range(50)]
        journal = Journal().plan(*tests)
        for test in tests:
            journal.attempt(test, Outcome.FAILED, failures=(failure("x" * 2000),), stdout="y" * 5000, stderr="z" * 5000)
        assert 100_000 < len(xml(journal.end())) < 200_000  # of 600,000

    @settings(max_examples=150, deadline=None)
    @given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
    def test_any_text_gives_a_file_that_parsers_agree_on(self, name: str, text: str) -> None:
        tests = (PlannedTest("a", name, text), PlannedTest("b", name, text), PlannedTest("c", text, name, text, 1))
        journal = Journal().plan(*tests)
        journal.attempt(
            tests[0], Outcome.FAILED, failures=(Failure("failure", name, text, text, (), name),), stdout=text
        )
        journal.attempt(tests[1], Outcome.SKIPPED, reason=text)
        journal.attempt(tests[2], Outcome.ERRORED, n=1, final=False, stderr=text)
        journal.attempt(tests[2], Outcome.PASSED, n=2)
        journal.host(RunAborted(ExitCode.SERVERS, text, name, text))
        path = Path(os.environ.get("TMPDIR", "/tmp")) / f"junit-{os.getpid()}.xml"
        try:
            path.write_bytes(xml(journal))
            assert check(path) == Counts(4, 1, 2, 1)
        finally:
            path.unlink(missing_ok=True)
