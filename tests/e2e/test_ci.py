"""The main job on real Docker: what a user gets from ``harness ci`` on the fixture projects."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.protocol.replica_events import LAG_CHECK
from harness.report.model.run_report import PHASES
from tests import junit_check
from tests.e2e import command
from tests.trace_check import Trace

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def storefront(tmp_path_factory: pytest.TempPathFactory) -> tuple[command.Ended, set[str]]:
    before = command.left_behind()
    artifacts = tmp_path_factory.mktemp("storefront") / "artifacts"
    ended = command.harness("--db", "postgres", "--project", "tests/projects/storefront", artifacts=artifacts)
    return ended, command.stays(command.left_behind, before)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    artifacts = tmp_path_factory.mktemp("outcomes") / "artifacts"
    return command.harness("--db", "postgres", "--project", "tests/projects/outcomes", artifacts=artifacts)


class TestStorefront:
    def test_is_green_and_says_so(self, storefront: tuple[command.Ended, set[str]]) -> None:
        ended, _ = storefront
        assert ended.code == 0, ended.output
        assert re.search(r"^PASSED +\d+ tests: \d+ passed", ended.out, re.MULTILINE)

    def test_every_planned_test_has_passed(self, storefront: tuple[command.Ended, set[str]]) -> None:
        counts = storefront[0].summary["counts"]
        assert counts["planned"] >= 120
        assert counts["passed"] == counts["planned"]
        assert counts["not_run"] == 0

    def test_ran_on_two_primaries_and_a_replica(self, storefront: tuple[command.Ended, set[str]]) -> None:
        servers = storefront[0].summary["servers"]
        assert sorted((server["role"], server["primary"]) for server in servers) == [
            ("primary", None),
            ("primary", None),
            ("replica", "default"),
        ]
        aliases = storefront[0].summary["aliases"]
        assert aliases["replica"]["mirror_of"] == "default"
        assert aliases["catalog"]["dependencies"] == ["default"]

    def test_reads_of_the_replica_are_told_apart(self, storefront: tuple[command.Ended, set[str]]) -> None:
        routing = storefront[0].summary["routing"]
        servers = {(use["alias"], use["role"]): use["server"] for use in routing["aliases"] if use["reads"]}
        assert servers["replica", "replica"] == "replica"
        assert servers["replica", "primary"] == "default"
        assert (routing["unread_mirrors"], routing["complete"]) == ([], True)

    def test_ran_in_several_workers(self, storefront: tuple[command.Ended, set[str]]) -> None:
        assert storefront[0].summary["workers"] >= 2
        assert {attempt.slot for case in storefront[0].report.cases for attempt in case.attempts} >= {1, 2}

    def test_real_parsers_read_the_junit(self, storefront: tuple[command.Ended, set[str]]) -> None:
        counts = junit_check.check(storefront[0].artifacts / "junit.xml")
        assert counts.total == storefront[0].summary["counts"]["planned"]

    def test_a_test_has_proved_that_another_process_answered(self, storefront: tuple[command.Ended, set[str]]) -> None:
        """The fixture's own tests ask ``pg_is_in_recovery()`` and ``inet_server_addr()`` on both ends."""
        outcomes = storefront[0].outcomes
        proofs = [test for test in outcomes if "RealReplicaTests" in test]
        assert proofs
        assert {outcomes[test] for test in proofs} == {"PASSED"}

    def test_a_live_server_that_reads_first_keeps_its_worker(self, tmp_path: Path) -> None:
        label = "reports.tests.test_topology.LiveReplicaTests"
        ended = command.harness(
            "--db", "postgres", "--project", "tests/projects/storefront", label, artifacts=tmp_path / "live"
        )
        assert ended.code == 0, ended.output
        events = [json.loads(line) for line in (ended.artifacts / "journal.ndjson").read_text().splitlines()]
        kinds = [event["type"] for event in events]
        assert "WorkerStopped" in kinds
        assert "WorkerLost" not in kinds

    def test_leaves_schemas_logs_and_queries(self, storefront: tuple[command.Ended, set[str]]) -> None:
        folder = storefront[0].artifacts
        assert "CREATE TABLE public.orders_order" in (folder / "schema" / "default.sql").read_text()
        assert "CREATE TABLE public.catalog_product" in (folder / "schema" / "catalog.sql").read_text()
        assert {path.name for path in (folder / "logs").iterdir()} == {"default.log", "catalog.log", "replica.log"}
        assert "streaming" in (folder / "logs" / "replica.log").read_text()
        queries = [json.loads(line) for line in (folder / "sql" / "queries.ndjson").read_text().splitlines()]
        assert any("orders_order" in query["fingerprint"] and query["count"] > 1 for query in queries)
        assert {query["alias"] for query in queries} == {"default", "replica", "catalog"}

    def test_the_trace_has_every_part_of_the_run(self, storefront: tuple[command.Ended, set[str]]) -> None:
        trace = Trace((storefront[0].artifacts / "trace.json").read_text())
        assert trace.processes == ["postgres-17"]
        tracks = [track for _, track in trace.spans]
        assert tracks[:6] == [
            *("command", "servers", "server catalog (primary)", "server default (primary)"),
            *("server replica (replica of default)", "runner"),
        ]
        assert set(tracks[6:]) >= {"slot 1", "slot 2"}
        assert set(trace.names("phase")) == set(PHASES) - {LAG_CHECK}
        assert len(trace.of("test")) == storefront[0].summary["counts"]["planned"]
        migration = next(event for event in trace.of("step") if event["name"] == "default: catalog.0001_initial")
        assert trace.around(migration) == ["template", "default: database"]

    def test_the_waits_add_up(self, storefront: tuple[command.Ended, set[str]]) -> None:
        summary = storefront[0].summary
        for wait in summary["waits"].values():
            assert sum(wait["phases"].values()) == pytest.approx(wait["total"], abs=0.05)
        before, after = (summary["waits"][key] for key in ("before_tests", "after_tests"))
        assert before["phases"].keys() >= {"start", "images", "runner", "template"}
        assert after["phases"].keys() >= {"reports", "removal"}
        assert before["total"] + after["total"] < summary["phases"]["total"]

    def test_nothing_is_left(self, storefront: tuple[command.Ended, set[str]]) -> None:
        assert storefront[1] == set()


