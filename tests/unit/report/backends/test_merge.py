"""Which runs belong together, what each is called, and what they come to."""

import dataclasses

import pytest

from harness.errors import ExitCode, UsageError
from harness.protocol.events import RunAborted
from harness.protocol.results import Outcome, PlannedTest
from harness.report.backends.merge import Merged, Missing, Run, merge, missing_of
from harness.report.model.verdict import Verdict
from tests.golden.backends import (
    ADDS,
    BAD,
    FAILS,
    SKIPS,
    merged,
    on_mariadb,
    passed,
    run_of,
    started,
)
from tests.golden.journals import Journal, failure


def labels(*runs: Run) -> list[str]:
    return [column.label for column in merge(runs).columns]


def asked_for(django: str, version: str, *tests: PlannedTest) -> Run:
    """A run on SQLite with the option *django*, whose Django was *version*."""
    backend = f"sqlite-django{django}"
    run = passed(backend, *(tests or [ADDS] * bool(version)), django=version)
    assert run.report.asked is not None
    asked = dataclasses.replace(run.report.asked, django=django)
    return dataclasses.replace(run, report=dataclasses.replace(run.report, asked=asked))


def red(backend: str, code: ExitCode) -> Run:
    return dataclasses.replace(passed(backend, ADDS), verdict=Verdict("aborted", code))


class TestColumns:
    def test_backends_are_the_names_of_the_runs(self) -> None:
        assert labels(passed("postgres-17", ADDS), passed("sqlite", ADDS)) == ["postgres-17", "sqlite"]

    def test_versions_are_named_where_they_differ_and_only_there(self) -> None:
        runs = [passed("sqlite", ADDS, python=python) for python in ("3.12", "3.13")]
        assert labels(*runs) == ["sqlite-py3.12", "sqlite-py3.13"]
        runs = [passed("sqlite", ADDS, django=django) for django in ("5.2.1", "6.1.3")]
        assert labels(*runs) == ["sqlite-django5.2.1", "sqlite-django6.1.3"]

    def test_a_django_that_was_asked_for_is_in_the_name_once(self) -> None:
        runs = [asked_for(django, f"{django}.1") for django in ("5.2", "6.1")]
        assert labels(*runs) == ["sqlite-django5.2", "sqlite-django6.1"]
        assert [run.name for run in runs] == ["sqlite-django5.2-py3.13", "sqlite-django6.1-py3.13"]

    def test_parts_on_two_releases_of_one_series_are_one_column(self) -> None:
        parts = [asked_for("5.2", "5.2.1", ADDS), asked_for("5.2", "5.2.2", SKIPS), asked_for("5.2", "")]
        assert [(column.label, len(column.runs)) for column in merge(parts).columns] == [("sqlite-django5.2", 3)]

    def test_a_run_that_ended_early_gets_the_others_django(self) -> None:
        shards = [passed("sqlite", ADDS), run_of(started("sqlite", django="").host(RunAborted(ExitCode.SERVERS, "no")))]
        both = merge(shards)
        assert [(column.label, len(column.runs)) for column in both.columns] == [("sqlite", 2)]
        assert both.verdict.exit_code == ExitCode.SERVERS

    def test_parts_of_one_suite_are_one_column(self) -> None:
        both = merge([passed("sqlite", ADDS, folder="a/"), passed("sqlite", SKIPS, FAILS, folder="b/")])
        (column,) = both.columns
        assert list(column.cases) == [ADDS.id, SKIPS.id, FAILS.id]
        assert (column.counts.planned, column.counts.passed) == (3, 3)
        assert both.verdict == Verdict("passed", ExitCode.GREEN)

    def test_runs_on_one_backend_may_not_share_tests(self) -> None:
        with pytest.raises(UsageError) as caught:
            merge([passed("sqlite", ADDS, SKIPS, folder="a/"), passed("sqlite", SKIPS, ADDS, folder="../b/")])
        assert caught.value.message == (
            f"a and ../b are both of sqlite-py3.13, and have 2 tests in common: {SKIPS.id}, {ADDS.id}."
        )

    @pytest.mark.parametrize("project", ["", "other/"])
    def test_runs_of_two_projects_do_not_belong_together(self, project: str) -> None:
        other = run_of(started("sqlite", project=project).plan(ADDS).attempt(ADDS, Outcome.PASSED).end(), "b/")
        with pytest.raises(
            UsageError, match=r"a and b do not belong together: the one is of shop\.settings in shop, the"
        ):
            merge([passed("postgres-17", ADDS, folder="a/"), other])

    def test_runs_with_two_settings_do_not_belong_together(self) -> None:
        one = passed("sqlite", ADDS, folder="a/")
        other = dataclasses.replace(one, report=dataclasses.replace(one.report, settings="shop.other"), folder="b/")
        with pytest.raises(UsageError, match=r"of shop\.settings in shop, the other of shop\.other in shop"):
            merge([one, other])

    def test_no_run_is_an_error_unless_that_is_known(self) -> None:
        with pytest.raises(UsageError, match="no run to merge"):
            merge([])
        nothing = merge([], [Missing("sqlite", "interrupted before it began")], ExitCode.SIGINT)
        assert (nothing.verdict.word, nothing.verdict.exit_code) == ("interrupted", ExitCode.SIGINT)
        assert (nothing.total_s, nothing.counts.planned) == (0.0, 0)

    def test_counts_add_up_and_time_spans_all_runs(self) -> None:
        both: Merged = merge([passed("sqlite", ADDS), passed("postgres-17", ADDS, SKIPS)])
        assert (both.counts.planned, both.counts.passed) == (3, 3)
        assert both.total_s == max(run.report.total_s for _, run in both.runs)


