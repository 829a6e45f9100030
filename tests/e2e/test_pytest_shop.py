"""The project ``pytest_shop`` on real servers, with two versions of pytest and of Django: what comes of each of its items."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from harness.report.model.run_report import Attempt
from tests import junit_check
from tests.e2e import command
from tests.pytest_shop import EXPECTED

pytestmark = pytest.mark.docker

SHOP = "tests/projects/pytest_shop"
RUNS = {
    "postgres": ("postgres-17", 9),
    "mysql": ("mysql-9.7", 9),
    "mariadb": ("mariadb-11.8-django5.2", 8),
    "sqlite": ("sqlite-django5.2", 8),
}
"""The folder of the run on each backend, and the major version of pytest."""
SOME_MINUTES = 590
"""For the project's image, which may have to be made first, in seconds."""


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    """PostgreSQL and MySQL with pytest 9 and Django 6.1."""
    artifacts = tmp_path_factory.mktemp("newest") / "artifacts"
    flags = ("--db", "postgres:17", "--db", "mysql:9.7", "--parallel", "2", "--project", SHOP)
    return command.harness(*flags, artifacts=artifacts, timeout=SOME_MINUTES)


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> command.Ended:
    """MariaDB and SQLite with pytest 8 and Django 5.2."""
    artifacts = tmp_path_factory.mktemp("oldest") / "artifacts"
    flags = ("--db", "mariadb:11.8", "--db", "sqlite", "--django", "5.2", "--parallel", "2", "--project", SHOP)
    env = command.environment(HARNESS_EXTRA_INSTALL="pytest<9")
    return command.harness(*flags, artifacts=artifacts, env=env, timeout=SOME_MINUTES)


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> tuple[command.Ended, dict[str, str]]:
    """The run on each backend, and what must come of it."""
    folder, major = RUNS[request.param]
    ended: command.Ended = request.getfixturevalue("newest" if major == 9 else "oldest")
    expected = EXPECTED.expected(request.param, major)
    return command.Ended(ended.code, ended.out, ended.err, ended.artifacts / folder), expected


def elements(ended: command.Ended) -> dict[tuple[str, str], ET.Element]:
    """The cases of the JUnit file by class and name."""
    cases = list(ET.parse(ended.artifacts / "junit.xml").iter("testcase"))
    found = {(case.attrib["classname"], case.attrib["name"]): case for case in cases}
    assert len(found) == len(cases)
    return found


def text_of(element: ET.Element, tag: str = "") -> str:
    """The texts of *element* with the messages in it, or those of its children *tag*."""
    parts = [element] if not tag else element.findall(tag)
    return "\n".join("\n".join([*part.itertext(), *(child.get("message", "") for child in part)]) for part in parts)


class TestOutcomes:
    def test_each_item_has_its_expected_outcome(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, expected = run
        assert ended.outcomes == expected, ended.out[-3000:]

    def test_exits_with_one(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        assert run[0].summary["exit_code"] == 1

    def test_versions_are_those_that_were_asked_for(self, newest: command.Ended, oldest: command.Ended) -> None:
        assert {one["django"][:3] for one in newest.summary["backends"]} == {"6.1"}
        assert {one["django"][:3] for one in oldest.summary["backends"]} == {"5.2"}

    def test_the_replica_is_a_server(self, newest: command.Ended) -> None:
        for folder in ("postgres-17", "mysql-9.7"):
            one = command.Ended(newest.code, "", "", newest.artifacts / folder)
            roles = [server["role"] for server in one.summary["servers"]]
            assert sorted(roles) == ["primary", "primary", "replica"]

    def test_several_workers_ran(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        assert {attempt.slot for case in run[0].report.cases for attempt in case.attempts} >= {1, 2}

    def test_xdist_is_switched_off_with_a_notice(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        (text,) = (each.text for each in run[0].report.notices if each.code == "xdist")
        assert text.startswith("-n 4")


class TestReports:
    def test_real_parsers_agree_on_the_junit(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, expected = run
        words = list(expected.values())
        recorded = {name for attributes in EXPECTED.ATTRIBUTES.values() for name in attributes}
        counts = junit_check.check(ended.artifacts / "junit.xml", recorded=recorded)
        quiet = words.count("SKIPPED") + words.count("XFAILED")
        assert (counts.total, counts.passed, counts.skipped) == (len(words), words.count("PASSED"), quiet)

    def test_cases_are_named_as_pytest_names_them(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, expected = run
        named = [EXPECTED.names(each) for each in expected if "::" in each and not each.endswith("::teardown")]
        assert {(cls, " ".join(name.split())) for cls, name in named} <= set(elements(ended))

    def test_output_is_in_its_place(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, _ = run
        found = elements(ended)
        wrong: list[tuple[str, str, str]] = []
        for item, places in EXPECTED.OUTPUT.items():
            case = found[case_of(ended, item)]
            for place, texts in places.items():
                text = text_of(case, "" if place.endswith("where") else place)
                wrong += [(item, place, each) for each in texts if (each in text) == (place == "nowhere")]
        assert not wrong

    def test_recorded_properties_are_of_the_case(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, _ = run
        found = elements(ended)
        for item, pairs in EXPECTED.PROPERTIES.items():
            properties = found[case_of(ended, item)].iterfind("properties/property")
            assert [(each.attrib["name"], each.attrib["value"]) for each in properties] == pairs, item

    def test_recorded_attributes_are_of_the_case(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, _ = run
        found = elements(ended)
        for item, attributes in EXPECTED.ATTRIBUTES.items():
            assert attributes.items() <= found[case_of(ended, item)].attrib.items(), item

    def test_recorded_properties_of_the_run_are_of_the_suites(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, _ = run
        properties = ET.parse(ended.artifacts / "junit.xml").iterfind("testsuite/properties/property")
        assert set(EXPECTED.SUITE_PROPERTIES) <= {(each.attrib["name"], each.attrib["value"]) for each in properties}

    def test_workers_are_named_as_those_of_xdist(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        ended, _ = run
        case = elements(ended)["tests.test_workers", "test_worker_id"]
        (worker,) = (each.attrib["value"] for each in case.iterfind("properties/property"))
        assert worker in {"gw0", "gw1"}

    def test_an_xpass_has_its_reason(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        (attempt,) = attempts(run[0], "tests/test_outcomes.py::test_xpass")
        assert attempt.reason == "xpass: mended meanwhile"

    def test_a_failing_database_test_has_its_sql(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        (file,) = (run[0].artifacts / "sql").glob("*test_rolling_back*test_fails_after_queries*.sql")
        text = file.read_text()
        assert "INSERT INTO" in text
        assert "the failing one" in text

    def test_warnings_are_counted(self, run: tuple[command.Ended, dict[str, str]]) -> None:
        assert "DeprecationWarning" in run[0].summary["warnings"]


def case_of(ended: command.Ended, item: str) -> tuple[str, str]:
    """The class and the name of *item* in the JUnit file."""
    (test,) = (case.test for case in ended.report.cases if case.test.id == item)
    return test.classname, test.name


def attempts(ended: command.Ended, item: str) -> tuple[Attempt, ...]:
    (case,) = (case for case in ended.report.cases if case.test.id == item)
    return tuple(case.attempts)
