import math

from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.events import (
    AttemptFinished,
    AttemptsPassed,
    AttemptStarted,
    Envelope,
    Event,
    FixtureStarted,
    PhaseFinished,
    PhaseStarted,
    UnitFinished,
    UnitStarted,
)
from harness.protocol.results import Outcome
from harness.report.model.times import Span, Timeline, Times, Wait, waits


def phase(name: str, start: float, end: float) -> Span:
    return Span("phase", name, start, end)


def times(*events: tuple[float, Event]) -> Times:
    timeline = Timeline()
    for at, event in events:
        timeline.fold(Envelope(1, 0, at, 1, event))
    return timeline.times()


class TestWaits:
    def test_the_phase_that_ends_last_is_the_one_waited_for(self) -> None:
        found = waits([phase("servers", 1, 4), phase("setup", 1, 3)], 0, 5)
        assert found == (Wait("other", 2), Wait("servers", 3))

    def test_a_phase_counts_from_the_end_of_what_came_before(self) -> None:
        found = waits([phase("images", 0, 2), phase("runner", 1, 5)], 0, 5)
        assert found == (Wait("images", 1), Wait("runner", 4))

    def test_a_phase_that_came_twice_is_one_wait(self) -> None:
        found = waits([phase("setup", 0, 1), phase("before", 1, 2), phase("setup", 2, 4)], 0, 4)
        assert found == (Wait("setup", 3), Wait("before", 1))

    @given(
        st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 10), st.floats(0, 10)), max_size=8),
        st.floats(0, 10),
        st.floats(0, 10),
    )
    def test_they_add_up_to_the_whole(self, phases: list[tuple[str, float, float]], one: float, other: float) -> None:
        start, end = sorted((one, other))
        spans = [phase(name, min(a, b), max(a, b)) for name, a, b in phases]
        assert math.isclose(sum(wait.seconds for wait in waits(spans, start, end)), end - start, abs_tol=1e-9)


class TestTimeline:
    def test_the_time_before_and_after_the_tests(self) -> None:
        found = times(
            (10.5, PhaseFinished("start", 0.5)),
            (11.0, PhaseStarted("images")),
            (12.0, PhaseFinished("images", 1.0)),
            (12.0, PhaseStarted("setup")),
            (15.0, PhaseFinished("setup", 3.0)),
            (15.0, AttemptStarted("a")),
            (17.0, AttemptFinished("a", 1, Outcome.PASSED, 2.0, final=True)),
            (17.5, PhaseStarted("reports")),
            (18.0, PhaseFinished("reports", 0.5)),
        )
        assert (found.began, found.ended, found.first_test, found.last_test) == (10.0, 18.0, 15.0, 17.0)
        assert found.before_tests == (Wait("start", 0.5), Wait("other", 0.5), Wait("images", 1.0), Wait("setup", 3.0))
        assert found.after_tests == (Wait("other", 0.5), Wait("reports", 0.5))

    def test_a_run_without_tests_waited_until_its_end(self) -> None:
        found = times((10.0, PhaseStarted("images")), (12.0, PhaseFinished("images", 2.0)))
        assert found.before_tests == (Wait("images", 2.0),)
        assert found.after_tests == ()

    def test_what_is_open_ends_with_the_last_event(self) -> None:
        found = times((1.0, PhaseStarted("tests")), (1.5, UnitStarted("U", ())), (2.0, AttemptStarted("a")))
        assert [(span.kind, span.start, span.end) for span in found.spans] == [("phase", 1.0, 2.0), ("unit", 1.5, 2.0)]

    def test_a_fixture_ends_with_the_next_event_of_its_slot(self) -> None:
        found = times(
            (1.0, UnitStarted("U", ())),
            (1.1, FixtureStarted("U.setUpClass")),
            (1.4, AttemptStarted("a")),
            (1.5, AttemptFinished("a", 1, Outcome.PASSED, 0.1, final=True)),
            (1.5, FixtureStarted("U.tearDownClass")),
            (1.7, UnitFinished("U")),
        )
        assert [(span.name, span.start, span.end) for span in found.spans] == [
            ("U.setUpClass", 1.1, 1.4),
            ("U.tearDownClass", 1.5, 1.7),
            ("U", 1.0, 1.7),
        ]

    def test_attempts_that_passed_together_end_a_fixture(self) -> None:
        found = times(
            (1.0, UnitStarted("U", ())),
            (1.0, FixtureStarted("U.setUpClass")),
            (2.0, AttemptsPassed(("a", "b"), (0.25, 0.25), final=True)),
        )
        assert (found.first_test, found.last_test) == (1.5, 2.0)
        assert ("U.setUpClass", 1.0, 1.5) in [(span.name, span.start, span.end) for span in found.spans]

    def test_a_fixture_whose_events_came_together_is_left_out(self) -> None:
        found = times((1.0, UnitStarted("U", ())), (1.0, FixtureStarted("U.setUpClass")), (1.0, UnitFinished("U")))
        assert [span.name for span in found.spans] == ["U"]
