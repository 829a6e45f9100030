import json

from harness.protocol.events import RunStarted
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
        *("routing", "workers", "seed", "schedule", "warnings", "properties", "python", "django", "framework", "cache"),
        *("backend", "settings"),
    ]
    assert list(found["counts"]) == [  # type: ignore[call-overload]  # values of JSON are objects
        *("planned", "passed", "failed", "errors", "skipped", "expected_failures", "unexpected_successes"),
        *("flaky", "timed_out", "crashed", "not_run"),
    ]
    assert list(found["phases"]) == [  # type: ignore[call-overload]  # values of JSON are objects
        *("start", "images", "runner", "servers", "setup", "template", "clones", "tests"),
        *("reports", "removal", "total"),
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


def test_numbers_are_json_for_any_clock() -> None:
    journal = Journal().plan(planned("test_one"))
    journal.attempt(planned("test_one"), Outcome.PASSED).phase("tests", float("nan"))
    assert content(journal)["phases"]["tests"] == 0.0  # type: ignore[index]  # values of JSON are objects
