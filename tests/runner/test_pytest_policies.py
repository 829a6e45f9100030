"""Limits, retries, order and early ends of pytest's tests, with and without the plugins that do the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.protocol.events import RunPlanned, WorkerStarted
from harness.protocol.messages import TimeLimit
from tests.environments import python_with
from tests.runner.conversation import Journal, MakeProject, RunTests

PLUGINS = ("pytest-timeout", "pytest-rerunfailures", "pytest-randomly", "flaky")
ALONE = ("-p", "no:timeout", "-p", "no:rerunfailures", "-p", "no:randomly", "-p", "no:flaky", "--strict-markers")
INI = "[pytest]\nDJANGO_SETTINGS_MODULE = settings\n"


@pytest.fixture(scope="session")
def python() -> str:
    """A Python with pytest, pytest-django and the plugins."""
    return str(python_with("pytest-plugins", "django>=5.2", "tblib", "pytest-django", "pytest-xdist", *PLUGINS))


@pytest.fixture
def run_pytest(project: MakeProject, run_project: RunTests, python: str, tmp_path: Path) -> RunTests:
    """Runs the text of a test file, with the plugins only if the arguments name them: ``-p no:`` stands before those."""

    def run(
        text: str, *args: str, ini: str = "", off: tuple[str, ...] = ALONE, settings_lines: str = "", **spec: Any
    ) -> Journal:
        files = {"pytest.ini": INI + ini, "test_it.py": "import pytest, time, random\n" + text}
        project(files, settings_lines)
        return run_project(python=python, pytest_args=(*off, *args), framework="pytest", **spec)

    return run


def without(*plugins: str) -> tuple[str, ...]:
    """Arguments that turn all of the plugins off but those named."""
    others = {"timeout", "rerunfailures", "randomly", "flaky"} - set(plugins)
    return tuple(word for name in sorted(others) for word in ("-p", f"no:{name}"))


HANGS = """
@pytest.fixture(scope="session", autouse=True)
def of_session():
    yield
    time.sleep(60)

@pytest.fixture
def slow_set_up():
    time.sleep(60)

@pytest.fixture
def slow_tear_down():
    yield
    time.sleep(60)

@pytest.fixture(scope="module")
def of_module():
    time.sleep(60)

def test_set_up(slow_set_up): pass
def test_call(): time.sleep(60)
def test_tear_down(slow_tear_down): pass
def test_module(of_module): pass
"""


def messages(journal: Journal) -> dict[str, str]:
    return {
        event.test.rpartition("test_it.py::")[2]: event.failures[0].message
        for event in journal.attempts
        if event.failures
    }


class TestLimits:
    def test_a_hang_in_each_phase_is_blamed_with_the_phase(self, run_pytest: RunTests) -> None:
        journal = run_pytest(HANGS, timeout_s=1.0, workers=4)
        assert {event.outcome.value for event in journal.attempts} == {"TIMED_OUT"}
        assert messages(journal) == {
            "test_set_up": "timed out after 1 s, in its set-up",
            "test_call": "timed out after 1 s, in its call",
            "test_tear_down": "timed out after 1 s, in its tear-down",
            "test_module": "timed out after 1 s, in the set-up of the module fixture of_module of test_it.py",
        }

    def test_a_hang_in_a_session_fixtures_tear_down_is_its_own(self, run_pytest: RunTests) -> None:
        journal = run_pytest(HANGS.partition("def test_set_up")[0] + "def test_quick(): pass\n", timeout_s=1.0)
        assert journal.outcomes() == {"test_it.py::test_quick": "PASSED", "session::teardown": "TIMED_OUT"}
        assert messages(journal) == {"session::teardown": "timed out after 1 s"}

    def test_marks_come_before_patterns_and_the_general_limit(self, run_pytest: RunTests) -> None:
        text = """
@pytest.mark.timeout(1)
def test_mark(): time.sleep(30)
@pytest.mark.timeout(timeout=2, method="thread")
class TestClass:
    def test_class(self): time.sleep(30)
    @pytest.mark.timeout(0)
    def test_none(self): time.sleep(2.5)
def test_pattern(): time.sleep(30)
@pytest.mark.timeout(1, func_only=True)
def test_func_only(slow): time.sleep(30)
@pytest.fixture
def slow():
    time.sleep(1.5)