class TestOutcomes:
    def test_exits_with_one(self, outcomes: command.Ended) -> None:
        assert outcomes.code == 1, outcomes.output[-3000:]
        assert outcomes.summary["exit_code"] == 1

    def test_every_test_has_the_outcome_that_it_carries(self, outcomes: command.Ended) -> None:
        expected = json.loads((command.PROJECTS / "outcomes" / "expected.json").read_text())
        assert outcomes.outcomes == expected

    def test_requirements_that_the_failed_import_may_need_are_named(self, outcomes: command.Ended) -> None:
        (text,) = (each.text for each in outcomes.report.notices if each.code == "requirements-left-out")
        assert text.startswith("Not installed: tests/requirements/optional.txt.")

    def test_the_summary_counts_them(self, outcomes: command.Ended) -> None:
        expected = json.loads((command.PROJECTS / "outcomes" / "expected.json").read_text())
        counts = outcomes.summary["counts"]
        words = {
            "passed": "PASSED",
            "failed": "FAILED",
            "errors": "ERRORED",
            "skipped": "SKIPPED",
            "expected_failures": "XFAILED",
            "unexpected_successes": "XPASSED",
            "timed_out": "TIMED_OUT",
            "crashed": "CRASHED",
            "not_run": "NOT_RUN",
        }
        seen = list(expected.values())
        assert {key: counts[key] for key in words} == {key: seen.count(word) for key, word in words.items()}

    def test_real_parsers_agree_on_the_junit(self, outcomes: command.Ended) -> None:
        expected = list(json.loads((command.PROJECTS / "outcomes" / "expected.json").read_text()).values())
        counts = junit_check.check(outcomes.artifacts / "junit.xml")
        quiet = sum(expected.count(word) for word in ("SKIPPED", "XFAILED", "NOT_RUN"))
        assert (counts.total, counts.passed, counts.skipped) == (len(expected), expected.count("PASSED"), quiet)

    def test_files_are_named_from_the_root_of_the_repository(self, outcomes: command.Ended) -> None:
        files = {case.get("file") for case in ET.parse(outcomes.artifacts / "junit.xml").iter("testcase")}
        assert "tests/projects/outcomes/tests/test_plain.py" in files

    def test_a_failing_database_test_has_its_sql(self, outcomes: command.Ended) -> None:
        text = next((outcomes.artifacts / "sql").glob("*test_fails_after_several_queries.sql")).read_text()
        assert 'INSERT INTO "bank_transfer"' in text
        assert "SAVEPOINT" in text
        assert "default (primary)" in text

    def test_the_command_that_runs_the_failures_again_is_there(self, outcomes: command.Ended) -> None:
        again = re.search(r"^again +(harness ci .*)$", outcomes.out, re.MULTILINE)
        assert again
        assert "--project tests/projects/outcomes" in again[1]
