"""Several backends' reports, compared exactly to ``tests/golden/merged/``. ``UPDATE_GOLDEN=1`` writes these anew."""

import dataclasses
import json
import os
import re
from pathlib import Path

from harness.protocol.events import RunStarted
from harness.protocol.results import Outcome
from harness.report.backends import merged_reports, merged_summary
from harness.report.backends.merge import Merged, Run, merge
from harness.report.formats import junit
from tests.golden.backends import ADDS, BAD, merged, on_postgres, passed, run_of, started
from tests.golden.journals import STATEMENTS, failure, late, routing
from tests.junit_check import check

GOLDEN = Path(__file__).parents[3] / "golden" / "merged"


def compare(name: str, actual: bytes) -> Path:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(actual)
    assert actual.decode() == path.read_bytes().decode()
    return path


def junit_of(both: Merged, *, strict: bool = False) -> bytes:
    return junit.build_all(merged_reports.parts(both), both.total_s, strict=strict)


class TestGolden:
    def test_summary(self) -> None:
        compare("summary.json", merged_reports.build(merged()).encode())

    def test_lines(self) -> None:
        text = "".join(
            f"{line.plain.rstrip()}\n" for line in merged_summary.lines(merged(), artifacts=["out/junit.xml"])
        )
        compare("lines.txt", text.encode())

    def test_markdown(self) -> None:
        compare("differences.md", merged_summary.markdown(merged()).encode())

    def test_junit(self) -> None:
        counts = check(compare("junit.xml", junit_of(merged())))
        # the cases, and the two backends of which there are none: the reason why
        assert counts.total == sum(len(run.report.cases) for _, run in merged().runs) + 2

    def test_strict_junit(self, tmp_path: Path) -> None:
        (tmp_path / "junit.xml").write_bytes(junit_of(merged(), strict=True))
        assert check(tmp_path / "junit.xml", strict=True) == check(GOLDEN / "junit.xml")


def late_on_two() -> Merged:
    def run(backend: str) -> Run:
        return run_of(late(RunStarted(backend, "shop/", "shop.settings", "3.13", fail_on_lag=True)))

    return merge([run("postgres-17"), run("mysql-9.7")])


class TestLateReads:
    def test_lines_name_the_backend_of_each_test(self) -> None:
        shown = [line.plain.rstrip() for line in merged_summary.lines(late_on_two())]
        assert "read-after-write bugs (2)" in shown
        assert any("test_pays (postgres-17), " in line and "test_pays (mysql-9.7)" in line for line in shown)
        assert not any(line.startswith("  read ") for line in shown)
        assert [line for line in shown if line.startswith("lag check   postgres-17, mysql-9.7: late by 500 ms")]

    def test_markdown_has_the_section_and_the_sums(self) -> None:
        text = merged_summary.markdown(late_on_two())
        assert "### Read-after-write bugs (2)\n" in text
        assert text.count("late by 500 ms") == 2

    def test_summary_names_the_backend(self) -> None:
        found = json.loads(merged_reports.build(late_on_two()))["lag_check"]
        assert [bug["backend"] for bug in found["bugs"]] == ["postgres-17"] * 3 + ["mysql-9.7"] * 3
        assert found["unchecked"][0].startswith("postgres-17/")

    def test_annotations_come_once(self) -> None:
        found = [line for line in merged_reports.annotate_all(late_on_two()) if "read-after-write bug in" in line]
        assert [line.partition(" ")[0] for line in found] == ["::error", "::error"]

    def test_junit_counts_them_on_each(self, tmp_path: Path) -> None:
        (tmp_path / "junit.xml").write_bytes(junit_of(late_on_two()))
        assert check(tmp_path / "junit.xml").bad == 6
        assert late_on_two().verdict.exit_code == 1


def test_routes_name_their_backend() -> None:
    journal = routing()
    journal.envelopes.insert(0, started("postgres-17").envelopes[0])
    both = merge([run_of(journal), passed("sqlite", ADDS)])
    assert json.loads(merged_reports.build(both))["routing"]["aliases"][0]["backend"] == "postgres-17"
    assert any("postgres-17: default on default (primary): " in line.plain for line in merged_summary.lines(both))
    assert "Routing of postgres-17 (3 findings)" in merged_summary.markdown(both)


