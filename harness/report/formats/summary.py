"""``summary.json``: the run in numbers, for programs. Pure; owns the format, of which this is version 1."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from harness.protocol.events import AliasRouted, FrameworkChosen, ServerReady
from harness.protocol.replica_events import AliasUse, LateReadJudged, TableUse, TracedStatement
from harness.report.model.replicas.lag_check import LagCheck
from harness.report.model.replicas.routing import Routing
from harness.report.model.run_report import PHASES, Case, RunReport
from harness.report.model.unit_times import makespan
from harness.report.model.verdict import Verdict

VERSION = 1


def build(report: RunReport, verdict: Verdict) -> str:
    """The text of ``summary.json``; its keys are a contract with users (``docs/reference/artifacts.md``)."""
    return json.dumps(content(report, verdict), indent=2) + "\n"


def content(report: RunReport, verdict: Verdict) -> dict[str, Any]:
    """The content of ``summary.json``, as JSON's own types."""
    return {
        "version": VERSION,
        "verdict": verdict.word,
        "exit_code": int(verdict.exit_code),
        "counts": dataclasses.asdict(report.counts()),
        "phases": {
            **{name: rounded(report.phase_seconds(name)) for name in PHASES},
            "total": rounded(report.total_s),
        },
        "waits": waits(report),
        "servers": [
            {"id": each.server, **_without(each, "server"), "ready_s": rounded(each.ready_s)} for each in report.servers
        ],
        "aliases": {each.alias: _without(each, "alias") for each in report.aliases},
        "routing": routing(report.routing),
        "lag_check": lag_check(report.lag_check),
        "advice": [dataclasses.asdict(each) for each in report.advice],
        "workers": report.workers,
        "seed": report.seed,
        "schedule": schedule(report),
        "warnings": dict(sorted(report.warnings.items())),
        "properties": {
            "suite": report.properties,
            "tests": {case.test.id: _pairs(case) for case in report.cases if case.properties},
        },
        "python": report.python,
        "django": report.django,
        "framework": framework(report.framework),
        "cache": {"state": report.cache.state, "reason": report.cache.reason} if report.cache else None,
        "backend": report.asked.backend if report.asked else None,
        "settings": report.settings or (report.asked.settings if report.asked else ""),
    }


def waits(report: RunReport) -> dict[str, dict[str, Any]]:
    """The seconds from the command to its first test and from the last test to the end, and what the run waited for."""
    times = report.times
    return {
        name: {
            "total": rounded(sum(wait.seconds for wait in found)),
            "phases": {wait.name: rounded(wait.seconds) for wait in found},
        }
        for name, found in (("before_tests", times.before_tests), ("after_tests", times.after_tests))
    }


def schedule(report: RunReport) -> dict[str, Any] | None:
    """The order of the units, and how well the slots were used; ``None`` if no unit has ended."""
    found = makespan(report.times.spans, report.workers)
    if found is None:
        return None
    return {
        "longest_first": report.is_longest_first,
        "makespan": rounded(found.seconds),
        "ideal": rounded(found.ideal_s),
        "longest": {"unit": found.longest, "seconds": rounded(found.longest_s)},
    }


def routing(found: Routing | None) -> dict[str, Any] | None:
    """The statements by alias and by model, and what to look at; ``None`` for a run without mirrors."""
    if found is None:
        return None

    def use(each: AliasUse | TableUse) -> dict[str, Any]:
        return {**dataclasses.asdict(each), "server": found.server(each.alias, each.role) or None}

    return {
        "aliases": [use(each) for each in found.uses],
        "models": [{**use(each), "model": each.model or None} for each in found.tables],
        "read_after_write": [dataclasses.asdict(each) for each in found.after_writes],
        "crossed_transactions": [dataclasses.asdict(each) for each in found.crossed],
        "declared_unread": [{"owner": each.owner, "alias": each.alias, "tests": each.tests} for each in found.declared],
        "unread_mirrors": list(found.unread),
        "left_out": found.left_out,
        "complete": found.is_complete,
    }


def lag_check(found: LagCheck | None) -> dict[str, Any] | None:
    """The second run of the tests that read a replica; ``None`` without ``--lag-check``."""
    if found is None:
        return None
    checked = found.checked
    return {
        "lag_s": checked.lag_s if checked else None,
        "tests": checked.tests if checked else 0,
        "sharing": checked.sharing if checked else 0,
        "unchecked": list(checked.unchecked) if checked else [],
        "bugs": [_bug(each, found) for each in found.of("bug") if each.bug is not None],
        "unstable": _reasons(found, "unstable"),
        "pauses": _reasons(found, "pause"),
        "unknown": _reasons(found, "unknown"),
        "complete": checked is not None,
    }


def _bug(judged: LateReadJudged, found: LagCheck) -> dict[str, Any]:
    assert judged.bug is not None
    read, write, failure = judged.bug.read, judged.bug.write, judged.bug.failure
    return {
        "test": judged.test,
        "write": _traced(write) if write else None,
        "read": {**_traced(read), "route": read.route, "server": found.server(read.alias) or None},
        "arrived_s": rounded(judged.bug.arrived_s),
        "failure": {"type": failure.type, "message": failure.message, "traceback": failure.traceback}
        if failure
        else None,
    }


def _traced(statement: TracedStatement) -> dict[str, Any]:
    frame = statement.frame
    return {
        "alias": statement.alias,
        "sql": statement.sql,
        "at": statement.at,
        "file": frame.file if frame else None,
        "line": frame.line if frame else None,
        "function": frame.function if frame else None,
    }


def _reasons(found: LagCheck, verdict: str) -> list[dict[str, str]]:
    return [{"test": each.test, "reason": each.reason} for each in found.of(verdict)]


def framework(chosen: FrameworkChosen | None) -> dict[str, str] | None:
    """The framework of the tests, with its version and why it was chosen; ``None`` if the run ended before."""
    if chosen is None:
        return None
    return {"name": chosen.framework, "version": chosen.version, "reason": chosen.reason}


def _pairs(case: Case) -> list[list[str]]:
    """The names and values that the test has recorded: a name may occur twice."""
    return [[each.name, each.value] for each in case.properties]


def _without(event: ServerReady | AliasRouted, field: str) -> dict[str, Any]:
    """The fields of *event*, which are keys of the summary, but for *field*."""
    return {name: value for name, value in dataclasses.asdict(event).items() if name != field}


def rounded(value: float) -> float:
    return round(value, 3) if math.isfinite(value) else 0.0
