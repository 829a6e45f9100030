"""Folds the events of a run into a ``RunReport``. Pure.

Owns each test's final outcome if the journal lacks it, and the limits of a run's size in memory. Any beginning of any journal
gives a report in which each planned test has exactly one outcome.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from harness.errors import ExitCode
from harness.protocol import events, naming, replica_events, seed_events
from harness.protocol.events import Envelope
from harness.protocol.results import Failure, Outcome, PlannedTest, QueryCount, ShownWarning
from harness.report.model.case_state import CaseState, case_of
from harness.report.model.replicas import lag_check, routing
from harness.report.model.run_report import INTERRUPTS, PHASES, Attempt, LostWorker, Phase, RunReport
from harness.report.model.text import STREAM_BYTES, keep_ends, one_line, plural, visible
from harness.report.model.times import Timeline

RED_OUTPUT_BYTES = 256_000_000
"""Limit of the output and SQL of all red attempts together; the journal has the rest."""
ORDERS = 50
"""Number of failures that are reported with the tests that ran before them."""
WARNINGS = 1000
"""Limit of the warnings that are reported by their place."""
TESTS_NAMED = 20
"""Tests named for each fingerprint of a query."""
_WRITES = ("INSERT", "UPDATE", "MERGE", "REPLACE", "COPY")
"""Beginnings of statements that write rows. Those of a flush, which empties all databases alike, are none of them."""
HALTED = "halted"
"""The code of the notice with the reason why no more tests began: a failure with ``--failfast``, too many dead workers."""
OUTPUT_LEFT_OUT = "[left out: the run's other failures have too much output; the journal has it]"


def fold(envelopes: Iterable[Envelope]) -> RunReport:
    """The report of a whole journal, or of its beginning."""
    ledger = Ledger()
    for envelope in envelopes:
        ledger.fold(envelope)
    return ledger.report()


class Ledger:
    """Takes events one by one; ``report()`` returns the report of those taken so far."""

    def __init__(self) -> None:
        self._report = RunReport()
        self._seen: set[int] = set()
        self._states: dict[str, CaseState] = {}
        self._plan: list[CaseState] = []
        self._extras: list[CaseState] = []
        self._in_slot: dict[int, CaseState] = {}
        self._ran: dict[int, list[str]] = {}
        self._output_bytes = 0
        self._phases: dict[str, float] = {}
        self._open_phases: dict[str, float] = {}
        self._servers: dict[str, events.ServerReady] = {}
        self._aliases: dict[str, events.AliasRouted] = {}
        self._notices: dict[events.Notice, None] = {}
        self._advice: dict[events.Advice, None] = {}
        self._losses: list[tuple[float, events.RunAborted]] = []
        self._queries: dict[tuple[str, str], QueryCount] = {}
        self._warnings: dict[ShownWarning, int] = {}
        self._routed: list[replica_events.StatementsRouted] = []
        self._judged: list[replica_events.LateReadJudged] = []
        self._lag_checks: list[replica_events.LagChecked] = []
        self._timeline = Timeline()
        self._last = ""

    def fold(self, envelope: Envelope) -> None:
        """Take one event. The host's events have the number 0 and always count; another number counts once, so that a journal
        with a repeated part gives the same report.
        """
        if envelope.seq:
            if envelope.seq in self._seen:
                return
            self._seen.add(envelope.seq)
        self._timeline.fold(envelope)
        self._fold_test(envelope)

    def _fold_test(self, envelope: Envelope) -> None:
        """Take an event about a test or a worker, the most common ones."""
        match envelope.event:
            case events.AttemptStarted() as event:
                self._attempt_started(envelope.slot, event.test, event.n, envelope.at)
            case events.AttemptFinished() as event:
                self._attempt_finished(envelope, event)
            case events.AttemptsPassed() as event:
                self._attempts_passed(envelope, event)
            case events.RetryCalledOff() as event:
                state = self._state(event.test)
                if state.final is None:
                    state.final, state.ended_at = event.outcome, envelope.at
            case events.RunPlanned() as event:
                self._run_planned(event)
            case events.WorkerStarted():
                self._ran[envelope.slot] = []
            case events.WorkerLost() as event:
                self._worker_lost(envelope.slot, event)
            case events.UnitStarted(is_part=True) as event:
                self._report.parts.update(dict.fromkeys(event.tests, event.unit))
            case events.SlotRecycled() as event:
                self._report.recycles += 1
                self._report.recycle_s += event.duration
            case events.QueriesCounted() as event:
                for query in event.queries:
                    key = (query.fingerprint, query.alias)
                    known = self._queries.get(key)
                    self._queries[key] = _merged(known, query) if known else query
            case events.SuitePropertyRecorded() as event:
                self._report.properties[event.name] = event.value
            case events.WarningsCounted() as event:
                self._warnings_counted(event)
            case _:
                self._fold_run(envelope)

    def _fold_run(self, envelope: Envelope) -> None:
        """Take an event about the run as a whole."""
        report = self._report
        match envelope.event:
            case events.RunStarted() as event:
                report.asked = event
            case events.TopologyFound() as event:
                report.settings, report.python, report.django = event.settings, event.python, event.django
                self._last = "the settings were read"
            case events.FrameworkChosen() as event:
                report.framework = event
            case seed_events.SeedUsed() as event:
                report.cache = event
            case events.PhaseStarted() as event:
                self._open_phases[event.phase] = envelope.at
                self._last = f"the phase {event.phase} began"
            case events.PhaseFinished() as event:
                self._open_phases.pop(event.phase, None)
                self._phases[event.phase] = self._phases.get(event.phase, 0.0) + event.duration
                self._last = f"the phase {event.phase} ended"
            case replica_events.StatementsRouted() as event:
                self._routed.append(event)
            case replica_events.LateReadJudged() as event:
                self._judged.append(event)
            case replica_events.LagChecked() as event:
                self._lag_checks.append(event)
            case events.PluginsSummarised() as event:
                report.plugins = event.text
            case events.Notice() as event:
                self._notices[event] = None
            case events.Advice() as event:
                self._advice[event] = None
            case events.ServerReady() as event:
                self._servers[event.server] = event
            case events.AliasRouted() as event:
                self._aliases[event.alias] = event
            case events.RunFinished() as event:
                report.is_finished, report.tally = True, event.failures
            case events.RunAborted() as event:
                report.aborts = tuple(dict.fromkeys((*report.aborts, event)))
                if event.exit_code is ExitCode.SERVERS:
                    self._losses.append((envelope.at, event))
            case _:
                pass

    def report(self) -> RunReport:
        """The report of the events so far; the next call returns the same object."""
        report = self.timed()
        report.servers = tuple(sorted(self._servers.values(), key=lambda each: (each.role != "primary", each.server)))
        report.aliases = tuple(self._aliases.values())
        report.notices = tuple(self._notices)
        report.shown_warnings = tuple(dataclasses.replace(each, count=n) for each, n in self._warnings.items())
        report.queries = tuple(sorted(self._queries.values(), key=lambda q: (-q.total, q.fingerprint, q.alias)))
        report.routing = routing.fold(self._routed, self._aliases, is_complete=not report.lost)
        is_failure = report.asked is not None and report.asked.fail_on_lag
        report.lag_check = lag_check.fold(
            self._judged,
            self._lag_checks,
            self._aliases,
            is_failure=is_failure,
            has_begun=any(replica_events.LAG_CHECK in each for each in (self._open_phases, self._phases)),
        )
        written = {query.alias for query in report.queries if query.fingerprint.lstrip().upper().startswith(_WRITES)}
        report.advice = tuple(each for each in self._advice if each.alias not in written)
        report.last_events = self._last_events()
        files = {state.test.classname: state.test.file for state in self._plan}
        for state in self._extras:
            if not state.test.file:
                state.test = dataclasses.replace(state.test, file=files.get(state.test.classname, ""))
        end, why_not_run = self._end(), self._why_not_run()
        cases = [case_of(state, end, why_not_run, self._losses) for state in (*self._plan, *self._extras)]
        # a fixture that passed is no case of the report
        report.cases = tuple(
            case for case in cases if case.is_planned or case.is_red or case.is_flaky or case.outcome is Outcome.SKIPPED
        )
        return report

    def timed(self) -> RunReport:
        """The same with its times alone brought up to date, for events that are about nothing else."""
        report = self._report
        report.times = times = self._timeline.times()
        report.started_at, report.total_s = times.began, max(times.ended - times.began, 0.0)
        report.phases = self._all_phases(times.ended)
        return report

    def _warnings_counted(self, event: events.WarningsCounted) -> None:
        for each in event.warnings:
            self._report.warnings[each.category] = self._report.warnings.get(each.category, 0) + each.count
        for shown in event.places:
            place = dataclasses.replace(shown, count=0)
            if place in self._warnings or len(self._warnings) < WARNINGS:
                self._warnings[place] = self._warnings.get(place, 0) + shown.count

    # tests

    def _run_planned(self, event: events.RunPlanned) -> None:
        self._report.is_planned, self._report.workers, self._report.seed = True, event.workers, event.seed
        self._report.is_longest_first |= event.is_longest_first
        self._last = f"{plural(len(event.tests), 'test')} planned"
        for test in {test.id: test for test in event.tests}.values():
            known = self._states.get(test.id)
            if known is None:
                self._add(test.id, test, is_planned=True)
            elif not known.is_planned:
                known.test, known.is_planned = test, True
                self._extras.remove(known)
                self._plan.append(known)
            elif known.final is not None:
                # a runner may run its suite twice: the second round's outcomes are cases of their own
                self._add(test.id, self._again(test), is_planned=True)

    def _again(self, test: PlannedTest) -> PlannedTest:
        """A copy of *test* with a new id and name; the id is reserved."""
        number = 2
        while f"{test.id} [{number}]" in self._states:
            number += 1
        again = dataclasses.replace(test, id=f"{test.id} [{number}]", name=f"{test.name} [{number}]")
        self._states[again.id] = self._states[test.id]
        return again

    def _add(self, key: str, test: PlannedTest, is_planned: bool) -> CaseState:
        state = self._states[key] = CaseState(test, is_planned)
        (self._plan if is_planned else self._extras).append(state)
        return state

    def _state(self, test_id: str, extra: PlannedTest | None = None) -> CaseState:
        """The state of a test; a test that is in no plan gets a new one."""
        known = self._states.get(test_id)
        if extra is not None and extra.id != test_id:
            extra = dataclasses.replace(extra, id=test_id)
        if known is not None:
            if extra is not None and not known.is_planned:
                known.test = extra
            return known
        return self._add(test_id, extra or PlannedTest(test_id, *naming.class_and_name(test_id)), is_planned=False)

    def _attempt_started(self, slot: int, test: str, n: int, at: float) -> None:
        if n == 1:
            self._ran.setdefault(slot, []).append(test)
        state = self._state(test)
        if state.final is None:
            state.running = (slot, n, at)
            state.worker_end = ""
        self._in_slot[slot] = state

    def _attempt_finished(self, envelope: Envelope, event: events.AttemptFinished) -> None:
        if event.at_once:
            self._attempt_started(envelope.slot, event.test, event.n, envelope.at - event.duration)
        state = self._state(event.test, event.extra)
        if state.final is not None and not _overrules(event, state):
            return
        slot, started_at = envelope.slot, None
        if state.running is not None and state.running[1] <= event.n:
            running_slot, n, at = state.running
            if n == event.n:
                # both events of a short attempt are often read, and get their time, together
                slot, started_at = (
                    slot or running_slot,
                    max(min(at, envelope.at - event.duration), self._timeline.began),
                )
            state.running = None
        if event.outcome is not Outcome.NOT_RUN:
            state.put(self._attempt(event, slot, started_at))
        state.reason = event.reason if event.final else event.reason or state.reason
        if event.final:
            state.final = event.outcome
            state.ended_at = envelope.at
            self._note_order(envelope.slot, event)

    def _attempts_passed(self, envelope: Envelope, event: events.AttemptsPassed) -> None:
        slot, n, began = envelope.slot, event.n, self._timeline.began
        ran, states = self._ran.setdefault(slot, []), self._states
        at = envelope.at - sum(event.durations)  # one after the other, the last one until now
        for test, duration in zip(event.tests, event.durations, strict=False):
            started_at, at = max(at, began), at + duration
            self._in_slot[slot] = state = states.get(test) or self._state(test)
            if state.final is not None:
                continue
            if state.running is not None:  # its beginning has an event of its own
                started_at = max(min(state.running[2], started_at), began)
                state.running = None
            elif n == 1:
                ran.append(test)
            state.put(Attempt(n, Outcome.PASSED, duration, slot, started_at))
            if event.final:
                state.final, state.ended_at = Outcome.PASSED, envelope.at

    def _note_order(self, slot: int, event: events.AttemptFinished) -> None:
        """Record the tests that the worker of a failed test ran before it, if any."""
        ran = self._ran.get(slot, [])
        is_next = event.n == 1 and len(ran) > 1 and ran[-1] == event.test
        if event.outcome.is_red and is_next and len(self._report.orders) < ORDERS:
            self._report.orders += (tuple(ran),)

    def _attempt(self, event: events.AttemptFinished, slot: int, started_at: float | None) -> Attempt:
        """*event* as an ``Attempt``: output and SQL only if it is red, and within limits."""
        n, outcome, duration = event.n, event.outcome, event.duration
        slim = Attempt(n, outcome, duration, slot, started_at, event.failures, event.reason, event.subtests)
        if event.properties or event.attributes or event.shared_s:
            slim = dataclasses.replace(
                slim, properties=event.properties, attributes=event.attributes, shared_s=event.shared_s
            )
        if not outcome.is_red:
            return slim
        texts, sql = [_bounded(text) for text in (event.stdout, event.stderr, event.log)], event.sql
        size = sum(map(len, texts)) + sum(len(statement.sql) + 200 for statement in sql)
        if self._output_bytes + size > RED_OUTPUT_BYTES:
            texts, sql = [OUTPUT_LEFT_OUT if text else "" for text in texts], ()
        else:
            self._output_bytes += size
        stdout, stderr, log = texts
        return dataclasses.replace(slim, stdout=stdout, stderr=stderr, log=log, sql=sql)

    def _worker_lost(self, slot: int, event: events.WorkerLost) -> None:
        lost = LostWorker(slot, event)
        self._report.lost += (lost,)
        last = self._in_slot.pop(slot, None)
        if last is not None and last.running is not None and last.running[0] == slot:
            last.worker_end = lost.message
        if event.test is not None:
            self._crash(self._state(event.test), slot, f"{lost.message} while running this test")

    def _crash(self, state: CaseState, slot: int, message: str) -> None:
        """Record a crash; the coordinator's own outcome of that attempt replaces it, if one comes."""
        if state.final is not None or (state.running is None and state.attempts):
            return
        running_slot, n, started_at = state.running or (slot, 1, None)
        state.running = None
        if n not in state.attempts:
            failure = Failure("error", "WorkerCrash", message, message)
            state.put(Attempt(n, Outcome.CRASHED, 0.0, running_slot, started_at, (failure,)))

    # the report's texts

    def _end(self) -> str:
        """The journal's end, as a clause."""
        if abort := self._report.abort:
            verb = "interrupted" if abort.exit_code in INTERRUPTS else "aborted"
            return f"the run was {verb}: {one_line(abort.message)}"
        return "the run ended" if self._report.is_finished else "the journal ended"

    def _why_not_run(self) -> str:
        """The most specific reason known for a test that never began."""
        end, lost = self._end(), self._report.lost
        if self._report.aborts:
            return f"run {end.removeprefix('the run was ')}"
        for notice in self._notices:
            if notice.code == HALTED:
                return one_line(notice.text) or "the run was halted"
        return f"{end} without it" + (f"; {lost[-1].message} before that" if lost else "")

    def _all_phases(self, ended: float) -> tuple[Phase, ...]:
        """The phases in their usual order, then unusual ones."""
        seconds = dict(self._phases)
        for name, at in self._open_phases.items():
            seconds[name] = seconds.get(name, 0.0) + max(ended - at, 0.0)
        names = sorted(seconds, key=lambda name: PHASES.index(name) if name in PHASES else len(PHASES))
        return tuple(Phase(name, seconds[name], name not in self._open_phases) for name in names)

    def _last_events(self) -> str:
        """The last things in the journal, for a run that has neither an end nor an abort."""
        found = [self._last] if self._last else []
        found += [
            f"the phase {name} had begun" for name in self._open_phases if f"phase {name} began" not in self._last
        ]
        running = [state for state in (*self._plan, *self._extras) if state.running is not None]
        found += [f"{state.test.id} was running in slot {state.running[0]}" for state in running[:20] if state.running]
        found += [lost.message for lost in self._report.lost[-5:]]
        return "\n".join(dict.fromkeys(found))


def _overrules(event: events.AttemptFinished, state: CaseState) -> bool:
    """Whether *event* replaces a final outcome: a fixture runs once for each part of its class, and may fail in a later one."""
    return not state.is_planned and event.outcome.is_red and state.final is not None and not state.final.is_red


def _bounded(text: str) -> str:
    return text if len(text) <= STREAM_BYTES else keep_ends(visible(text), STREAM_BYTES)


def _merged(one: QueryCount, other: QueryCount) -> QueryCount:
    count, total, slowest = one.count + other.count, one.total + other.total, max(one.slowest, other.slowest)
    tests = tuple(dict.fromkeys((*one.tests, *other.tests)))[:TESTS_NAMED]
    return QueryCount(one.fingerprint, one.alias, count, total, slowest, tests)
