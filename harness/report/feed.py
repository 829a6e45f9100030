"""The running commentary: folds events into counters and into the lines that are printed as things happen.

Owns what is worth a line. Pure; both consoles print what it says. A test that passes costs a few counters and no line.
"""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from harness.contract import events
from harness.contract.events import Envelope, Outcome, PlannedTest
from harness.report.runreport import INTERRUPTS, Attempt, Case, crash_message
from harness.report.terminal import LABEL_WIDTH, ConsoleOptions, labelled, quoted
from harness.report.text import first_line, one_line, plural
from harness.report.wording import FLAKY, LABELS, headline, location, place

SHOWN_FAILURES = 200
"""Failures that are told as they come; the rest are counted, and the summary has them."""
OUTPUT_LINES = 500
_INDENT = " " * (LABEL_WIDTH + 1)


class Seat:
    """What a slot is running: the test's id, since when, and whether that is long."""

    __slots__ = ("is_slow", "since", "test")

    def __init__(self, test: str, since: float) -> None:
        self.test = test
        self.since = since
        self.is_slow = False


class Feed:
    """Takes events; ``take`` gives the lines that each is worth, the attributes say where the run stands."""

    def __init__(self, options: ConsoleOptions) -> None:
        self.planned = 0
        self.done = 0
        self.red = 0
        self.flaky = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.seats: dict[int, Seat] = {}
        self.open_phases: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.started_at = 0.0
        self.at = 0.0
        self._options = options
        self._tests: dict[str, PlannedTest] = {}
        self._shown = 0

    def take(self, envelope: Envelope) -> list[Text]:
        """The lines that *envelope* is worth, most often none."""
        self.at = max(self.at, envelope.at)
        self.started_at = self.started_at or envelope.at
        match envelope.event:
            case events.AttemptStarted(test=test):
                self.seats[envelope.slot] = Seat(test, envelope.at)
                return []
            case events.AttemptFinished() as event:
                self.seats.pop(envelope.slot, None)
                return self._finished(event)
            case events.AttemptSlow() as event:
                return self._slow(envelope.slot, event)
            case event:
                return self._other(envelope, event)

    @property
    def elapsed(self) -> float:
        """Seconds of the run so far."""
        return self.at - self.started_at

    def standing(self) -> str:
        """What has been counted besides tests that simply passed: ``2 red, 1 flaky, 3 skipped``."""
        parts = ((self.red, "red"), (self.flaky, "flaky"), (self.outcomes[Outcome.SKIPPED], "skipped"))
        return ", ".join(f"{number} {word}" for number, word in parts if number)

    def _finished(self, event: events.AttemptFinished) -> list[Text]:
        outcome = event.outcome
        if event.final and event.extra is None:
            self.done += 1
            self.outcomes[outcome] += 1
        if outcome.is_red:
            self.red += event.final or event.extra is not None
            return self._failed(event)
        lines: list[Text] = []
        if event.final and event.n > 1 and outcome is Outcome.PASSED:
            self.flaky += 1
            lines.append(labelled(FLAKY, f"{one_line(event.test)}  passed in attempt {event.n}"))
        elif self._options.verbosity >= 2:
            reason = f"  {one_line(event.reason)}" if event.reason else ""
            lines.append(labelled(LABELS[outcome], f"{one_line(event.test)}  {event.duration:.3f}s{reason}"))
        if not self._options.buffer and (event.stdout or event.stderr):
            lines += self._output(event, is_named=bool(lines))
        return lines

    def _failed(self, event: events.AttemptFinished) -> list[Text]:
        """A failure as it comes: what and where; the whole of it is in the summary."""
        if event.outcome is Outcome.NOT_RUN:
            return []  # often many with one reason, which has a line of its own
        self._shown += 1
        if self._shown > SHOWN_FAILURES:
            if self._shown == SHOWN_FAILURES + 1:
                return [labelled("...", "further failures are counted here and told in the summary", "dim", "dim")]
            return []
        attempt = Attempt(
            event.n,
            event.outcome,
            event.duration,
            failures=event.failures,
            reason=event.reason,
            subtests=event.subtests,
        )
        test = event.extra or self._tests.get(event.test) or PlannedTest(event.test, "", "")
        where = place(*location(Case(test, event.outcome, (attempt,))))
        again = "" if event.final or event.extra else f"  attempt {event.n}, to be tried again"
        message = Text(_INDENT)
        message.append(one_line(headline(attempt)))
        if where:
            message.append(f" ({where})", "dim")
        return [
            labelled(LABELS[event.outcome], f"{one_line(event.test)}  {event.duration:.3f}s{again}"),
            message,
        ]

    def _output(self, event: events.AttemptFinished, is_named: bool) -> list[Text]:
        lines = [*quoted(event.stdout, OUTPUT_LINES), *quoted(event.stderr, OUTPUT_LINES)]
        if not lines or is_named:
            return lines
        return [labelled("output", one_line(event.test), label_style="dim"), *lines]

    def _slow(self, slot: int, event: events.AttemptSlow) -> list[Text]:
        if slot in self.seats:
            self.seats[slot].is_slow = True
        return [labelled("SLOW", f"{one_line(event.test)}  running for {event.elapsed:.0f}s", "", "yellow")]

    def _other(self, envelope: Envelope, event: events.Event) -> list[Text]:
        match event:
            case events.PhaseStarted():
                self.open_phases[event.phase] = envelope.at
            case events.PhaseFinished():
                self.open_phases.pop(event.phase, None)
                self.steps.pop(event.phase, None)
                return self._quiet(labelled(event.phase, f"{event.duration:.2f}s", "dim"))
            case events.PhaseProgressed():
                self.steps[event.phase] = f"{one_line(event.step)}, {event.n} of {event.total}"
            case events.RetryCalledOff():
                self.done += 1
                self.outcomes[event.outcome] += 1
                self.red += event.outcome.is_red
            case events.RunPlanned():
                self.planned += len(event.tests)
                self._tests.update((test.id, test) for test in event.tests)
                return self._quiet(labelled("plan", _plan(event)))
            case events.TopologyFound():
                text = f"{event.settings} on Django {event.django}, Python {event.python}"
                return self._quiet(labelled("settings", one_line(text)))
            case events.ServerReady():
                role = f"replica of {event.primary}" if event.primary else event.role
                text = f"{event.server}: {event.engine} {event.version}, {role}, ready in {event.ready_s:.2f}s"
                return self._quiet(labelled("server", one_line(text)))
            case events.AliasRouted() if self._options.verbosity >= 2:
                return [labelled("route", one_line(f"{event.alias} -> {event.server}/{event.database} ({event.mode})"))]
            case events.Notice():
                return [labelled("notice", one_line(event.text, 2000), "", "bold yellow")]
            case events.WorkerLost():
                self.seats.pop(envelope.slot, None)
                if event.test is None:  # else the test that it was running says so
                    return [labelled("lost", crash_message(envelope.slot, event), "", "bold red")]
            case events.WorkerStopped():
                self.seats.pop(envelope.slot, None)
            case events.SlotRecycled() if self._options.verbosity >= 2:
                return [labelled("recycled", f"slot {envelope.slot} in {event.duration:.2f}s", "dim")]
            case events.RunAborted():
                word = "STOPPED" if event.exit_code in INTERRUPTS else "ABORTED"
                return [labelled(word, one_line(first_line(event.message), 2000), "", "bold red")]
            case _:
                pass
        return []

    def _quiet(self, line: Text) -> list[Text]:
        """*line*, unless nothing but failures is asked for."""
        return [line] if self._options.verbosity >= 1 else []


def _plan(event: events.RunPlanned) -> str:
    seed = "" if event.seed is None else f", shuffled with seed {event.seed}"
    return f"{plural(len(event.tests), 'test')} on {plural(event.workers, 'worker')}{seed}"
