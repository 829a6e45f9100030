"""Runs of one made-up suite on several backends, for what is said of them together."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import ExitCode
from harness.protocol.events import RunAborted, RunStarted, ServerReady, TopologyFound
from harness.protocol.results import Outcome, PlannedTest
from harness.report.backends.merge import Merged, Missing, Run, merge
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from tests.golden.journals import TOPOLOGY, Journal, failure, planned

ADDS, FAILS, SKIPS, SLOW, FLAKY, EXPECTED, BAD, ONLY, HIDDEN = (
    planned(f"test_{name}") for name in ("adds", "fails", "skips", "slow", "flaky", "expected", "bad", "only", "hidden")
)
FIXTURE = replace(planned("setUpClass"), id="shop.tests.test_orders.OrderTests.setUpClass")


def started(backend: str, python: str = "3.13", django: str = "6.1.3", project: str = "shop/") -> Journal:
    """A run that has begun, and read the settings if there is a *django*."""
    journal = Journal().host(RunStarted(backend, project, "shop.settings", python))
    if django:
        journal.runner(TopologyFound(TOPOLOGY, "shop.settings", f"{python}.1", django))
    return journal


def run_of(journal: Journal, folder: str = "") -> Run:
    report = ledger.fold(journal.envelopes)
    return Run(report, verdict(report), folder or (f"{report.asked.backend}/" if report.asked else ""))


def passed(backend: str, *tests: PlannedTest, python: str = "3.13", django: str = "6.1.3", folder: str = "") -> Run:
    journal = started(backend, python, django).plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.PASSED)
    return run_of(journal.end(), folder)


def on_postgres() -> Journal:
    journal = started("postgres-17")
    journal.host(ServerReady("default", "postgres", "17.4", "primary", None, "harness-postgres:17-3f2a", 0.41))
    journal.phase("setup", 1.2).plan(ADDS, FAILS, SKIPS, SLOW, FLAKY, EXPECTED, BAD, ONLY, HIDDEN)
    for test in (ADDS, FAILS, SKIPS, FLAKY, EXPECTED, ONLY, HIDDEN):
        journal.attempt(test, Outcome.PASSED)
    journal.attempt(SLOW, Outcome.PASSED, 0.2)
    return journal.attempt(BAD, Outcome.FAILED, failures=(failure("1 != 2"),)).end(1)


def on_mysql() -> Journal:
    journal = started("mysql-9.7")
    journal.host(ServerReady("default", "mysql", "9.7.4", "primary", None, "harness-mysql:9.7-77aa", 0.98))
    journal.phase("setup", 1.3).plan(ADDS, FAILS, SKIPS, SLOW, FLAKY, EXPECTED, BAD, HIDDEN)
    journal.attempt(ADDS, Outcome.PASSED)
    journal.attempt(FAILS, Outcome.FAILED, failures=(failure("'é' != 'e' | `sql`"),), stdout="<b>", sql=())
    journal.attempt(SKIPS, Outcome.SKIPPED, 0.0, reason="MySQL has no deferred constraints")
    journal.attempt(SLOW, Outcome.PASSED, 3.4)
    journal.attempt(FLAKY, Outcome.ERRORED, n=1, final=False, failures=(failure("deadlock", kind="error"),))
    journal.attempt(FLAKY, Outcome.PASSED, n=2)
    journal.attempt(EXPECTED, Outcome.XFAILED, failures=(failure("12 != 13"),), reason="12 != 13")
    journal.attempt(BAD, Outcome.FAILED, failures=(failure("1 != 2"),))
    journal.attempt(FIXTURE, Outcome.ERRORED, extra=FIXTURE, failures=(failure("no table", kind="error"),))
    journal.attempt(HIDDEN, Outcome.NOT_RUN, reason="setUpClass failed")
    return journal.end(3)


def on_mariadb() -> Journal:
    """One that broke down before any test."""
    abort = RunAborted(ExitCode.SERVERS, "The server 'default' stopped.", "Its log is above.", "no space left")
    return started("mariadb-11.8", django="").host(abort)


def merged() -> Merged:
    runs = [run_of(journal()) for journal in (on_postgres, on_mysql, on_mariadb)]
    return merge(runs, [Missing("sqlite", "none of the folders has it")])