class TestPrograms:
    def test_objects_of_runs_are_joined(self) -> None:
        one = {"tests": 2, "lag_s": 0.5, "bugs": [{"test": "a"}], "unchecked": ["a"], "complete": True}
        other = {"tests": 1, "lag_s": None, "bugs": [{"test": "b"}], "unchecked": [], "complete": False}
        assert merged_reports.of_backends([("pg", one), ("sqlite", None), ("mysql", other)]) == {
            "tests": 3,
            "lag_s": 0.5,
            "bugs": [{"test": "a", "backend": "pg"}, {"test": "b", "backend": "mysql"}],
            "unchecked": ["pg/a"],
            "complete": False,
        }
        assert merged_reports.of_backends([("sqlite", None)]) is None

    def test_the_keys_are_those_of_one_run_and_more(self) -> None:
        content = json.loads(merged_reports.build(merged()))
        one = content["backends"][0]
        assert list(content) == [*(key for key in one if key != "artifacts"), "backends", "differences", "missing"]
        assert [(one["backend"], one["artifacts"]) for one in content["backends"]] == [
            ("postgres-17", "postgres-17"),
            ("mysql-9.7", "mysql-9.7"),
            ("mariadb-11.8", "mariadb-11.8"),
        ]

    def test_common_fields_appear_once_and_others_are_joined(self) -> None:
        content = merged_reports.content(merge([passed("a", ADDS, python="3.12"), passed("a", ADDS, python="3.13")]))
        assert (content["python"], content["django"], content["seed"]) == ("3.12.1, 3.13.1", "6.1.3", None)

    def test_one_backend_is_named_nowhere_in_its_junit(self) -> None:
        alone = merge([run_of(on_postgres())])
        text = junit_of(alone).decode()
        assert 'classname="shop.tests.test_orders.OrderTests"' in text
        assert "postgres-17." not in text

    def test_attachments_are_found_from_the_merged_file(self) -> None:
        journal = started("postgres-17").plan(BAD)
        journal.attempt(BAD, Outcome.FAILED, failures=(failure("1 != 2"),), sql=STATEMENTS)
        both = merge([run_of(journal.end(1), "../elsewhere/postgres-17/"), passed("sqlite", BAD)])
        assert f"[[ATTACHMENT|../elsewhere/postgres-17/sql/{BAD.id}.sql]]" in junit_of(both).decode()

    def test_a_test_red_on_several_backends_is_annotated_once(self) -> None:
        commands = merged_reports.annotate_all(merged())
        bad = [line for line in commands if line.startswith("::error") and "test_bad" in line]
        assert len(bad) == 1
        assert "title=FAIL shop.tests.test_orders.OrderTests.test_bad (postgres-17%2C mysql-9.7)" in bad[0]
        assert "file=shop/shop/tests/test_orders.py" in bad[0]
        assert any(line.startswith("::warning") and "test_flaky (mysql-9.7)" in line for line in commands)

    def test_annotations_are_ten_of_a_kind_at_most(self) -> None:
        tests = [dataclasses.replace(BAD, id=f"{BAD.id}_{number}") for number in range(30)]
        runs = []
        for backend in ("a", "b"):
            journal = started(backend).plan(*tests)
            for test in tests:
                journal.attempt(test, Outcome.FAILED, failures=(failure("1 != 2"),))
            runs.append(run_of(journal.end(30)))
        commands = merged_reports.annotate_all(merge(runs))
        assert len(commands) == 10
        assert "+21 more" in commands[-1]


class TestMarkdown:
    def test_nothing_of_a_test_is_markup_in_the_markdown(self) -> None:
        outside = re.sub(r"```text.*?```", "", merged_summary.markdown(merged()), flags=re.DOTALL)
        assert "`" not in outside
        (row,) = [line for line in outside.splitlines() if line.startswith("| shop") and "fails |" in line]
        assert row.count("|") == 5
        assert "&#124; &#96;sql&#96;" in row

    def test_each_failure_is_shown_in_full_once(self) -> None:
        text = merged_summary.markdown(merged())
        assert text.count("\nAssertionError: 1 != 2\n") == 1
        assert re.findall(r"<summary>(\w+) .*?&#95;(\w+) \((.*?)\)</summary>", text)[:2] == [
            ("FAIL", "bad", "postgres-17"),
            ("FAIL", "fails", "mysql-9.7"),
        ]

    def test_markdown_of_many_differences_fits_githubs_limit(self) -> None:
        tests = [dataclasses.replace(BAD, id=f"{BAD.id}_{number}") for number in range(8000)]
        runs = []
        for backend, outcome in (("a", Outcome.SKIPPED), ("b", Outcome.FAILED)):
            journal = started(backend).plan(*tests)
            for test in tests:
                journal.attempt(test, outcome, reason="x" * 250, failures=(failure("y" * 250),))
            runs.append(run_of(journal.end()))
        text = merged_summary.markdown(merge(runs))
        assert len(text.encode()) < 900_000
        assert "more, see summary.json" in text
        lines = merged_summary.lines(merge(runs))
        assert len(lines) < 300
        assert any("and 7950 more, see summary.json" in line.plain for line in lines)

    def test_a_suite_without_differences_has_a_sentence(self) -> None:
        assert "No test differs between the backends." in merged_summary.markdown(
            merge([passed("a", ADDS), passed("b", ADDS)])
        )