"""
        journal = run_pytest(
            text, timeout_s=2.2, timeouts=(TimeLimit("*::test_pattern", 1.5), TimeLimit("*mark", 9)), workers=4
        )
        assert messages(journal) == {
            "test_mark": "timed out after 1 s, in its call",
            "TestClass::test_class": "timed out after 2 s, in its call",
            "test_pattern": "timed out after 1.5 s, in its call",
            "test_func_only": "timed out after 1 s, in its call",
        }
        assert journal.final("test_it.py::test_func_only").duration > 2.4
        assert journal.outcomes()["test_it.py::TestClass::test_none"] == "PASSED"

    @pytest.mark.parametrize("given", [False, True])
    def test_pytest_timeout_has_the_limit_unless_one_is_given(self, run_pytest: RunTests, given: bool) -> None:
        journal = run_pytest(
            "def test_hang(): time.sleep(30)\n",
            ini="timeout = 1\n",
            off=without("timeout"),
            timeout_s=1.5,
            is_timeout_given=given,
        )
        assert messages(journal) == {"test_hang": f"timed out after {'1.5' if given else '1'} s, in its call"}
        assert journal.notices("timeout") == [
            "pytest-timeout is switched off: the harness itself ends each test at its limit."
        ]

    def test_a_bad_mark_ends_the_run(self, run_pytest: RunTests) -> None:
        journal = run_pytest("@pytest.mark.timeout('soon')\ndef test_a(): pass\n")
        assert journal.aborted.exit_code == 4
        assert journal.aborted.message == "@pytest.mark.timeout('soon') of test_it.py::test_a has no number of seconds."

    def test_stacks_of_faulthandler_are_in_the_failure(self, run_pytest: RunTests) -> None:
        journal = run_pytest("def test_hang(): time.sleep(30)\n", ini="faulthandler_timeout = 0.5\n", timeout_s=2.0)
        (failure,) = journal.final("test_it.py::test_hang").failures
        assert "Timeout (0:00:00.500000)!" in failure.traceback


FLAKY = """
import pathlib
def again(name, times=1):
    file = pathlib.Path(__file__).with_name(name)
    number = int(file.read_text()) if file.exists() else 0
    file.write_text(str(number + 1))
    if number < times:
        raise OSError(name)

@pytest.mark.flaky(reruns=2, reruns_delay=0.1)
def test_twice(): again("twice", 2)
@pytest.mark.flaky(reruns=3, only_rerun="ValueError")
def test_only(): again("only")
@pytest.mark.flaky(reruns=3, rerun_except=OSError)
def test_except(): again("except")
@pytest.mark.flaky(reruns=1, condition="isinstance(error, OSError)")
def test_condition(): again("condition")
@pytest.mark.flaky(reruns=1, condition=False)
def test_never(): again("never")
@pytest.fixture
def tear_down():
    yield
    again("tear_down")
@pytest.mark.flaky
def test_tear_down(tear_down): pass
def test_unmarked(): again("unmarked")
"""
COUNTS = {
    "test_twice": ("PASSED", 3),
    "test_only": ("FAILED", 1),
    "test_except": ("FAILED", 1),
    "test_condition": ("PASSED", 2),
    "test_never": ("FAILED", 1),
    "test_tear_down": ("PASSED", 2),
    "test_unmarked": ("FAILED", 1),
}


def attempts(journal: Journal) -> dict[str, tuple[str, int]]:
    """The outcome and the number of attempts of each test."""
    return {event.test.rpartition("::")[2]: (event.outcome.value, event.n) for event in journal.attempts if event.final}


class TestRetries:
    def test_marks_ask_for_retries_in_workers_of_their_own(self, run_pytest: RunTests) -> None:
        journal = run_pytest(FLAKY)
        assert attempts(journal) == COUNTS
        assert len(journal.all(WorkerStarted)) > 4

    def test_the_plugin_is_off_and_its_options_count(self, run_pytest: RunTests) -> None:
        journal = run_pytest(FLAKY, "--reruns", "1", off=without("rerunfailures"))
        assert attempts(journal) == {**COUNTS, "test_unmarked": ("PASSED", 2)}
        assert journal.notices("reruns") == [
            "pytest-rerunfailures is switched off: the harness itself tries failed tests again, each in a new worker."
        ]

    def test_retries_are_for_tests_without_a_mark(self, run_pytest: RunTests) -> None:
        assert attempts(run_pytest(FLAKY, retries=1)) == {**COUNTS, "test_unmarked": ("PASSED", 2)}

    def test_decorators_of_flaky_have_their_runs(self, run_pytest: RunTests) -> None:
        text = (
            FLAKY.partition("@pytest")[0]
            + """
from flaky import flaky
@flaky(max_runs=3)
def test_runs(): again("runs", 2)
@flaky
def test_bare(): again("bare")
@flaky(rerun_filter=lambda err, *rest: issubclass(err[0], ValueError))
def test_filter(): again("filter")
"""
        )
        journal = run_pytest(text, off=without("flaky"))
        assert attempts(journal) == {
            "test_runs": ("PASSED", 3),
            "test_bare": ("PASSED", 2),
            "test_filter": ("FAILED", 1),
        }


class TestEarlyEnds:
    TEXT = "@pytest.mark.parametrize('n', range(6))\ndef test_n(n): assert n not in (1, 3)\n"

    @pytest.mark.parametrize(("args", "ini", "ran"), [(("-x",), "", 2), ((), "addopts = --maxfail=2\n", 4)])
    def test_the_run_ends_at_its_number_of_failures(
        self, run_pytest: RunTests, args: tuple[str, ...], ini: str, ran: int
    ) -> None:
        journal = run_pytest(self.TEXT, *args, ini=ini, workers=1)
        assert [event.outcome.value for event in journal.attempts].count("NOT_RUN") == 6 - ran
        assert journal.status == 1
        option = "--failfast" if args else "--maxfail=2"
        assert journal.notices("halted") == [f"{option}: test_it.py::test_n[{ran - 1}] FAILED"]

    def test_a_collection_error_counts(self, run_pytest: RunTests, tmp_path: Path) -> None:
        (tmp_path / "test_broken.py").write_text("import nothing_of_this_name\n")
        journal = run_pytest(self.TEXT, "-x")
        assert [event.outcome.value for event in journal.attempts].count("NOT_RUN") == 6
        assert journal.outcomes()["test_broken.py"] == "ERRORED"


ORDERED = """
import pathlib
@pytest.fixture(autouse=True)
def write(request):
    with pathlib.Path(__file__).with_name("order").open("a") as file:
        print(request.node.name, random.random(), file=file)
