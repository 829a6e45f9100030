import pytest

from harness.errors import ExitCode
from harness.protocol.events import LEFT_BEHIND, AttemptStarted, Notice, RunAborted, RunFinished, RunStarted, WorkerLost
from harness.protocol.replica_events import LagChecked, LateReadJudged
from harness.protocol.results import Outcome
from harness.report.model import ledger
from harness.report.model.verdict import WORDS, Verdict, verdict
from tests.golden.journals import JOURNALS, Journal, planned

ONE, TWO = planned("test_one"), planned("test_two")


def judge(journal: Journal, *, fail_on_flaky: bool = False) -> Verdict:
    return verdict(ledger.fold(journal.envelopes), fail_on_flaky=fail_on_flaky)


class TestTests:
    def test_green(self) -> None:
        assert judge(Journal().plan(ONE).attempt(ONE, Outcome.PASSED).end()) == Verdict("passed", ExitCode.GREEN)

    @pytest.mark.parametrize(
        ("outcome", "code"),
        [
            (Outcome.PASSED, 0),
            (Outcome.SKIPPED, 0),
            (Outcome.XFAILED, 0),
            (Outcome.FAILED, 1),
            (Outcome.ERRORED, 1),
            (Outcome.XPASSED, 1),
            (Outcome.TIMED_OUT, 1),
            (Outcome.CRASHED, 1),
            (Outcome.NOT_RUN, 1),
        ],
    )
    def test_each_outcome(self, outcome: Outcome, code: int) -> None:
        judged = judge(Journal().plan(ONE).attempt(ONE, outcome).end())
        assert (judged.exit_code, judged.word) == (code, "failed" if code else "passed")

    def test_no_tests(self) -> None:
        judged = judge(Journal().plan().end())
        assert (judged.exit_code, judged.word) == (5, "no-tests")
        assert judged.cause is not None
        assert judged.cause.kind == "NoTests"

    def test_flaky_is_green_unless_asked_otherwise(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2).end()
        assert judge(journal).exit_code == 0
        judged = judge(journal, fail_on_flaky=True)
        assert judged.exit_code == 1
        assert judged.cause is not None
        assert (judged.cause.message, judged.cause.evidence) == ("1 flaky test", ONE.id)

    def test_red_tests_need_no_cause_but_tests_not_run_do(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED).runner(RunFinished(0))
        judged = judge(journal)
        assert judged.cause is not None
        assert judged.cause.kind == "NotRun"
        assert judged.cause.message == "1 test did not run: the run ended without it"
        assert judge(Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED).runner(RunFinished(1))).cause is None


class TestEnds:
    def test_a_run_without_an_end_is_never_green(self) -> None:
        judged = judge(Journal().plan(ONE).attempt(ONE, Outcome.PASSED))
        assert (judged.exit_code, judged.word) == (70, "aborted")
        assert judged.cause is not None
        assert judged.cause.message.startswith("the runner ended unexpectedly")
        assert "the phase tests began" in judged.cause.evidence
        assert judge(Journal()).exit_code == 70

    @pytest.mark.parametrize("code", [code for code in ExitCode if code])
    def test_an_abort_has_its_own_exit_code(self, code: ExitCode) -> None:
        judged = judge(Journal().host(RunAborted(code, "what", "next", "seen")))
        assert judged.exit_code == code
        assert judged.word == WORDS[code] != "passed"
        assert judged.cause is not None
        assert judged.cause.text == "what\n\nnext\n\nseen"

    def test_a_file_left_behind_is_the_first_next_step(self) -> None:
        journal = Journal().host(
            Notice(LEFT_BEHIND, ".env is here."), RunAborted(ExitCode.PROJECT, "no .env", "Mend it.")
        )
        cause = judge(journal).cause
        assert cause is not None
        assert cause.hint == ".env is here. Mend it."

    def test_an_abort_with_exit_code_0_is_a_bug(self) -> None:
        assert judge(Journal().host(RunAborted(ExitCode.GREEN, "what"))).exit_code == 70

    def test_an_abort_after_a_green_end_is_not_green(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED).end()
        assert judge(journal.host(RunAborted(ExitCode.SERVERS, "the replica stopped"))).exit_code == 3

    def test_the_most_severe_exit_code_wins(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED)
        journal.runner(RunAborted(ExitCode.PROJECT, "project")).host(RunAborted(ExitCode.SERVERS, "servers"))
        judged = judge(journal)
        assert judged.exit_code == 3
        assert judged.cause is not None
        assert judged.cause.message == "servers"
        journal.host(RunAborted(ExitCode.SIGINT, "Ctrl-C"))
        assert judge(journal).exit_code == 130


