"""The parts of ``ci/bench`` that measure nothing: what a figure comes to, the order of the runs, the table, the JSON."""

import ast
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci.benchmark import empty, recovery, report, seeds
from ci.benchmark.figures import Aim, Comparison, Figure, Round
from ci.benchmark.race import Sides, failed, race, timed
from harness.errors import HarnessError

HALF = Aim(ratio=0.5)


def figure(*rounds: Any, aim: Aim | None = HALF, unit: str = "s", details: dict[str, float] | None = None) -> Figure:
    comparison = Comparison("pair", "the seed", "initdb", unit, aim)
    return Figure(comparison, tuple(Round(*each) for each in rounds), details or {})


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    # the medians of the sides, 2 and 10, would give 0.2
    assert figure((1, 10), (2, 4), (8, 10)).ratio == 0.5


def test_a_disturbed_round_shows_in_the_spread_alone() -> None:
    disturbed = figure((1, 4), (1, 4), (40, 4))
    assert disturbed.ratio == 0.25
    assert disturbed.spread == (0.25, 10.0)


def test_the_sides_are_reported_by_their_medians() -> None:
    told = figure((1, 10), (3, 30), (2, 90))
    assert (told.ours, told.theirs) == (2, 30)


@pytest.mark.parametrize(
    ("aim", "rounds", "is_met"),
    [
        (Aim(ratio=0.5), [(1, 2)], True),
        (Aim(ratio=0.5), [(1.1, 2)], False),
        (Aim(more=2.0), [(3, 1), (13, 11), (50, 11)], True),
        (Aim(more=2.0), [(3.1, 1), (14, 11), (4, 3)], False),
        (None, [(9, 1)], None),
    ],
)
def test_an_aim_is_a_ratio_or_a_difference_of_the_rounds(aim: Aim | None, rounds: Any, is_met: bool | None) -> None:
    assert figure(*rounds, aim=aim).is_met is is_met


def test_the_table_has_a_line_a_figure_and_what_was_compared() -> None:
    lines = report.table([figure((1, 4), (1, 2), details={"servers": 0.456})]).splitlines()
    assert lines[0].split() == ["figure", "ours", "theirs", "ratio", "spread", "aim"]
    assert lines[1].split("  ")[0] == "pair"
    assert "0.38" in lines[1]  # the median of 0.25 and 0.5
    assert "0.25 to 0.50" in lines[1]
    assert lines[1].endswith("met")
    assert lines[3] == "pair  the seed, against initdb"
    assert "servers 0.46 s" in lines[4]


def test_the_table_says_by_how_much_an_aim_in_seconds_was_missed() -> None:
    assert "not met (+3.00)" in report.table([figure((5, 2), aim=Aim(more=2.0))])


def test_columns_stand_under_each_other() -> None:
    lines = report.table([figure((1, 4)), figure((1000, 4000), unit="µs/test", aim=None)]).splitlines()
    assert lines[0].index("spread") == lines[1].index("0.25 to 0.25") == lines[2].index("0.25 to 0.25")
    assert lines[0].index("theirs") + len("theirs") == lines[2].index("4000 µs/test") + len("4000 µs/test")


def test_the_json_has_every_sample_and_what_it_was_measured_on() -> None:
    content = json.loads(report.document([figure((1, 4), (2, 4), details={"servers": 0.5})], {"cores": 2}))
    assert content["version"] == 1
    assert content["machine"] == {"cores": 2}
    (told,) = content["figures"]
    assert told["ours"] == {"what": "the seed", "median": 1.5, "samples": [1, 2]}
    assert told["theirs"] == {"what": "initdb", "median": 4, "samples": [4, 4]}
    assert (told["ratio"], told["spread"], told["more"]) == (0.375, [0.25, 0.5], -2.5)
    assert (told["aim"], told["is_met"], told["details"]) == ("at most 0.5", True, {"servers": 0.5})


