import pytest

from harness.protocol.events import (
    AttemptFinished,
    AttemptSlow,
    AttemptsPassed,
    AttemptStarted,
    FrameworkChosen,
    Notice,
    PhaseFinished,
    PhaseProgressed,
    PhaseStarted,
    RetryCalledOff,
    RunPlanned,
    WorkerLost,
)
from harness.protocol.messages import Framework
from harness.protocol.replica_events import LAG_CHECK, LateReadJudged
from harness.protocol.results import Outcome
from harness.protocol.seed_events import SeedUsed
from harness.report.model import ledger
from harness.report.terminal.progress import Progress
from harness.report.terminal.style import ConsoleOptions
from tests.golden.journals import JOURNALS, SHOP, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def take(journal: Journal, options: ConsoleOptions | None = None) -> tuple[Progress, list[str]]:
    """The state after *journal*, and the lines for its events."""
    progress = Progress(options or ConsoleOptions())
    lines = [line.plain for envelope in journal.envelopes for line in progress.take(envelope)]
    return progress, lines


class TestState:
    def test_counts_each_outcome_once(self) -> None:
        progress, _ = take(JOURNALS["outcomes"]())
        report = ledger.fold(JOURNALS["outcomes"]().envelopes)
        assert (progress.done, progress.planned) == (14, 14)
        assert (progress.red, progress.flaky) == (len(report.red), 1)
        assert progress.standing() == "11 red, 1 flaky, 1 skipped"

    def test_knows_the_running_test_of_each_slot(self) -> None:
        journal = Journal().plan(ONE, TWO).runner(AttemptStarted(ONE.id), slot=1)
        journal.runner(AttemptStarted(TWO.id), AttemptSlow(TWO.id, 1, 30.0), slot=2)
        progress, _ = take(journal)
        running = {slot: (test.id, test.is_slow) for slot, test in progress.running.items()}
        assert running == {1: (ONE.id, False), 2: (TWO.id, True)}
        progress, _ = take(journal.runner(WorkerLost(1, None, "SIGKILL", TWO.id), slot=2))
        assert list(progress.running) == [1]

    @pytest.mark.parametrize("verbosity", [1, 2])
    def test_counts_attempts_that_passed_together(self, verbosity: int) -> None:
        together = AttemptsPassed((ONE.id, TWO.id), (0.1, 0.2), final=True)
        journal = Journal().plan(ONE, TWO).runner(AttemptStarted(ONE.id), together, slot=1)
        progress, lines = take(journal, ConsoleOptions(verbosity=verbosity))
        assert (progress.done, progress.outcomes[Outcome.PASSED], progress.running) == (2, 2, {})
        shown = [line.split() for line in lines if line.split()[0] == "PASS"]
        assert shown == ([["PASS", ONE.id, "0.100s"], ["PASS", TWO.id, "0.200s"]] if verbosity == 2 else [])
        retried = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, final=False).runner(together, slot=1)
        assert take(retried)[0].flaky == 1

    def test_forgets_the_step_of_a_phase_that_ended(self) -> None:
        journal = Journal().runner(PhaseStarted("template"), PhaseProgressed("template", "shop.0003_x", 3, 210))
        progress, _ = take(journal)
        assert progress.phase_text("template", progress.at).endswith("s (shop.0003_x, 3 of 210)")
        progress, _ = take(journal.runner(PhaseFinished("template", 12.0)))
        assert progress.steps == {}

    def test_counts_a_retry_that_was_called_off(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, final=False).attempt(TWO, Outcome.PASSED)
        progress, _ = take(journal)
        assert (progress.done, progress.red) == (1, 0)
        progress, _ = take(journal.runner(RetryCalledOff(ONE.id, Outcome.FAILED)))
        assert (progress.done, progress.red) == (2, 1)

    def test_a_repeated_test_that_passes_is_not_flaky(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED, final=False).attempt(ONE, Outcome.PASSED, n=2)
        journal.attempt(TWO, Outcome.FAILED, final=False).attempt(TWO, Outcome.PASSED, n=2)
        progress, _ = take(journal)
        assert progress.standing() == "1 flaky"


