"""The progress of a run: folds events into counters, and into the lines that the console prints while it runs. Pure.

A test that passes updates counters and gets no line.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from rich.text import Text

from harness.protocol import events, seed_events
from harness.protocol.events import Envelope
from harness.protocol.replica_events import LAG_CHECK, LateReadJudged
from harness.protocol.results import Outcome, PlannedTest
from harness.report.model.phrases import LABELS, headline, location, place, server_line
from harness.report.model.replicas.lag_check import place_of
from harness.report.model.run_report import INTERRUPTS, LostWorker
from harness.report.model.text import first_line, one_line, plural
from harness.report.terminal.style import LABEL_WIDTH, ConsoleOptions, labelled, quoted

REDS_NAMED = 3
"""The number of the newest failures that a live display names; the summary has all."""
OUTPUT_LINES = 500
_INDENT = " " * (LABEL_WIDTH + 1)


@dataclass(slots=True)
class RunningTest:
    """The test that a slot runs: its id, its start in seconds since the epoch, and whether it is slow."""

    id: str
    since: float
    is_slow: bool = False


class Progress:
    """Takes events: ``take`` returns the lines for each, the attributes hold the state of the run."""

    def __init__(self, options: ConsoleOptions) -> None:
        self.planned = 0
        self.done = 0
        self.red = 0
        self.flaky = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.running: dict[int, RunningTest] = {}
        self.open_phases: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.newest_reds: deque[Text] = deque(maxlen=REDS_NAMED)
        self.can_run = False
        self.started_at = 0.0
        self.at = 0.0
        self._options = options
        self._tests: dict[str, PlannedTest] = {}
        self._retried: set[str] = set()
        self._unnamed_red = ""

    def take(self, envelope: Envelope) -> list[Text]:
        """The lines for *envelope*: most often none, and always none if ``quiet`` leaves only the summary."""
        self.at = max(self.at, envelope.at)
        self.started_at = self.started_at or envelope.at
        lines: list[Text] = []
        match envelope.event:
            case events.AttemptStarted(test=test):
                self.can_run = True
                self.running[envelope.slot] = RunningTest(test, envelope.at)
            case events.AttemptFinished() as event:
                self.can_run = self.can_run or event.at_once
                self.running.pop(envelope.slot, None)
                lines = self._finished(event)
            case events.AttemptsPassed() as event:
                self.can_run = True
                self.running.pop(envelope.slot, None)
                lines = self._passed(event)
            case events.AttemptSlow() as event:
                if envelope.slot in self.running:
                    self.running[envelope.slot].is_slow = True
                text = f"{one_line(event.test)}  running for {event.elapsed:.0f}s"
                lines = [labelled("SLOW", text, "", "yellow")]
            case event:
                lines = self._other(envelope, event)
        return [] if self._options.quiet else lines

    def standing(self) -> str:
        """The counts besides tests that simply passed: ``2 red, 1 flaky, 3 skipped``."""
        parts = ((self.red, "red"), (self.flaky, "flaky"), (self.outcomes[Outcome.SKIPPED], "skipped"))
        return ", ".join(f"{number} {word}" for number, word in parts if number)

    def log_line(self) -> Text | None:
        """The progress line of a log, naming the newest failure since the last line; ``None`` without tests or an open phase."""
        if not self.can_run:
            parts = [self.phase_text(phase, self.at) for phase in self.open_phases]
            return labelled("progress", ", ".join(parts), "dim") if parts else None
        standing = f", {self.standing()}" if self.standing() else ""
        named, self._unnamed_red = self._unnamed_red, ""
        last = f", the last: {one_line(named)}" if named else ""
        check = f", {self.phase_text(LAG_CHECK, self.at)}" if LAG_CHECK in self.open_phases else ""
        elapsed_s = self.at - self.started_at
        text = f"{self.done} of {self.planned} tests{standing}, {elapsed_s:.0f}s{check}{last}"
        return labelled("progress", text, "dim")

    def phase_text(self, phase: str, now: float) -> str:
        """An open *phase* with its time and step: ``template 31s (default: migration shop.0003_prices, 3 of 210)``."""
        step = self.steps.get(phase)
        text = f"{one_line(phase)} {max(now - self.open_phases.get(phase, now), 0.0):.0f}s"
        return f"{text} ({step})" if step else text

    def _finished(self, event: events.AttemptFinished) -> list[Text]:
        outcome = event.outcome
        if event.final and event.extra is None:
            self.done += 1
            self.outcomes[outcome] += 1
        if outcome.is_red:
            return self._failed(event)
        lines: list[Text] = []
        if event.final and outcome is Outcome.PASSED:
            self.flaky += event.test in self._retried  # --repeat has several attempts without a failure
        if self._options.verbosity >= 2:
            reason = f"  {one_line(event.reason)}" if event.reason else ""
            lines.append(labelled(LABELS[outcome], f"{one_line(event.test)}  {event.duration:.3f}s{reason}"))
        if not self._options.buffer:
            texts = (event.stdout, event.stderr, event.log)
            output = [line for text in texts for line in quoted(text, OUTPUT_LINES)]
            if output and not lines:
                lines.append(labelled("output", one_line(event.test), label_style="dim"))
            lines += output
        return lines

    def _passed(self, event: events.AttemptsPassed) -> list[Text]:
        if self._retried or self._options.verbosity >= 2:
            return [line for attempt in event.attempts() for line in self._finished(attempt)]
        self.done += (number := len(event.tests) * event.final)
        self.outcomes[Outcome.PASSED] += number
        return []

    def _failed(self, event: events.AttemptFinished) -> list[Text]:
        """Count a failure, which the summary shows; from verbosity 2 on, return its lines as well."""
        if not event.final:
            self._retried.add(event.test)
        if event.final or event.extra is not None:
            self._count_red(event.test)
        if event.outcome is Outcome.NOT_RUN:
            return []  # often many have the same reason, which has a line of its own
        retried = "" if event.final or event.extra else f"  attempt {event.n}, to be tried again"
        name = labelled(LABELS[event.outcome], f"{one_line(event.test)}  {event.duration:.3f}s{retried}")
        test = event.extra or self._tests.get(event.test) or PlannedTest(event.test, "", "")
        where = place(*location(test, event.failures))
        message = Text.assemble(one_line(headline(event)), (f" ({where})" if where else "", "dim"))
        self.newest_reds.append(Text.assemble(name, "  ", message.plain, no_wrap=True, overflow="ellipsis"))
        return [name, Text(_INDENT) + message] if self._options.verbosity >= 2 else []

    def _count_red(self, test: str) -> None:
        self.red += 1
        self._unnamed_red = test

    def _other(self, envelope: Envelope, event: events.Event) -> list[Text]:
        """Update the state by an event that is not about an attempt, and return its lines."""
        match event:
            case events.PhaseStarted():
                self.open_phases[event.phase] = envelope.at
                self.can_run = self.can_run or event.phase == "tests"
            case events.PhaseProgressed():
                self.steps[event.phase] = f"{one_line(event.step)}, {event.n} of {event.total}"
            case events.PhaseFinished():
                self.open_phases.pop(event.phase, None)
                self.steps.pop(event.phase, None)
                if self._options.verbosity >= 2:  # the summary has the time of each phase
                    return [labelled(one_line(event.phase), f"{event.duration:.2f}s", "dim")]
            case events.RetryCalledOff():
                self.done += 1
                self.outcomes[event.outcome] += 1
                if event.outcome.is_red:
                    self._count_red(event.test)
            case events.RunPlanned():
                self.planned += len(event.tests)
                self._tests.update((test.id, test) for test in event.tests)
                seed = "" if event.seed is None else f", shuffled with seed {event.seed}"
                text = f"{plural(len(event.tests), 'test')} on {plural(event.workers, 'worker')}{seed}"
                return [labelled("plan", one_line(text))] if self._options.verbosity >= 1 else []
            case events.WorkerLost():
                self.running.pop(envelope.slot, None)
                if event.test is None:  # otherwise the outcome of its test has this message
                    return [labelled("lost", LostWorker(envelope.slot, event).message, "", "bold red")]
            case events.WorkerStopped():
                self.running.pop(envelope.slot, None)
            case _:
                return self._lines_of(envelope.slot, event)
        return []

    def _lines_of(self, slot: int, event: events.Event) -> list[Text]:
        """The lines of an event that changes no state."""
        match event:
            case events.TopologyFound() if self._options.verbosity >= 1:
                text = f"{event.settings or 'configured'} on Django {event.django}, Python {event.python}"
                return [labelled("settings", one_line(text))]
            case events.FrameworkChosen() if self._options.verbosity >= (1 if event.framework == "pytest" else 2):
                return [labelled("framework", one_line(f"{event.framework}: {event.reason}"))]
            case seed_events.SeedUsed() if self._options.verbosity >= 1:
                return [labelled("cache", one_line(f"{event.state}: {event.reason}".removesuffix(": ")))]
            case events.ServerReady() if self._options.verbosity >= 1:
                return [labelled("server", one_line(server_line(event)))]
            case events.AliasRouted() if self._options.verbosity >= 2:
                return [labelled("route", one_line(f"{event.alias} -> {event.server}/{event.database} ({event.mode})"))]
            case events.Notice():
                return [labelled("notice", one_line(event.text, 2000), "", "bold yellow")]
            case events.SlotRecycled() if self._options.verbosity >= 2:
                return [labelled("recycled", f"slot {slot} in {event.duration:.2f}s", "dim")]
            case LateReadJudged() if self._options.verbosity >= 2:
                why = place_of(event.bug.read) if event.bug else one_line(event.reason)
                return [labelled("late", f"{one_line(event.test)}  {event.verdict}: {why}", "", "yellow")]
            case events.RunAborted(is_echo=False):
                word = "STOPPED" if event.exit_code in INTERRUPTS else "ABORTED"
                return [labelled(word, one_line(first_line(event.message), 2000), "", "bold red")]
        return []
