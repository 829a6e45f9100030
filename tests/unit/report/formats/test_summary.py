import json
from typing import Any

from harness.errors import ExitCode
from harness.protocol.events import Advice, RunAborted, RunStarted
from harness.protocol.replica_events import LAG_CHECK, LateReadJudged
from harness.protocol.results import Outcome
from harness.report.formats import summary
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from tests.golden.journals import JOURNALS, Journal, planned


def content(journal: Journal) -> dict[str, object]:
    report = ledger.fold(journal.envelopes)
    return dict(json.loads(summary.build(report, verdict(report))))


def test_the_keys_are_a_contract() -> None:
    found = content(JOURNALS["outcomes"]())
    assert list(found) == [
        *("version", "verdict", "exit_code", "counts", "phases", "waits", "servers", "aliases"),
        *("routing", "lag_check", "advice"),
        *("workers", "seed", "schedule", "warnings", "properties", "python", "django", "framework", "cache"),
        *("backend", "settings"),
    ]
    assert list(found["counts"]) == [  # type: ignore[call-overload]  # values of JSON are objects
        *("planned", "passed", "failed", "errors", "skipped", "expected_failures", "unexpected_successes"),
        *("flaky", "timed_out", "crashed", "not_run"),
    ]
    assert list(found["phases"]) == [  # type: ignore[call-overload]  # values of JSON are objects
        *("start", "images", "runner", "servers", "setup", "template", "clones", "tests"),
        *("lag check", "reports", "removal", "total"),
    ]
    assert found["waits"] == {
        "before_tests": {
            "total": 4.4,
            "phases": {
                "images": 0.1,
                "other": 0.7,
                "servers": 0.1,
                "setup": 0.7,
                "template": 2.2,
                "clones": 0.5,
                "tests": 0.1,
            },
        },
        "after_tests": {"total": 0.6, "phases": {"tests": 0.4, "other": 0.2}},
    }
    assert list(found["servers"][0]) == [  # type: ignore[index]  # values of JSON are objects
        *("id", "engine", "version", "role", "primary", "image", "ready_s"),
    ]
    assert list(found["aliases"]["replica"]) == [  # type: ignore[index]  # values of JSON are objects
        *("server", "database", "mirror_of", "dependencies", "mode"),
    ]


def test_the_backend_is_that_of_the_request() -> None:
    found = content(Journal().host(RunStarted("postgres-17", "shop/", "shop.settings", "3.13")))
    assert (found["backend"], found["settings"]) == ("postgres-17", "shop.settings")
    assert content(JOURNALS["green"]())["backend"] is None


def test_an_empty_journal_has_all_keys() -> None:
    found = content(Journal())
    assert (found["version"], found["verdict"], found["exit_code"]) == (1, "aborted", 70)
    assert found["servers"] == []
    assert found["seed"] is None


def test_the_keys_of_routing_are_a_contract() -> None:
    routing: dict[str, object] = content(JOURNALS["routing"]())["routing"]  # type: ignore[assignment]  # values of JSON are objects
    assert list(routing) == [
        *("aliases", "models", "read_after_write", "crossed_transactions", "declared_unread", "unread_mirrors"),
        *("left_out", "complete"),
    ]


class TestLagCheck:
    def test_the_keys_are_a_contract(self) -> None:
        found: dict[str, Any] = content(JOURNALS["late"]())["lag_check"]  # type: ignore[assignment]  # values of JSON are objects
        assert list(found) == [
            *("lag_s", "tests", "sharing", "unchecked", "bugs", "unstable", "pauses", "unknown", "complete"),
        ]
        bug, _, other = found["bugs"]
        assert list(bug) == ["test", "write", "read", "arrived_s", "failure"]
        assert list(bug["write"]) == ["alias", "sql", "at", "file", "line", "function"]
        assert list(bug["read"]) == [*bug["write"], "route", "server"]
        assert list(bug["failure"]) == ["type", "message", "traceback"]
        assert (bug["read"]["server"], other["write"], other["read"]["file"]) == ("replica", None, None)
        assert [list(found[key][0]) for key in ("unstable", "pauses", "unknown")] == [["test", "reason"]] * 3

    def test_a_check_that_did_not_end(self) -> None:
        journal = Journal().runner(LateReadJudged("a.T.test", "pause", reason="why"))
        found: dict[str, Any] = content(journal)["lag_check"]  # type: ignore[assignment]  # values of JSON are objects
        assert (found["lag_s"], found["complete"], found["pauses"]) == (
            None,
            False,
            [{"test": "a.T.test", "reason": "why"}],
        )
        assert content(Journal())["lag_check"] is None

    def test_a_check_that_was_interrupted_before_a_verdict(self) -> None:
        journal = Journal().phase(LAG_CHECK, 2.0).host(RunAborted(ExitCode.SIGINT, "SIGINT ended the run."))
        assert content(journal)["lag_check"]["complete"] is False  # type: ignore[index]  # values of JSON are objects

    def test_it_is_no_time_after_the_last_test(self) -> None:
        found: dict[str, Any] = content(JOURNALS["late"]())
        assert found["phases"]["lag check"] == 4.0
        assert "lag check" not in {*found["waits"]["before_tests"]["phases"], *found["waits"]["after_tests"]["phases"]}


def test_advice() -> None:
    advice = Advice("same-database", "'a' and 'b' are one database.", "TEST MIRROR", "b")
    assert content(Journal().runner(advice, advice))["advice"] == [
        {"code": advice.code, "text": advice.text, "write": advice.write, "alias": "b"}
    ]


def test_numbers_are_json_for_any_clock() -> None:
    journal = Journal().plan(planned("test_one"))
    journal.attempt(planned("test_one"), Outcome.PASSED).phase("tests", float("nan"))
    assert content(journal)["phases"]["tests"] == 0.0  # type: ignore[index]  # values of JSON are objects
