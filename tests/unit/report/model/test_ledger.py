import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.protocol import codec
from harness.protocol.events import (
    Advice,
    AttemptFinished,
    AttemptsPassed,
    AttemptStarted,
    Envelope,
    Event,
    Notice,
    PhaseFinished,
    PhaseStarted,
    QueriesCounted,
    RetryCalledOff,
    RunAborted,
    RunFinished,
    RunPlanned,
    SlotRecycled,
    WarningsCounted,
    WorkerLost,
    WorkerStarted,
    WorkerStopped,
)
from harness.protocol.results import Outcome, PlannedTest, QueryCount, Statement, WarningCount
from harness.report.formats import github, junit, step_summary, summary
from harness.report.model import ledger
from harness.report.model.run_report import Case, RunReport
from harness.report.model.verdict import verdict
from harness.report.terminal import final_summary
from harness.report.terminal.progress import Progress
from harness.report.terminal.style import ConsoleOptions
from tests.golden.journals import JOURNALS, Journal, failure, planned

ONE, TWO, THREE = planned("test_one"), planned("test_two"), planned("test_three")


def case(report: RunReport, test: PlannedTest) -> Case:
    return next(case for case in report.cases if case.test.id == test.id)


def report_of(journal: Journal) -> RunReport:
    return ledger.fold(journal.envelopes)


IDS = [ONE.id, TWO.id, THREE.id, "shop.tests.T.setUpClass", ""]
TESTS = [ONE, TWO, THREE]
ids = st.sampled_from(IDS)
numbers = st.integers(1, 3)
texts = st.text(st.characters(), max_size=20)
durations = st.floats(allow_nan=True, allow_infinity=True)
any_failures = st.lists(st.builds(lambda text: failure(text, subtest=text[:3]), texts), max_size=2).map(tuple)
finishes = st.builds(
    AttemptFinished,
    test=ids,
    n=numbers,
    outcome=st.sampled_from(Outcome),
    duration=durations,
    failures=any_failures,
    reason=texts,
    stdout=texts,
    extra=st.sampled_from([None, PlannedTest("shop.tests.T.setUpClass", "shop.tests.T", "setUpClass")]),
    final=st.booleans(),
)
any_events = st.one_of(
    finishes,
    st.builds(AttemptStarted, ids, numbers),
    st.builds(
        AttemptsPassed,
        st.lists(ids, max_size=4).map(tuple),
        st.lists(durations, max_size=4).map(tuple),
        numbers,
        st.booleans(),
    ),
    st.builds(WorkerLost, st.just(7), st.sampled_from([None, 1]), st.sampled_from([None, "SIGKILL"]), st.none() | ids),
    st.builds(WorkerStopped, st.just(7)),
    st.builds(RunPlanned, st.lists(st.sampled_from(TESTS), max_size=4).map(tuple), numbers),
    st.builds(RunFinished, st.integers(0, 2)),
    st.builds(RunAborted, st.sampled_from(ExitCode), texts, texts, texts),
    st.builds(Notice, st.sampled_from(["halted", "other"]), texts),
    st.builds(PhaseStarted, st.sampled_from(["tests", "odd"])),
    st.builds(PhaseFinished, st.sampled_from(["tests", "odd"]), durations),
)
any_journals = st.lists(
    st.builds(Envelope, st.just(codec.VERSION), st.integers(0, 30), st.floats(0, 2e9), st.integers(0, 2), any_events),
    max_size=25,
)


def attempts_of(event: object) -> list[AttemptFinished]:
    return event.attempts() if isinstance(event, AttemptsPassed) else []


QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking twenty-five events takes minutes


def final_of(test: str, events_read: Sequence[object]) -> Outcome | None:
    """The outcome that counts: the first final one, or a red one behind it while no plan names the test, as a fixture's."""
    final, is_planned = None, False
    for read in events_read:
        event = next((each for each in reversed(attempts_of(read)) if each.test == test), read)
        if isinstance(event, RunPlanned):
            is_planned |= test in {each.id for each in event.tests}
        elif isinstance(event, AttemptFinished) and event.test == test and event.final:
            overrules = final is not None and not is_planned and event.outcome.is_red and not final.is_red
            final = event.outcome if final is None or overrules else final
    return final


