"""Retries of items, by the marks and options of pytest-rerunfailures and flaky."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ProjectError
from harness.runner.pytest.policies.rerun_marks import Options, Reruns, Rule, min_passes, of_config, of_mark, reruns
from tests.unit.runner.pytest.policies.items import item, mark, planned


class TestMarks:
    @pytest.mark.parametrize(
        ("args", "kwargs", "rule"),
        [
            ((), {}, Rule(1)),
            ((3,), {}, Rule(3)),
            ((3, 0.5), {}, Rule(3, 0.5)),
            ((), {"reruns": 2, "reruns_delay": 1, "only_rerun": ["A", OSError]}, Rule(2, 1.0, only=("A", OSError))),
            ((), {"rerun_except": "B"}, Rule(1, without=("B",))),
            ((), {"max_runs": 3}, Rule(2)),
            ((), {"max_runs": 3, "min_passes": 2}, Rule(2)),
            ((), {"condition": False}, Rule(1, condition=False)),
        ],
    )
    def test_arguments_are_those_of_the_plugins(self, args: Any, kwargs: Any, rule: Rule) -> None:
        assert of_mark(args, kwargs, "t") == rule

    def test_the_first_argument_is_flakys_where_that_alone_is_there(self) -> None:
        assert of_mark((3,), {}, "t", Options(has_max_runs=True)) == Rule(2)

    @pytest.mark.parametrize(
        ("args", "kwargs"),
        [
            (("two",), {}),
            ((-1,), {}),
            ((1,), {"reruns": 2}),
            ((), {"runs": 2}),
            ((1, "x"), {}),
            ((), {"only_rerun": "("}),
            ((), {"only_rerun": [3]}),
            ((), {"max_runs": "x"}),
        ],
    )
    def test_other_arguments_are_the_projects_fault(self, args: Any, kwargs: Any) -> None:
        with pytest.raises(ProjectError, match=r"@pytest\.mark\.flaky\(.*\) of t "):
            of_mark(args, kwargs, "t")


class TestRules:
    def test_only_and_without_name_exceptions(self) -> None:
        assert Rule(1, only=("Value.*: no",)).allows(ValueError("no"), {})
        assert not Rule(1, only=("Value",)).allows(OSError("Nothing"), {})
        assert Rule(1, only=(OSError,)).allows(FileNotFoundError(), {})
        assert not Rule(1, without=(OSError,)).allows(FileNotFoundError(), {})
        assert not Rule(1, only=("Error",), without=("no",)).allows(ValueError("no"), {})

    def test_only_looks_at_causes_and_contexts_without_at_causes(self) -> None:
        raised = ValueError("outer")
        raised.__context__ = OSError("inner")
        assert Rule(1, only=("inner",)).allows(raised, {})
        assert Rule(1, without=("inner",)).allows(raised, {})
        raised.__cause__ = raised.__context__
        assert not Rule(1, without=("inner",)).allows(raised, {})

    @pytest.mark.parametrize(
        ("condition", "holds"),
        [
            ("isinstance(error, OSError)", True),
            ("limit > 3", False),
            ("nothing_of_this_name", False),
            ("sys.platform", True),
            (lambda: True, True),
            (lambda error: isinstance(error, ValueError), False),
            (0, False),
        ],
    )
    def test_a_condition_decides(self, condition: object, holds: bool) -> None:
        assert Rule(1, condition=condition).allows(OSError(), {"limit": 3}) is holds

    def test_delays_grow_by_the_factor(self) -> None:
        assert [Rule(3, 2.0, 3.0).delay(n) for n in (1, 2, 3, 4)] == [0.0, 2.0, 6.0, 18.0]
        assert Rule(3, 100.0, 3.0).delay(3) == 120.0


class TestItems:
    def test_a_mark_comes_before_the_general_rule(self) -> None:
        items = [item("a", flaky=mark(reruns=3)), item("b")]
        found = reruns(planned(*items), items, Options(Rule(1)))
        assert (found.of("a"), found.of("b")) == (Rule(3), Rule(1))
        assert [found.retries.of(each) for each in "ab"] == [3, 1]

    def test_a_forced_number_comes_before_marks(self) -> None:
        items = [item("a", flaky=mark(reruns=3))]
        assert reruns(planned(*items), items, Options(Rule(1), forced=5)) == Reruns(Rule(5), {"a": Rule(5)})

    def test_numbers_add_up_where_that_is_asked_for(self) -> None:
        items = [item("a", flaky=mark(reruns=3))]
        assert reruns(planned(*items), items, Options(Rule(1), adds=True)).of("a").count == 4

    def test_the_decorator_of_flaky_is_read(self) -> None:
        cls = SimpleNamespace(_flaky_max_runs=4, _flaky_min_passes=2)
        items = [item("a", obj=SimpleNamespace(_flaky_max_runs=3)), item("b", cls=cls)]
        found = reruns(planned(*items), items, Options())
        assert [found.of(each).count for each in "ab"] == [2, 3]
        assert [min_passes(each) for each in items] == [1, 2]
        assert min_passes(item(flaky=mark(min_passes=2))) == 2


class TestConfig:
    @staticmethod
    def config(ini: dict[str, Any] | None = None, **option: Any) -> Any:
        return SimpleNamespace(option=SimpleNamespace(**option), getini=(ini or {}).get)

    def test_options_come_before_the_file(self) -> None:
        names = ["pytest-rerunfailures"]
        assert of_config(self.config({"reruns": "2"}), 0, names).general.count == 2
        assert of_config(self.config({"reruns": "2"}, reruns=3), 0, names).general.count == 3
        assert of_config(self.config({"reruns": "2"}), 4, names).general.count == 4
        found = of_config(self.config({"only_rerun": ["A"]}, reruns=1, reruns_delay=2.0, rerun_except=["B"]), 0, names)
        assert found.general == Rule(1, 2.0, only=("A",), without=("B",))

    def test_options_of_plugins_that_are_off_do_not_count(self) -> None:
        assert of_config(self.config(reruns=3, force_flaky=True), 1, []) == Options(Rule(1))

    def test_flaky_may_be_forced(self) -> None:
        found = of_config(self.config(force_flaky=True, max_runs=4), 0, ["flaky"])
        assert found == Options(Rule(3), has_max_runs=True)
