import re

from rich.console import Console as RichConsole
from rich.text import Text

from harness.protocol.events import AttemptStarted, PhaseProgressed, PhaseStarted, RunPlanned
from harness.protocol.results import Outcome
from harness.report.terminal.live_display import ShownRun, phases_line, render
from harness.report.terminal.progress import Progress
from harness.report.terminal.style import ConsoleOptions
from tests.golden.journals import JOURNALS, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def shown(journal: Journal) -> ShownRun:
    run = ShownRun(Progress(ConsoleOptions()), 100.0)
    for envelope in journal.envelopes:
        run.progress.take(envelope)
    return run


def lines(*runs: ShownRun, after_s: float = 0.0) -> list[str]:
    """The display of *runs*, *after_s* seconds after their last events."""
    console = RichConsole(width=100, color_system=None, force_terminal=True, _environ={})
    with console.capture() as captured:
        console.print(render({f"run-{n}": run for n, run in enumerate(runs)}, 100.0 + after_s, 100))
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]


class TestSingleRun:
    def test_shows_a_bar_the_failures_and_each_slot(self) -> None:
        journal = Journal().plan(ONE, TWO, planned("test_three"))
        journal.attempt(ONE, Outcome.FAILED, failures=(failure("13 != 12"),))
        journal.runner(AttemptStarted(TWO.id), slot=1).runner(AttemptStarted("shop.tests." + "x" * 200), slot=2)
        bar, red, first, second = lines(shown(journal), after_s=12.5)
        assert re.fullmatch(r"━+[╸╺]?[━ ]*  1/3  1 red  0:16", bar)
        assert red == f"     FAIL {ONE.id}  0.020s  AssertionError: 13 != 12 (shop/tests/…"
        assert re.fullmatch(rf"   1    12.[56]s {re.escape(TWO.id)}", first)
        assert re.fullmatch(r"   2    12.5s …x+", second)
        assert len(second) <= 100

    def test_shows_the_open_phases_before_the_tests(self) -> None:
        journal = JOURNALS["green"]()
        journal.envelopes = journal.envelopes[:5]
        (line,) = lines(shown(journal), after_s=3.0)
        assert re.fullmatch(r" +servers 3s, setup 3s", line)

    def test_counts_the_slots_that_do_not_fit(self) -> None:
        journal = Journal().plan(ONE)
        for slot in range(1, 31):
            journal.runner(AttemptStarted(ONE.id), slot=slot)
        assert lines(shown(journal))[-1].strip() == "and 18 more slots"

    def test_shows_no_count_of_tests_before_they_can_run(self) -> None:
        journal = Journal().runner(RunPlanned((ONE,), 1), PhaseStarted("template"))
        journal.runner(PhaseProgressed("template", "default: migration shop.0003_x", 3, 210))
        run = shown(journal)
        assert "s (default: migration shop.0003_x, 3 of 210)" in phases_line(run.progress, journal.at).plain
        assert "of 1 tests" not in "".join(lines(run))


class TestSeveralRuns:
    def test_each_has_a_row(self) -> None:
        failed = shown(Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, failures=(failure("no"),)))
        first, second, third = lines(failed, shown(Journal().runner(PhaseStarted("setup"))), shown(Journal()))
        assert re.match(r"run-0 +━.* 1/2  1 red +\d:\d\d$", first)
        assert "setup" in second
        assert third.split() == ["run-2", "waiting"]

    def test_one_that_ended_shows_its_verdict(self) -> None:
        run = shown(Journal().plan(ONE, TWO).attempt(ONE, Outcome.PASSED))
        run.end = Text("failed")
        assert lines(run, shown(Journal()))[0].split() == ["run-0", "failed", "1/2"]