def assert_holds_together(report: RunReport, envelopes: list[Envelope]) -> None:
    """Assert the rules that hold for the report of any events."""
    seen: set[int] = set()
    fresh = [e.event for e in envelopes if not e.seq or not (e.seq in seen or seen.add(e.seq))]  # type: ignore[func-returns-value]  # set.add returns None, which is false
    wanted = {test.id for event in fresh if isinstance(event, RunPlanned) for test in event.tests}
    ids = [c.test.id for c in report.cases]
    assert len(ids) == len(set(ids))
    assert wanted <= {c.test.id for c in report.cases if c.is_planned}
    if sum(isinstance(event, RunPlanned) for event in fresh) <= 1:
        assert {c.test.id for c in report.cases if c.is_planned} == wanted
        for c in report.cases:
            final = final_of(c.test.id, fresh)
            if final is not None or c.is_planned:
                assert c.outcome is final if final else c.outcome is not Outcome.PASSED
    assert all(c.reason for c in report.cases if c.outcome is Outcome.NOT_RUN)
    counts = report.counts()
    assert len(report.red) + counts.passed + counts.skipped + counts.expected_failures == len(report.cases)
    assert sum(dataclasses.astuple(counts)) - counts.planned - counts.flaky == len(report.cases)
    judged = verdict(report)
    is_well = report.is_finished and not report.aborts and not report.red and report.cases
    assert judged.exit_code != 0 or is_well
    assert (judged.word == "passed") == (judged.exit_code == 0)
    assert junit.build(report, judged)
    assert summary.build(report, judged)
    assert final_summary.final_summary(report, judged, ConsoleOptions())
    assert step_summary.build(report, judged)
    assert len(github.annotate(report, judged)) <= 20
    progress = Progress(ConsoleOptions(verbosity=2))
    for envelope in envelopes:
        progress.take(envelope)


class TestTestsThatDidNotRun:
    def test_a_planned_test_without_events_is_not_run(self) -> None:
        report = report_of(Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED).end())
        assert [c.outcome for c in report.cases] == [Outcome.PASSED, Outcome.NOT_RUN]
        assert case(report, TWO).reason == "the run ended without it"

    def test_the_reason_of_a_running_test_names_its_slot(self) -> None:
        journal = Journal().plan(ONE).runner(AttemptStarted(ONE.id), slot=2)
        assert case(report_of(journal), ONE).reason == "was running in slot 2 when the journal ended"
        journal.host(RunAborted(ExitCode.SERVERS, "the server died"))
        assert case(report_of(journal), ONE).reason == "was running in slot 2 when the run was aborted: the server died"

    def test_the_reason_names_the_worker_that_died(self) -> None:
        journal = Journal().plan(ONE).runner(AttemptStarted(ONE.id), slot=2)
        journal.runner(WorkerLost(7, None, "SIGKILL", None), slot=2)
        one = case(report_of(journal), ONE)
        assert one.outcome is Outcome.NOT_RUN
        assert one.reason == "was running in slot 2 when worker 2 (pid 7) died with SIGKILL"

    def test_a_pass_that_was_not_final_is_no_pass(self) -> None:
        one = case(report_of(Journal().plan(ONE).attempt(ONE, Outcome.PASSED, final=False)), ONE)
        assert one.outcome is Outcome.NOT_RUN
        assert one.reason == "attempt 1 ended as PASSED, but the journal ended before that was settled"

    @pytest.mark.parametrize(
        ("event", "reason"),
        [
            (RunAborted(ExitCode.PROJECT, "migration 0002 failed"), "run aborted: migration 0002 failed"),
            (RunAborted(ExitCode.SIGTERM, "SIGTERM ended the run."), "run interrupted: SIGTERM ended the run."),
            (Notice("halted", "--failfast: a.b FAILED"), "--failfast: a.b FAILED"),
            (Notice("legacy", "TEST_MIRROR"), "the journal ended without it"),
        ],
    )
    def test_the_run_gives_the_reason(self, event: Event, reason: str) -> None:
        assert case(report_of(Journal().plan(ONE).runner(event)), ONE).reason == reason

    def test_a_reason_of_its_own_comes_before_any_other(self) -> None:
        journal = Journal().plan(ONE)
        journal.runner(AttemptFinished(ONE.id, 1, Outcome.NOT_RUN, 0.0, reason="setUpClass failed", final=True))
        one = case(report_of(journal.runner(RunAborted(ExitCode.SIGINT, "SIGINT"))), ONE)
        assert (one.outcome, one.reason, one.attempts) == (Outcome.NOT_RUN, "setUpClass failed", ())