class TestVerdict:
    @pytest.mark.parametrize(
        ("codes", "expected"),
        [
            ((0, 0), 0),
            ((1, 0), 1),
            ((1, 4), 4),
            ((4, 3), 3),
            ((5, 1), 1),
            ((2, 70), 70),
            ((70, 130), 130),
            ((130, 143), 143),
        ],
    )
    def test_the_worst_exit_code_counts_by_severity(self, codes: tuple[int, int], expected: int) -> None:
        runs = [red(f"b{index}", ExitCode(code)) for index, code in enumerate(codes)]
        assert merge(runs).verdict.exit_code == expected
        assert merge(list(reversed(runs))).verdict.exit_code == expected

    def test_the_cause_is_that_of_the_worst_backend(self) -> None:
        cause = merged().verdict.cause
        assert merged().verdict.exit_code == ExitCode.INTERNAL  # one is missing
        assert cause is not None
        assert cause.message == "sqlite: none of the folders has it"
        broken = merge([passed("sqlite", ADDS), run_of(on_mariadb())]).verdict
        assert (broken.exit_code, broken.word) == (ExitCode.SERVERS, "aborted")
        assert broken.cause is not None
        assert broken.cause.message == "mariadb-11.8: The server 'default' stopped."

    def test_a_missing_run_is_red(self) -> None:
        expected = ["postgres-17-py3.13", "sqlite-py3.13", "sqlite-py3.12"]
        missing = missing_of([passed("sqlite", ADDS)], expected)
        assert [each.name for each in missing] == ["postgres-17-py3.13", "sqlite-py3.12"]
        assert merge([passed("sqlite", ADDS)], missing).verdict.exit_code == ExitCode.INTERNAL
        assert missing_of([passed("sqlite", ADDS)], ["sqlite-py3.13"]) == ()

    def test_an_unexpected_run_is_refused(self) -> None:
        with pytest.raises(UsageError) as caught:
            missing_of([passed("sqlite", ADDS), passed("postgres-15", ADDS)], ["sqlite-py3.13"])
        assert caught.value.message == "The expected runs do not include postgres-15-py3.13."
        assert "They are sqlite-py3.13." in caught.value.hint

    def test_a_flaky_run_that_may_not_be_stays_red(self) -> None:
        journal = Journal()
        journal.envelopes = started("sqlite").envelopes
        journal.seq = 1
        journal.plan(BAD).attempt(BAD, Outcome.FAILED, n=1, final=False, failures=(failure("1 != 2"),))
        run = run_of(journal.attempt(BAD, Outcome.PASSED, n=2).end())
        assert merge([run]).counts.flaky == 1
        assert (
            merge([dataclasses.replace(run, verdict=Verdict("failed", ExitCode.TESTS_FAILED))]).verdict.exit_code == 1
        )