class TestLines:
    @pytest.mark.parametrize(
        ("framework", "verbosity", "is_shown"), [("pytest", 1, True), ("django", 1, False), ("django", 2, True)]
    )
    def test_the_framework_has_a_line_where_it_is_not_djangos_runner(
        self, framework: Framework, verbosity: int, is_shown: bool
    ) -> None:
        journal = Journal().runner(FrameworkChosen(framework, "pytest.ini"))
        _, lines = take(journal, ConsoleOptions(verbosity=verbosity))
        assert lines == [f"framework {framework}: pytest.ini"] * is_shown

    def test_the_cache_has_a_line_with_the_reason(self) -> None:
        for event, text in ((SeedUsed("hit"), "hit"), (SeedUsed("miss", "no seed"), "miss: no seed")):
            assert take(Journal().runner(event))[1] == [f"    cache {text}"]

    def test_a_passing_test_has_no_line(self) -> None:
        progress, lines = take(Journal().plan(ONE).attempt(ONE, Outcome.PASSED))
        assert not [line for line in lines if ONE.id in line]
        assert (progress.done, progress.planned, progress.red) == (1, 1, 0)

    def test_a_failure_has_lines_from_verbosity_2_on(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, failures=(failure("13 != 12\nmore"),))
        _, lines = take(journal)
        assert not [line for line in lines if ONE.id in line]
        _, lines = take(journal, ConsoleOptions(verbosity=2))
        assert lines[-2:] == [
            f"     FAIL {ONE.id}  0.020s",
            f"          AssertionError: 13 != 12 ({ONE.file}:41)",
        ]

    def test_an_attempt_to_be_retried_is_marked(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2)
        _, lines = take(journal, ConsoleOptions(verbosity=2))
        assert f"     FAIL {ONE.id}  0.020s  attempt 1, to be tried again" in lines
        assert f"     PASS {ONE.id}  0.020s" in lines
        assert take(journal)[1] == ["     plan 1 test on 2 workers"]

    def test_a_test_that_did_not_run_has_none(self) -> None:
        event = AttemptFinished(ONE.id, 1, Outcome.NOT_RUN, 0.0, reason="setUpClass failed", final=True)
        assert take(Journal().plan(ONE).runner(event))[1] == take(Journal().plan(ONE))[1]

    def test_output_of_a_passing_test_is_named_unless_buffered(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED, stdout="a\nb\n", stderr="c\n")
        _, lines = take(journal)
        assert lines[-4:] == [f"   output {ONE.id}", "          │ a", "          │ b", "          │ c"]
        _, lines = take(journal, ConsoleOptions(buffer=True))
        assert f"   output {ONE.id}" not in lines

    def test_verbosity_decides_which_events_have_lines(self) -> None:
        journal = Journal().servers().plan(ONE).attempt(ONE, Outcome.PASSED).runner(Notice("x", "know this"))
        assert not [line for line in take(journal)[1] if line.startswith("     PASS")]
        assert [line for line in take(journal, ConsoleOptions(verbosity=2))[1] if line.startswith("     PASS")]
        assert take(journal, ConsoleOptions(verbosity=0))[1] == ["   notice know this"]
        assert take(journal, ConsoleOptions(quiet=True))[1] == []


class TestLogLine:
    def test_names_the_newest_failure_once(self) -> None:
        journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED).attempt(TWO, Outcome.PASSED, 10.0)
        progress, _ = take(journal)
        first, second = progress.log_line(), progress.log_line()
        assert first is not None
        assert second is not None
        assert first.plain == f" progress 2 of 2 tests, 1 red, 14s, the last: {ONE.id}"
        assert second.plain == " progress 2 of 2 tests, 1 red, 14s"

    def test_names_the_open_phases_before_tests_can_run(self) -> None:
        journal = Journal().runner(RunPlanned((ONE,), 1), PhaseStarted("template"))
        journal.at += 10
        journal.runner(PhaseProgressed("template", "default: migration shop.0003_x", 3, 210))
        line = take(journal)[0].log_line()
        assert line is not None
        assert line.plain == " progress template 10s (default: migration shop.0003_x, 3 of 210)"
        assert Progress(ConsoleOptions()).log_line() is None

    def test_names_the_check_of_late_reads(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED).runner(PhaseStarted(LAG_CHECK))
        journal.at += 10
        line = take(journal.runner(LateReadJudged(ONE.id, "pause", reason="why")))[0].log_line()
        assert line is not None
        assert line.plain.endswith(", lag check 10s")


def test_a_verbose_run_shows_late_reads_as_they_are_found() -> None:
    _, lines = take(JOURNALS["late"](), ConsoleOptions(verbosity=2))
    assert f"     late {SHOP}.test_pays  bug: shop/orders.py:38 in receipt" in lines
    assert f"     late {SHOP}.test_unstable  unstable: it fails and passes by turns, however its reads wait" in lines