class TestCrashes:
    def test_a_lost_worker_makes_the_test_that_it_names_crashed(self) -> None:
        journal = Journal().plan(ONE, TWO).runner(AttemptStarted(ONE.id), slot=2)
        report = report_of(journal.runner(WorkerLost(7, None, "SIGSEGV", ONE.id), slot=2))
        one = case(report, ONE)
        assert one.outcome is Outcome.CRASHED
        assert one.attempts[0].failures[0].message == "worker 2 (pid 7) died with SIGSEGV while running this test"
        assert (
            case(report, TWO).reason == "the journal ended without it; worker 2 (pid 7) died with SIGSEGV before that"
        )

    def test_the_coordinators_outcome_replaces_the_crash(self) -> None:
        journal = Journal().plan(ONE)
        started_at = journal.at
        journal.runner(AttemptStarted(ONE.id), WorkerLost(7, 1, None, ONE.id), slot=2)
        died = failure("died", kind="error", type="WorkerCrash")
        journal.runner(AttemptFinished(ONE.id, 1, Outcome.CRASHED, 0.3, (died,), final=True), slot=2)
        one = case(report_of(journal), ONE)
        assert [attempt.failures for attempt in one.attempts] == [(died,)]
        assert one.started_at == pytest.approx(started_at)
        assert (one.attempts[-1].slot, one.duration) == (2, 0.3)

    def test_a_crash_after_the_attempts_end_adds_none(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.TIMED_OUT, final=False)
        journal.runner(WorkerLost(7, None, "SIGKILL", ONE.id), slot=1)
        assert [attempt.outcome for attempt in case(report_of(journal), ONE).attempts] == [Outcome.TIMED_OUT]

    def test_a_lost_worker_that_names_a_fixture_is_a_case(self) -> None:
        journal = Journal().plan(ONE).runner(WorkerLost(7, None, "SIGSEGV", "shop.tests.T.setUpClass"), slot=1)
        fixture = report_of(journal).cases[1]
        assert (fixture.outcome, fixture.is_planned) == (Outcome.CRASHED, False)
        assert (fixture.test.classname, fixture.test.name) == ("shop.tests.T", "setUpClass")

    def test_a_test_hit_by_a_lost_server_has_the_end_of_its_log(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(TWO, Outcome.ERRORED, failures=(failure("error"),))
        journal.at += 10
        journal.attempt(ONE, Outcome.ERRORED, failures=(failure("error"),))
        loss = RunAborted(ExitCode.SERVERS, "The server default ended.", evidence="PANIC: no space")
        journal.host(loss).runner(RunAborted(ExitCode.SERVERS, "The server default ended.")).host(loss)
        report = report_of(journal)
        assert (
            case(report, ONE).attempts[0].failures[0].traceback.endswith("The server default ended.\nPANIC: no space")
        )
        assert case(report, ONE).attempts[0].failures[0].traceback.count("The server default ended.") == 1
        assert "PANIC" not in case(report, TWO).attempts[0].failures[0].traceback


class TestAttempts:
    def test_a_final_outcome_stays(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, failures=(failure("no"),))
        journal.attempt(ONE, Outcome.PASSED).runner(WorkerLost(7, None, "SIGSEGV", ONE.id), slot=1)
        one = case(report_of(journal), ONE)
        assert (one.outcome, len(one.attempts), one.is_flaky) == (Outcome.FAILED, 1, False)

    def test_flaky_is_passed_after_a_failed_attempt(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2)
        report = report_of(journal.end())
        assert case(report, ONE).is_flaky
        counts = report.counts()
        assert (counts.passed, counts.flaky, counts.failed, report.red) == (1, 1, 0, ())

    def test_a_retry_that_never_came_leaves_the_failure(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False, failures=(failure("no"),))
        assert case(report_of(journal.end()), ONE).outcome is Outcome.FAILED
        journal.runner(AttemptStarted(ONE.id, 2), slot=1)
        assert case(report_of(journal), ONE).outcome is Outcome.FAILED

    def test_a_retry_that_was_called_off_leaves_the_outcome(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, final=False, failures=(failure("no"),))
        journal.attempt(TWO, Outcome.PASSED, final=False)
        journal.runner(RetryCalledOff(ONE.id, Outcome.FAILED), RetryCalledOff(TWO.id, Outcome.PASSED))
        one, two = report_of(journal.runner(RunAborted(ExitCode.SIGINT, "SIGINT"))).cases
        assert (one.outcome, len(one.attempts), two.outcome) == (Outcome.FAILED, 1, Outcome.PASSED)

    def test_only_red_attempts_keep_output_and_sql(self) -> None:
        fields: dict[str, Any] = {
            "stdout": "out",
            "stderr": "err",
            "sql": (Statement(0.0, "default", "primary", "SELECT 1", 0.1),),
        }
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED, **fields).attempt(TWO, Outcome.FAILED, **fields)
        passed, failed = (c.attempts[0] for c in report_of(journal).cases)
        assert (passed.stdout, passed.stderr, passed.sql) == ("", "", ())
        assert (failed.stdout, failed.stderr, failed.sql) == tuple(fields.values())

    def test_output_has_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ledger, "STREAM_BYTES", 1000)
        monkeypatch.setattr(ledger, "RED_OUTPUT_BYTES", 1500)
        journal = Journal().plan(ONE, TWO)
        journal.attempt(ONE, Outcome.FAILED, stdout="head" + "x" * 5000 + "tail\udc80")
        journal.attempt(
            TWO, Outcome.FAILED, stdout="y" * 900, sql=(Statement(0.0, "default", "primary", "SELECT 1", 0.1),)
        )
        one, two = (c.attempts[0] for c in report_of(journal).cases)
        assert one.stdout.startswith("head")
        assert one.stdout.endswith("tail\\udc80")
        assert "bytes left out" in one.stdout
        assert (two.stdout, two.stderr, two.sql) == (ledger.OUTPUT_LEFT_OUT, "", ())

    def test_a_failure_has_the_tests_that_its_worker_ran_before(self) -> None:
        journal = Journal().plan(ONE, TWO, THREE).runner(WorkerStarted(7), slot=1).runner(WorkerStarted(8), slot=2)
        journal.attempt(ONE, Outcome.PASSED, slot=1).attempt(TWO, Outcome.FAILED, slot=2)
        journal.attempt(THREE, Outcome.FAILED, slot=1)
        assert report_of(journal).orders == ((ONE.id, THREE.id),)

    def test_an_attempt_at_once_has_begun_before_its_end(self) -> None:
        journal = Journal().plan(ONE, TWO).runner(WorkerStarted(7), slot=1)
        for test, outcome in ((ONE, Outcome.PASSED), (TWO, Outcome.FAILED)):
            journal.runner(AttemptFinished(test.id, 1, outcome, 0.5, final=True, at_once=True), slot=1)
        report = report_of(journal)
        assert report.orders == ((ONE.id, TWO.id),)
        ends = [each.at for each in journal.envelopes if isinstance(each.event, AttemptFinished)]
        assert [case.started_at for case in report.cases] == [pytest.approx(end - 0.5) for end in ends]
        assert report.times.first_test == pytest.approx(ends[0] - 0.5)

    def test_attempts_that_passed_together_follow_each_other(self) -> None:
        journal = Journal().plan(ONE, TWO, THREE).runner(WorkerStarted(7), slot=1)
        journal.runner(AttemptStarted(ONE.id), slot=1)
        began = journal.at
        journal.at += 5
        journal.runner(AttemptsPassed((ONE.id, TWO.id), (4.0, 0.5), final=True), slot=1)
        journal.runner(AttemptFinished(THREE.id, 1, Outcome.FAILED, 0.0, final=True, at_once=True), slot=1)
        report = report_of(journal)
        assert [case.outcome.value for case in report.cases] == ["PASSED", "PASSED", "FAILED"]
        assert report.orders == ((ONE.id, TWO.id, THREE.id),)
        (end,) = [each.at for each in journal.envelopes if isinstance(each.event, AttemptsPassed)]
        assert [case.started_at for case in report.cases[:2]] == [pytest.approx(began - 0.1), pytest.approx(end - 0.5)]

    @given(st.lists(st.tuples(st.sampled_from(TESTS), st.booleans()), min_size=1, max_size=8), st.booleans(), numbers)
    def test_one_event_says_the_same_as_one_for_each(
        self, ran: list[tuple[PlannedTest, bool]], is_final: bool, n: int
    ) -> None:
        tests = list(dict.fromkeys(test.id for test, _ in ran))
        together = AttemptsPassed(tuple(tests), (0.25,) * len(tests), n, is_final)
        one, each = Journal().plan(*TESTS), Journal().plan(*TESTS)
        each.seq, each.at = one.seq, one.at
        one.runner(together, slot=1)
        for attempt in together.attempts():
            each.at = one.at - 0.1
            each.runner(dataclasses.replace(attempt, at_once=True), slot=1)
        found, expected = (
            [
                (case.outcome, case.reason, [(a.n, a.outcome, a.duration) for a in case.attempts])
                for case in report.cases
            ]
            for report in map(report_of, (one, each))
        )
        assert found == expected

    def test_a_new_worker_of_a_slot_has_run_nothing(self) -> None:
        journal = Journal().plan(ONE, TWO).runner(WorkerStarted(7), slot=1).attempt(ONE, Outcome.PASSED, slot=1)
        journal.runner(WorkerStarted(8), slot=1).attempt(TWO, Outcome.FAILED, slot=1)
        assert report_of(journal).orders == ()