class TestA:
    def test_1(self): pass
    def test_2(self): pass
    def test_3(self): pass
class TestB:
    def test_1(self): pass
    def test_2(self): pass
def test_last(): pass
"""


def planned(journal: Journal) -> list[str]:
    return [test.id.partition("::")[2] for test in journal.planned]


class TestOrder:
    def test_a_shuffle_keeps_classes_together_and_is_repeated(self, run_pytest: RunTests) -> None:
        first = run_pytest(ORDERED, django=["--shuffle"])
        seed = first.one(RunPlanned).seed
        assert seed is not None
        again = run_pytest(ORDERED, django=[f"--shuffle={seed}"])
        assert planned(again) == planned(first)
        orders = [planned(run_pytest(ORDERED, django=[f"--shuffle={number}"])) for number in range(3)]
        assert len(set(map(tuple, orders))) > 1
        for order in orders:
            classes = [name.rpartition("::")[0] for name in order]
            assert len([cls for cls, before in zip(classes, [None, *classes], strict=False) if cls != before]) == 3

    def test_the_reverse(self, run_pytest: RunTests) -> None:
        assert planned(run_pytest(ORDERED, django=["--reverse"]))[:2] == ["test_last", "TestB::test_2"]

    def test_the_seed_of_randomly_is_the_runs(self, run_pytest: RunTests, tmp_path: Path) -> None:
        first = run_pytest(ORDERED, off=without("randomly"))
        seed = first.one(RunPlanned).seed
        values = sorted((tmp_path / "order").read_text().splitlines())
        (tmp_path / "order").unlink()
        again = run_pytest(ORDERED, off=without("randomly"), django=[f"--shuffle={seed}"], workers=1)
        assert again.one(RunPlanned).seed == seed
        assert planned(again) == planned(first)
        assert sorted((tmp_path / "order").read_text().splitlines()) == values
        named = run_pytest(ORDERED, "-p", "randomly", "--randomly-seed=7", off=without("randomly"))
        assert named.one(RunPlanned).seed == 7
        assert run_pytest(ORDERED).one(RunPlanned).seed is None

    def test_a_replay_has_its_own_order(self, run_pytest: RunTests) -> None:
        order = tuple(
            f"test_it.py::{name}" for name in ("test_last", "TestB::test_2", "TestA::test_3", "TestB::test_1")
        )
        journal = run_pytest(ORDERED, off=without("randomly"), replay=order)
        assert tuple(event.test for event in journal.attempts) == order
        assert run_pytest(ORDERED, replay=(*order, "test_it.py::gone")).aborted.exit_code == 4

    def test_each_test_is_repeated(self, run_pytest: RunTests) -> None:
        journal = run_pytest(ORDERED, repeat=3)
        assert set(attempts(journal).values()) == {("PASSED", 3)}

    def test_units_that_leave_rows_are_named(self, run_pytest: RunTests) -> None:
        text = """
@pytest.fixture(scope="module")
def row(django_db_setup, django_db_blocker):
    from django.contrib.contenttypes.models import ContentType
    with django_db_blocker.unblock():
        ContentType.objects.create(app_label="a", model="b")
@pytest.mark.django_db
def test_one(row): pass
"""
        apps = 'INSTALLED_APPS = ["django.contrib.contenttypes"]\n'
        journal = run_pytest(text, check_isolation=True, settings_lines=apps)
        (notice,) = journal.notices("soiled")
        assert notice.startswith("test_it.py: default: leaves rows in django_content_type (+1)")


class TestSelection:
    def test_deselected_tests_are_counted(self, run_pytest: RunTests) -> None:
        journal = run_pytest(ORDERED, "-k", "test_last")
        assert journal.notices("deselected") == ["5 of 6 tests are deselected, and do not count."]

    @pytest.mark.parametrize(("text", "args"), [("", ()), (ORDERED, ("-k", "nothing"))])
    def test_no_test_at_all_is_exit_code_5(self, run_pytest: RunTests, text: str, args: tuple[str, ...]) -> None:
        assert run_pytest(text, *args).status == 5

    def test_options_that_need_an_earlier_run_are_explained(self, run_pytest: RunTests) -> None:
        (notice,) = run_pytest("def test_a(): pass\n", "--lf").notices("cache")
        assert notice.startswith("--lf finds no results of an earlier run")
