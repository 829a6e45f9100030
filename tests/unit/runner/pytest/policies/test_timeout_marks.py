"""Time limits of items, by mark, pattern, option and pytest-timeout."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ProjectError
from harness.protocol.messages import RunSpec, TimeLimit
from harness.runner.pytest.policies.timeout_marks import NO_TIMEOUT, OwnTimeout, limits, of_config, of_mark
from harness.testing import timeout
from tests.unit.runner.pytest.policies.items import item, mark, planned


@timeout(7)
class Marked: ...


class TestMarks:
    @pytest.mark.parametrize(
        ("args", "kwargs", "own"),
        [
            ((5,), {}, OwnTimeout(5.0)),
            (("2.5",), {}, OwnTimeout(2.5)),
            ((0,), {}, OwnTimeout(math.inf)),
            ((5, "thread"), {}, OwnTimeout(5.0)),
            ((), {"timeout": 3, "func_only": True}, OwnTimeout(3.0, True)),
            ((), {"method": "signal"}, OwnTimeout()),
        ],
    )
    def test_arguments_are_those_of_pytest_timeout(self, args: Any, kwargs: Any, own: OwnTimeout) -> None:
        assert of_mark(args, kwargs, "t") == own

    @pytest.mark.parametrize(
        ("args", "kwargs"),
        [
            (("soon",), {}),
            ((-1,), {}),
            ((True,), {}),
            ((1,), {"timeout": 2}),
            ((), {"seconds": 2}),
            ((1, 2, 3, 4, 5), {}),
        ],
    )
    def test_other_arguments_are_the_projects_fault(self, args: Any, kwargs: Any) -> None:
        with pytest.raises(ProjectError, match=r"@pytest\.mark\.timeout\(.*\) of t "):
            of_mark(args, kwargs, "t")


class TestPrecedence:
    SPEC = RunSpec(timeout_s=60.0, timeouts=(TimeLimit("*slow*", 30.0), TimeLimit("session::*", 9.0)))

    def test_marks_come_before_patterns_and_the_general_limit(self) -> None:
        items = [item("a::slow", timeout=mark(5)), item("b::slow"), item("c::quick"), item("d", cls=Marked)]
        found = limits(planned(*items), items, self.SPEC, NO_TIMEOUT)
        assert found.own_s == {"a::slow": 5.0, "b::slow": 30.0, "d": 7.0, "session::teardown": 9.0}
        assert found.test_s == 60.0

    def test_a_mark_without_seconds_leaves_them_to_the_pattern(self) -> None:
        items = [item("a::slow", timeout=mark(func_only=True))]
        found = limits(planned(*items), items, self.SPEC, NO_TIMEOUT)
        assert (found.own_s["a::slow"], *found.calls) == (30.0, "a::slow")

    @pytest.mark.parametrize(("given", "seconds"), [(False, 20.0), (True, 60.0)])
    def test_the_value_of_pytest_timeout_counts_unless_one_is_given(self, given: bool, seconds: float) -> None:
        spec = RunSpec(timeout_s=60.0, is_timeout_given=given)
        assert limits([], [], spec, OwnTimeout(20.0)).test_s == seconds

    def test_a_limit_of_the_call_leaves_set_up_the_general_one(self) -> None:
        items = [item("a"), item("b", timeout=mark(5, func_only=False))]
        found = limits(planned(*items), items, RunSpec(timeout_s=60.0), OwnTimeout(20.0, func_only=True))
        assert [found.seconds_of("a", is_call=is_call) for is_call in (False, True)] == [60.0, 20.0]
        assert [found.seconds_of("b", is_call=is_call) for is_call in (False, True)] == [5.0, 5.0]

    def test_the_limit_of_the_session_is_that_of_the_run(self) -> None:
        assert limits([], [], RunSpec(), NO_TIMEOUT, 90.0).run_s == 90.0
        assert limits([], [], RunSpec(run_timeout_s=50.0), NO_TIMEOUT, 90.0).run_s == 50.0


class TestConfig:
    @staticmethod
    def config(option: Any = None, **ini: Any) -> Any:
        return SimpleNamespace(option=SimpleNamespace(timeout=option, session_timeout=None), getini=ini.get)

    def test_the_option_comes_before_the_variable_and_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert of_config(self.config(timeout="3"))[0].seconds == 3.0
        monkeypatch.setenv("PYTEST_TIMEOUT", "2")
        assert of_config(self.config(timeout="3"))[0].seconds == 2.0
        assert of_config(self.config(1.0, timeout="3"))[0].seconds == 1.0

    def test_zero_is_no_value(self) -> None:
        assert of_config(self.config(timeout="0"))[0] == OwnTimeout(None, False)

    def test_a_word_is_the_projects_fault(self) -> None:
        with pytest.raises(ProjectError, match="timeout in the configuration of pytest is 'soon'"):
            of_config(self.config(timeout="soon"))