class TestPlan:
    def test_fixtures_are_cases_only_when_red_or_skipped(self) -> None:
        fixtures = [PlannedTest(f"{ONE.classname}.setUp{n}", ONE.classname, f"setUp{n}") for n in range(3)]
        journal = Journal().plan(ONE)
        for fixture, outcome in zip(fixtures, (Outcome.PASSED, Outcome.SKIPPED, Outcome.ERRORED), strict=True):
            journal.runner(AttemptFinished(fixture.id, 1, outcome, 0.0, extra=fixture, final=True))
        report = report_of(journal)
        assert [c.test.name for c in report.cases] == ["test_one", "setUp1", "setUp2"]
        assert [c.test.file for c in report.cases] == [ONE.file] * 3
        assert report.counts().planned == 1

    def test_a_fixture_of_a_split_class_is_red_if_one_part_was(self) -> None:
        fixture = PlannedTest(f"{ONE.classname}.setUpClass", ONE.classname, "setUpClass")
        for outcomes in ((Outcome.SKIPPED, Outcome.ERRORED), (Outcome.ERRORED, Outcome.SKIPPED)):
            journal = Journal().plan(ONE)
            for outcome in outcomes:
                journal.runner(AttemptFinished(fixture.id, 1, outcome, 0.0, extra=fixture, final=True))
            assert report_of(journal).cases[1].outcome is Outcome.ERRORED

    def test_a_test_that_no_plan_names_is_a_case_when_red(self) -> None:
        report = report_of(Journal().plan(ONE).attempt(planned("test_stray"), Outcome.FAILED))
        assert [c.test.name for c in report.cases] == ["test_one", "test_stray"]
        assert verdict(report_of(Journal().plan().attempt(planned("test_stray"), Outcome.FAILED).end())).exit_code == 1

    def test_a_second_plan_adds_to_the_first(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED)
        journal.runner(RunPlanned((ONE, TWO), 1)).attempt(ONE, Outcome.FAILED)
        report = report_of(journal)
        assert [(c.test.id, c.outcome) for c in report.cases] == [
            (ONE.id, Outcome.PASSED),
            (f"{ONE.id} [2]", Outcome.FAILED),
            (TWO.id, Outcome.NOT_RUN),
        ]


