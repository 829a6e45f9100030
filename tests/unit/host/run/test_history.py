"""The times of earlier runs: merged, bounded, and read only as they were written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.run import history
from harness.host.run.history import Time, Times, merged, parse, text
from harness.protocol.messages import NO_HISTORY
from harness.protocol.results import Outcome, PlannedTest
from harness.report.model.run_report import Attempt, Case, RunReport
from harness.report.model.times import Span
from harness.report.model.times import Times as RunTimes


def case(name: str, *attempts: tuple[Outcome, float], shared_s: float = 0.0) -> Case:
    tries = tuple(Attempt(n, outcome, s, shared_s=shared_s) for n, (outcome, s) in enumerate(attempts, 1))
    return Case(PlannedTest(name, "C", name), attempts[-1][0], tries)


def report(*cases: Case, **fields: object) -> RunReport:
    spans = [Span("fixture", "C.setUpClass", 0.0, 0.5)]
    return RunReport(cases=cases, times=RunTimes(spans, first_test=1.0), **fields)  # type: ignore[arg-type]  # its fields


PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
SOME = Times(3, {"a": Time(0.25, 3, 3)}, {"C": Time(1.5, 1, 2)}, ("D",))


class TestMerged:
    def test_the_first_runs_count_alike_and_later_ones_less(self) -> None:
        times = Times()
        seen = []
        for seconds in (1.0, 2.0, 6.0, 3.0, 3.0):
            times = merged(times, report(case("a", (PASSED, seconds))))
            seen.append(times.tests["a"].seconds)
        assert seen == pytest.approx([1.0, 1.5, 3.0, 3.0, 3.0])
        assert merged(times, report(case("a", (PASSED, 13.0)))).tests["a"].seconds == pytest.approx(6.0)

    def test_only_attempts_that_ended_well_count(self) -> None:
        times = merged(
            Times(),
            report(
                case("red", (FAILED, 9.0)),
                case("flaky", (FAILED, 9.0), (PASSED, 1.0)),
                case("skipped", (Outcome.SKIPPED, 0.1)),
                case("killed", (Outcome.TIMED_OUT, 60.0)),
            ),
        )
        assert {name: time.seconds for name, time in times.tests.items()} == {"flaky": 1.0, "skipped": 0.1}

    def test_the_set_up_of_shared_fixtures_does_not_count(self) -> None:
        times = merged(Times(), report(case("a", (PASSED, 5.0), shared_s=4.0)))
        assert times.tests["a"].seconds == 1.0
        assert times.classes["C"].seconds == 0.5

    def test_a_class_that_is_red_in_parts_stays_whole(self) -> None:
        red = report(case("a", (FAILED, 1.0)), case("b", (PASSED, 1.0)), parts={"a": "C", "b": "D"})
        assert merged(Times(), red).whole == ("C",)
        assert merged(Times(whole=("A", "C")), red).whole == ("A", "C")

    def test_the_tests_that_were_seen_last_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(history, "MOST", 2)
        times = merged(SOME, report(case("b", (PASSED, 1.0)), case("c", (PASSED, 1.0))))
        assert set(times.tests) == {"b", "c"}


class TestText:
    def test_what_is_written_is_read(self) -> None:
        assert parse(text(SOME)) == SOME

    def test_a_torn_or_changed_file_counts_as_none(self) -> None:
        whole = text(SOME)
        assert all(parse(whole[:size]) == Times() for size in range(len(whole)))
        assert parse(whole.replace(b"0.25", b"9.25")) == Times()

    @pytest.mark.parametrize(
        "times", [Times(tests={"a": Time(float("nan"), 1, 1)}), Times(tests={"a": Time(-1.0, 1, 1)})]
    )
    def test_seconds_that_are_none_are_refused(self, times: Times) -> None:
        assert parse(text(times)) == Times()

    @pytest.mark.parametrize(
        "body", [b"[]", b"3", b'{"version":2}', b'{"version":1}', b'{"version":1,"run":1,"tests":3}']
    )
    def test_a_body_of_another_form_counts_as_none(self, body: bytes) -> None:
        assert parse(history._digest(body) + b"\n" + body) == Times()


class TestFiles:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Config:
        return load({"project": str(tmp_path)}, {}, tmp_path, need_settings=False)

    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        return {"HARNESS_CACHE": str(tmp_path / "cache")}

    def test_a_run_reads_what_an_earlier_one_has_written(self, config: Config, environ: dict[str, str]) -> None:
        assert history.read(config, environ) == NO_HISTORY
        history.update(config, environ, report(case("a", (PASSED, 2.0))))
        found = history.read(config, environ)
        assert (found.tests, found.seconds) == (("a",), (2.0,))

    def test_runs_at_once_lose_nothing(self, config: Config, environ: dict[str, str]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: history.update(config, environ, report(case(f"t{n}", (PASSED, 1.0)))), range(40)))
        assert set(history.read(config, environ).tests) == {f"t{n}" for n in range(40)}

    def test_the_oldest_files_go(
        self, config: Config, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(history, "FILES", 1)
        history.update(config, environ, report(case("a", (PASSED, 1.0))))
        folder = tmp_path / "cache" / "history"
        (folder / "killed.7.new").write_text("half")
        other = load({"project": str(tmp_path), "db": ("sqlite",)}, {}, tmp_path, need_settings=False)
        history.update(other, environ, report(case("a", (PASSED, 1.0))))
        assert len(list(folder.iterdir())) == 1
        assert history.read(config, environ) == NO_HISTORY

    def test_a_folder_that_cannot_be_used_changes_nothing(self, config: Config) -> None:
        environ = {"HARNESS_CACHE": "/dev/null"}
        history.update(config, environ, report(case("a", (PASSED, 1.0))))
        assert history.read(config, environ) == NO_HISTORY