def test_sides_run_in_turn_after_a_warm_up_that_does_not_count() -> None:
    log: list[str] = []

    def side(name: str) -> Callable[[], float]:
        def run() -> float:
            log.append(name)
            return float(len(log))

        return run

    said: list[str] = []
    rounds, details = race(Sides(side("ours"), side("theirs"), lambda: {"n": float(len(log))}), 3, said.append)
    assert log == ["ours", "theirs", "theirs", "ours", "ours", "theirs", "theirs", "ours"]
    assert rounds == (Round(4, 3), Round(5, 6), Round(8, 7))
    assert details == {"n": 6.0}
    assert len(said) == 4


def test_a_command_is_timed_and_heard(tmp_path: Path) -> None:
    seconds, output = timed(["sh", "-c", "pwd; echo $WORD >&2"], tmp_path, {"WORD": "heard"})
    assert output.split() == [str(tmp_path), "heard"]
    assert seconds > 0


def test_a_command_that_fails_is_no_sample(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="status 3") as caught:
        timed(["sh", "-c", "echo because; exit 3"], tmp_path, {})
    assert caught.value.evidence == "because"


def test_only_the_end_of_what_a_failed_command_said_is_kept() -> None:
    evidence = failed(["x"], 1, "\n".join(map(str, range(100)))).evidence.splitlines()
    assert (evidence[0], evidence[-1]) == ("60", "99")


def test_the_suite_of_empty_tests_has_as_many_as_is_said() -> None:
    files = empty.project_files()
    modules = [ast.parse(text) for name, text in files.items() if name.startswith("many/test_")]
    classes = [node for module in modules for node in module.body if isinstance(node, ast.ClassDef)]
    methods = [(node, each) for node in classes for each in node.body if isinstance(each, ast.FunctionDef)]
    tests = [f"{node.name}.{method.name}" for node, method in methods]
    assert len(classes) == len({node.name for node in classes}) == 100
    assert len(tests) == len(set(tests)) == 5000
    assert files["one/test_one.py"].count("def test_") == 1


def test_the_cost_of_a_test_is_the_difference_of_two_suites() -> None:
    took = {"one": 1.0, "many": 1.0 + 4999 * 50e-6}
    assert empty._marginal(took.__getitem__)() == pytest.approx(50.0)


def test_a_slot_is_idle_from_its_workers_death_to_the_next_test() -> None:
    events = [
        (1.0, "SlotRecycled", 0.2),
        (1.1, "AttemptStarted", None),
        (2.0, "WorkerLost", None),
        (2.4, "SlotRecycled", 0.3),
        (2.5, "AttemptStarted", None),
        (3.0, "AttemptStarted", None),
    ]
    journal = [{"at": at, "type": kind, "duration": duration} for at, kind, duration in events]
    assert recovery.idle_s(journal) == 0.5
    assert recovery.clones_s(journal) == 0.2


def test_a_hit_is_measured_from_the_start_of_its_servers() -> None:
    summary = {
        "servers": [{"ready_s": 0.5}, {"ready_s": 0.7}],
        "phases": {"template": 0.2, "clones": 0.05, "tests": 9},
        "waits": {"before_tests": {"total": 2.5}},
    }
    assert seeds.servers_s(summary) == 0.7
    assert seeds.databases_s(summary) == pytest.approx(0.95)
    assert seeds.before_tests_s(summary) == 2.5


def test_the_generated_project_has_its_migrations_in_a_row() -> None:
    files = seeds.files()
    for app, count in (("large", seeds.MIGRATIONS), ("small", seeds.SMALL_MIGRATIONS)):
        names = [name for name in files if name.startswith(f"{app}/migrations/0")]
        assert len(names) == count
        for before, name in itertools.pairwise(names):
            assert f"({app!r}, '{Path(before).stem}')" in files[name]
    for name, content in files.items():
        if name.endswith(".py"):
            ast.parse(content)