class TestRun:
    def test_queries_of_all_workers_are_merged(self) -> None:
        journal = Journal().runner(QueriesCounted((QueryCount("a", "default", 3, 0.3, 0.2, ("x", "y")),)), slot=1)
        slow = (QueryCount("a", "default", 1, 0.5, 0.5, ("y", "z")), QueryCount("a", "replica", 1, 1.0, 1.0, ()))
        assert report_of(journal.runner(QueriesCounted(slow), slot=2)).queries == (
            QueryCount("a", "replica", 1, 1.0, 1.0, ()),
            QueryCount("a", "default", 4, 0.8, 0.5, ("x", "y", "z")),
        )

    def test_advice_on_an_alias_that_was_written_to_does_not_hold(self) -> None:
        advice = [Advice("undeclared-replica", name, "", name) for name in ("read", "written", "flushed")]
        always = Advice("mirror-alone", "tests", "")
        counts = {"read": "SELECT 1", "written": "INSERT INTO t VALUES (?)", "flushed": "TRUNCATE t"}
        queries = tuple(QueryCount(sql, name, 1, 0.1, 0.1, ()) for name, sql in counts.items())
        journal = Journal().host(*advice, advice[0]).runner(always, QueriesCounted(queries), slot=1)
        assert report_of(journal).advice == (advice[0], advice[2], always)

    def test_warnings_of_all_workers_are_added(self) -> None:
        journal = Journal().runner(WarningsCounted((WarningCount("UserWarning", 2), WarningCount("a.B", 1))), slot=1)
        journal.runner(WarningsCounted((WarningCount("UserWarning", 3),)), slot=2)
        assert report_of(journal).warnings == {"UserWarning": 5, "a.B": 1}

    def test_phases_add_up_and_an_open_one_lasts_until_the_end(self) -> None:
        journal = Journal()
        journal.runner(PhaseFinished("template", 1.0), PhaseFinished("template", 2.0), PhaseStarted("tests"))
        journal.at += 7
        report = report_of(journal.runner(Notice("x", "y")))
        assert report.phase_seconds("template") == 3.0
        assert report.phase_seconds("tests") == pytest.approx(7.1)
        assert [phase.is_finished for phase in report.phases] == [True, False]
        assert report.phase_seconds("clones") == 0.0

    def test_the_last_events_of_a_run_without_an_end(self) -> None:
        journal = Journal().plan(ONE, TWO).runner(AttemptStarted(ONE.id), slot=1)
        report = report_of(journal.runner(WorkerLost(9, 1, None, None), slot=2))
        assert report.last_events.split("\n") == [
            "the phase tests began",
            f"{ONE.id} was running in slot 1",
            "worker 2 (pid 9) exited with status 1",
        ]


