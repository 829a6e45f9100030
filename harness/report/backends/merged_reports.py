"""The reports of several backends together for programs: ``summary.json``, JUnit, annotations. Pure.

``summary``, ``junit`` and ``github`` have the formats.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.report.backends.differences import Cell, Difference, differences
from harness.report.backends.merge import Merged
from harness.report.backends.merged_summary import joined_check, renamed
from harness.report.formats import summary
from harness.report.formats.github import annotate
from harness.report.formats.junit import Part
from harness.report.model.run_report import PHASES, Case, RunReport
from harness.report.model.text import one_line
from harness.report.model.verdict import WORDS, Verdict


def build(merged: Merged) -> str:
    """The text of the ``summary.json`` of several runs: the keys of one run's, and those runs themselves."""
    return json.dumps(content(merged), indent=2) + "\n"


def content(merged: Merged) -> dict[str, Any]:
    """The content of ``summary.json``, as JSON's own types. Values that differ between the runs are joined."""
    reports = [run.report for _, run in merged.runs]
    seeds = {report.seed for report in reports}
    warnings = sum((Counter(report.warnings) for report in reports), Counter())
    each = [(label, run.folder, summary.content(run.report, run.verdict)) for label, run in merged.runs]
    return {
        "version": summary.VERSION,
        "verdict": merged.verdict.word,
        "exit_code": int(merged.verdict.exit_code),
        "counts": dataclasses.asdict(merged.counts),
        "phases": {
            **{
                name: summary.rounded(max((report.phase_seconds(name) for report in reports), default=0.0))
                for name in PHASES
            },
            "total": summary.rounded(merged.total_s),
        },
        "waits": {
            key: max((one["waits"][key] for _, _, one in each), key=lambda found: found["total"], default={})
            for key in ("before_tests", "after_tests")
        },
        "servers": [{**server, "backend": label} for label, _, one in each for server in one["servers"]],
        "aliases": {f"{label}/{alias}": route for label, _, one in each for alias, route in one["aliases"].items()},
        "routing": of_backends([(label, one["routing"]) for label, _, one in each]),
        "lag_check": of_backends([(label, one["lag_check"]) for label, _, one in each]),
        "advice": list({str(piece): piece for _, _, one in each for piece in one["advice"]}.values()),
        "workers": max((report.workers for report in reports), default=0),
        "seed": seeds.pop() if len(seeds) == 1 else None,
        "schedule": None,
        "warnings": dict(sorted(warnings.items())),
        "properties": {
            key: {name: value for _, _, one in each for name, value in one["properties"][key].items()}
            for key in ("suite", "tests")
        },
        "python": _joined(report.python for report in reports),
        "django": _joined(report.django for report in reports),
        "framework": _framework(reports),
        "cache": None,
        "backend": None,
        "settings": _joined(run.project[1] for _, run in merged.runs),
        "backends": [{**one, "backend": label, "artifacts": folder.rstrip("/") or "."} for label, folder, one in each],
        "differences": [_difference(difference) for difference in differences(merged)],
        "missing": [{"name": missing.name, "why": missing.why} for missing in merged.missing],
    }


def of_backends(each: Sequence[tuple[str, dict[str, Any] | None]]) -> dict[str, Any] | None:
    """One object of several runs' with the same keys, each with its backend; ``None`` if no run has one.

    Lists are joined: an object in them gets its ``backend``, a name is ``BACKEND/NAME``. Counts are summed up, what is complete
    is so in all runs, and of seconds the most stand for all.
    """
    known = [(label, one) for label, one in each if one is not None]
    if not known:
        return None
    return {key: _of_backends([(label, one[key]) for label, one in known]) for key in known[0][1]}


def _of_backends(values: Sequence[tuple[str, Any]]) -> Any:
    found = [value for _, value in values if value is not None]
    if not found:
        return None
    if isinstance(found[0], list):
        rows = [(label, row) for label, value in values for row in value]
        return [{**row, "backend": label} if isinstance(row, dict) else f"{label}/{row}" for label, row in rows]
    if isinstance(found[0], bool):
        return all(found)
    return max(found) if isinstance(found[0], float) else sum(found)


def parts(merged: Merged) -> list[Part]:
    """The parts of the JUnit file. With a single backend, they have no label, as in that run's own file."""
    is_several = len(merged.columns) + len(merged.missing) > 1
    found = [
        Part(run.report, run.verdict, label if is_several else "", run.project[0], run.folder)
        for label, run in merged.runs
    ]
    code = merged.verdict.exit_code
    for missing in merged.missing:
        found.append(Part(RunReport(), Verdict(WORDS[code], code, missing.cause), missing.name))
    return found


def annotate_all(merged: Merged) -> list[str]:
    """Workflow commands: ten errors and ten warnings at most. A test that is red on several backends appears once."""
    first: dict[str, Case] = {}
    where: dict[str, list[str]] = {}
    for backend, run in merged.runs:
        for case in run.report.cases:
            if case.is_red or case.is_flaky:
                where.setdefault(case.test.id, []).append(backend)
                known = first.setdefault(case.test.id, case)
                first[case.test.id] = case if case.is_red and not known.is_red else known
    cases = (renamed(case, f"{id} ({', '.join(where[id])})") for id, case in first.items())
    prefix = next((run.project[0] for _, run in merged.runs), "")
    return annotate(RunReport(cases=tuple(cases), lag_check=joined_check(merged)), merged.verdict, prefix=prefix)


def _framework(reports: Sequence[RunReport]) -> dict[str, str] | None:
    """The framework of all runs, each of its parts joined where the runs differ; ``None`` if no run came so far."""
    found = [chosen for report in reports if (chosen := summary.framework(report.framework))]
    return {key: _joined(chosen[key] for chosen in found) for key in found[0]} if found else None


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "test": difference.test,
        "outcomes": _by_label(difference, lambda cell: cell.outcome.value if cell.outcome else None),
        "seconds": _by_label(difference, lambda cell: summary.rounded(cell.seconds)),
        "said": {cell.label: one_line(cell.reason) for cell in difference.cells if cell.reason},
    }


def _by_label(difference: Difference, value: Callable[[Cell], Any]) -> dict[str, Any]:
    return {cell.label: value(cell) for cell in difference.cells}


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, values)))