class TestProjectRunner:
    def test_its_failures_are_red_despite_flaky_tests(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2)
        judged = judge(journal.end(failures=1))
        assert (judged.exit_code, judged.cause and judged.cause.kind) == (1, "RunnerFailed")

    def test_one_that_counts_failures_of_its_own_has_failed(self) -> None:
        judged = judge(Journal().plan(ONE).attempt(ONE, Outcome.PASSED).runner(RunFinished(2)))
        assert judged.exit_code == 1
        assert judged.cause is not None
        assert judged.cause.kind == "RunnerFailed"
        assert "2 failures" in judged.cause.message

    def test_one_that_plans_nothing_is_named(self) -> None:
        judged = judge(Journal().runner(RunFinished(0)))
        assert judged.exit_code == 5
        assert judged.cause is not None
        assert "run_tests()" in judged.cause.hint


LOST = {
    "project": WorkerLost(7, 3, None, None, "project", "while no test ran", "its last words"),
    "harness": WorkerLost(8, 70, None, None, "harness", "while no test ran", "Traceback"),
}


class TestLostWorkers:
    @pytest.mark.parametrize(
        ("faults", "code", "kind"),
        [
            (["project"], ExitCode.TESTS_FAILED, "WorkerLost"),
            (["harness"], ExitCode.INTERNAL, "InternalError"),
            (["project", "harness"], ExitCode.INTERNAL, "InternalError"),
        ],
    )
    def test_each_makes_a_run_of_passed_tests_red(self, faults: list[str], code: ExitCode, kind: str) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED)
        judged = judge(journal.runner(*(LOST[fault] for fault in faults), slot=1).end())
        assert judged.cause is not None
        assert (judged.exit_code, judged.cause.kind, len(judged.lost)) == (code, kind, len(faults))
        assert all(LOST[fault].evidence in cause.evidence for fault, cause in zip(faults, judged.lost, strict=True))
        assert judged.cause not in judged.others

    def test_one_that_a_red_test_reports_is_no_cause(self) -> None:
        journal = Journal().plan(ONE).runner(AttemptStarted(ONE.id), WorkerLost(7, 3, None, ONE.id), slot=1)
        judged = judge(journal.attempt(ONE, Outcome.CRASHED).end(failures=1))
        assert (judged.exit_code, judged.cause, judged.lost) == (ExitCode.TESTS_FAILED, None, ())

    def test_one_is_listed_beside_the_abort(self) -> None:
        journal = Journal().plan(ONE).runner(LOST["project"], slot=1)
        judged = judge(journal.host(RunAborted(ExitCode.SERVERS, "the primary is gone")))
        assert judged.cause is not None
        assert judged.cause.message == "the primary is gone"
        assert [cause.kind for cause in judged.others] == ["WorkerLost"]


class TestLateReads:
    def test_they_make_a_run_red_only_if_asked(self) -> None:
        assert judge(JOURNALS["late"]()).exit_code == ExitCode.GREEN
        judged = judge(JOURNALS["fails_on_lag"]())
        assert judged.cause is not None
        assert (judged.exit_code, judged.cause.kind) == (ExitCode.TESTS_FAILED, "ReadAfterWrite")
        assert judged.cause.message == "2 read-after-write bugs in 3 tests, and --fail-on-lag is set"
        assert "shop/orders.py:38 in receipt: " in judged.cause.evidence

    def test_other_verdicts_never_do(self) -> None:
        journal = Journal().host(RunStarted("postgres-17", fail_on_lag=True)).plan(ONE)
        journal.attempt(ONE, Outcome.PASSED).runner(LateReadJudged(ONE.id, "pause"), LagChecked(0.5, 1))
        assert judge(journal.end()).exit_code == ExitCode.GREEN