class TestAnyJournal:
    def test_events_that_come_twice_count_once(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED)
        journal.runner(QueriesCounted((QueryCount("SELECT ?", "default", 3, 0.3, 0.2, ("a",)),)), SlotRecycled(1.0))
        once = report_of(journal.end())
        assert ledger.fold(e for e in journal.envelopes for _ in range(2 if e.seq else 1)) == once

    @pytest.mark.parametrize("name", JOURNALS)
    def test_every_beginning_of_a_journal_gives_a_report(self, name: str) -> None:
        envelopes = JOURNALS[name]().envelopes
        for end in range(len(envelopes) + 1):
            report = ledger.fold(envelopes[:end])
            assert_holds_together(report, envelopes[:end])

    @settings(max_examples=300, deadline=None, phases=QUICK)
    @given(any_journals)
    def test_any_events_in_any_order_give_a_report(self, envelopes: list[Envelope]) -> None:
        report = ledger.fold(envelopes)
        assert_holds_together(report, envelopes)

    @settings(max_examples=100, deadline=None, phases=QUICK)
    @given(any_journals, st.data())
    def test_doubling_numbered_events_changes_nothing(self, envelopes: list[Envelope], data: st.DataObject) -> None:
        numbered = [dataclasses.replace(envelope, seq=number) for number, envelope in enumerate(envelopes, 1)]
        doubled = [e for e in numbered for _ in range(data.draw(st.integers(1, 2)))]
        assert repr(ledger.fold(doubled)) == repr(ledger.fold(numbered))  # as text, since NaN is not equal to itself
