"""The makespan of units, and the times of fixtures, from the spans of a run."""

from __future__ import annotations

from harness.report.model.times import Span
from harness.report.model.unit_times import Makespan, fixture_s, makespan


class TestMakespan:
    def test_it_is_beside_a_fair_share(self) -> None:
        spans = [Span("unit", "A", 10.0, 13.0), Span("unit", "B", 10.0, 15.0), Span("unit", "C", 15.0, 18.0)]
        assert makespan(spans, 2) == Makespan(8.0, 5.5, "B", 5.0)

    def test_the_longest_unit_is_a_bound(self) -> None:
        assert makespan([Span("unit", "A", 0.0, 9.0)], 4) == Makespan(9.0, 9.0, "A", 9.0)

    def test_without_a_unit_there_is_none(self) -> None:
        assert makespan([Span("phase", "tests", 0.0, 9.0)], 4) is None


def test_fixtures_of_a_class_count_each_time_that_it_is_set_up() -> None:
    spans = [
        Span("fixture", "app.A.setUpClass", 0.0, 2.0),
        Span("fixture", "app.A.setUpClass", 1.0, 5.0),
        Span("fixture", "app.A.tearDownClass", 6.0, 7.0),
        Span("fixture", "app.setUpModule", 0.0, 9.0),
        Span("unit", "app.A.setUpClass", 0.0, 9.0),
    ]
    assert fixture_s(spans) == {"app.A": 3.5}
