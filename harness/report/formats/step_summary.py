"""The step summary of one run for GitHub Actions, in Markdown. Pure; ``artifacts`` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from harness.report.formats.markdown import case_section, cause_sections, fenced, headline, late_reads, plain
from harness.report.formats.tables import Column, Table, phase_times, slowest_tests
from harness.report.model import phrases
from harness.report.model.phrases import case_headline, case_place, label, result, server_line
from harness.report.model.replicas import lag_check
from harness.report.model.replicas.lag_check import LagCheck
from harness.report.model.replicas.routing import Routing
from harness.report.model.run_report import Case, RunReport
from harness.report.model.text import one_line, plural
from harness.report.model.verdict import Verdict

CAUSES = 11
NOTICES = 20
REASONS = 50
ROUTED = 20
"""Tests that a finding about routes names."""
SLOWEST_BYTES = 50_000


def build(
    report: RunReport,
    verdict: Verdict,
    *,
    prefix: str = "",
    artifacts: Iterable[str] = (),
    rerun: str = "",
    sql_paths: Mapping[str, str] = MappingProxyType({}),
    durations: int | None = None,
) -> str:
    """The summary below the step, of less than 900 KB. Each failure is in it once.

    *prefix* is the project's folder relative to the repository's root. *sql_paths* and *durations* as for
    ``final_summary`` and its options.
    """
    red = sorted(report.failures, key=lambda case: case.is_planned)
    is_open = len(red) < phrases.LISTED_FROM
    sections = [
        headline(verdict),
        f"{result(report.counts(), report.total_s)}.\n",
        *(section for cause in verdict.causes[:CAUSES] for section in cause_sections(cause)),
        *([f"### Failures ({len(red)})\n"] if red else []),
        *(_section(case, prefix, sql_paths.get(case.test.id, ""), is_open) for case in red[: phrases.DETAILED]),
        *_table("More failures", red[phrases.DETAILED :], prefix),
        *_not_run(report),
        *late_reads(report.late_reads),
        *_table("Flaky", report.flaky, prefix),
        *lag_section(report.lag_check),
        *routing_section(report.routing),
        *_numbers(report, durations),
        *_lists(artifacts, rerun),
    ]
    return "\n".join(sections) + "\n"


def _table(title: str, cases: Iterable[Case], prefix: str) -> Iterator[str]:
    rows = [
        (label(case), one_line(case.test.id), case_place(case, prefix), one_line(case_headline(case))) for case in cases
    ]
    if rows:
        yield f"### {title} ({len(rows)})\n"
        yield from Table([Column(name) for name in ("outcome", "test", "where", "failure")], rows).markdown()


def _section(case: Case, prefix: str, sql_path: str, is_open: bool) -> str:
    """The section of *case*; its failure and its place are in the summary unless it is open."""
    where = case_place(case, prefix)
    summary = "" if is_open else f"{one_line(case_headline(case))}{f' ({where})' if where else ''}"
    return case_section(case, sql_path, summary=summary, is_open=is_open)


def _not_run(report: RunReport) -> Iterator[str]:
    if reasons := report.not_run:
        yield f"### Not run ({sum(map(len, reasons.values()))})\n"
        for reason, cases in list(reasons.items())[:REASONS]:
            yield f"- {plural(len(cases), 'test')}: {plain(one_line(reason))}"
        yield ""


def lag_section(check: LagCheck | None, backend: str = "") -> Iterator[str]:
    """The sums of the check of late reads."""
    if check is not None:
        yield f"Lag check{f' of {plain(backend)}' if backend else ''}:\n"
        yield from (f"- {plain(one_line(row, 1000))}" for row in lag_check.rows(check))
        yield ""


def routing_section(routing: Routing | None, backend: str = "") -> Iterator[str]:
    """The section on the servers that the statements of the tests went to, in a run with mirrors."""
    if routing is None:
        return
    found, where = routing.findings, f" of {plain(backend)}" if backend else ""
    yield f"<details{' open' if found else ''}><summary>Routing{where} ({plural(len(found), 'finding')})</summary>\n"
    for finding in found:
        yield f"- {plain(one_line(f'{finding.text}; {finding.next_step}', 1000))}"
        yield from (f"  - {plain(one_line(name))}" for name in finding.names[:ROUTED])
        if len(finding.names) > ROUTED:
            yield f"  - and {len(finding.names) - ROUTED} more, see summary.json"
    yield ""
    columns = [Column(name) for name in ("alias", "server", "role")]
    columns += [Column(name, is_number=True) for name in ("reads", "writes", "failed")]
    rows = [
        (use.alias, routing.server(use.alias, use.role), use.role, str(use.reads), str(use.writes), str(use.failed))
        for use in routing.uses
    ]
    yield from Table(columns, rows).markdown("summary.json")
    yield "</details>\n"


def _numbers(report: RunReport, durations: int | None) -> Iterator[str]:
    yield "<details><summary>Time, servers, slowest tests</summary>\n"
    yield from phase_times(report).markdown()
    yield from (f"- {plain(server_line(server))}" for server in report.servers)
    yield from (f"- notice: {plain(one_line(notice.text))}" for notice in report.notices[:NOTICES])
    yield from (f"- advice: {plain(one_line(f'{each.text} {each.write}'))}" for each in report.advice[:NOTICES])
    if report.seed is not None:
        yield f"- seed: {report.seed}"
    slowest = slowest_tests(report, durations)
    if slowest.rows:
        yield ""
        yield from slowest.markdown(budget=SLOWEST_BYTES)
    yield "\n</details>\n"


def _lists(artifacts: Iterable[str], rerun: str) -> Iterator[str]:
    if paths := list(artifacts):
        yield f"Artifacts: {', '.join(plain(path) for path in paths)}\n"
    if rerun:
        yield f"The failures again:\n\n{fenced(one_line(rerun, 4000), 'sh')}"
