import dataclasses
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.protocol.messages import RunSpec
from harness.runner.pytest.arguments import Given, maxfail, pytest_arguments, sorted_out, xdist_notice

TAG = 'With pytest: -m "NAME" after -- chooses the tests with a marker. framework = "django" keeps Django\'s runner.'


class TestSortedOut:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("-m slow tests/unit", Given(("-m", "slow", "tests/unit"))),
            ("-x", Given((), 1)),
            ("--exitfirst -q", Given(("-q",), 1)),
            ("--maxfail=3", Given((), 3)),
            ("--maxfail 3 -v", Given(("-v",), 3)),
            ("-x --maxfail=2", Given((), 2)),
            ("-xvs", Given(("-v", "-s"), 1)),
            ("-kx", Given(("-kx",))),
            ("-k x", Given(("-k", "x"))),
            ("-vk -x", Given(("-v", "-k", "-x"))),
            ("-n auto", Given((), 0, ("-n", "auto"))),
            ("-n4 --dist=loadfile", Given((), 0, ("-n4", "--dist=loadfile"))),
            (
                "--numprocesses 4 --dist loadgroup -rA",
                Given(("-rA",), 0, ("--numprocesses", "4", "--dist", "loadgroup")),
            ),
            ("-vn2", Given(("-v",), 0, ("-n2",))),
            ("-d --tx 2*popen", Given((), 0, ("-d", "--tx", "2*popen"))),
            (
                "-p no:cacheprovider -o addopts= -W error",
                Given(("-p", "no:cacheprovider", "-o", "addopts=", "-W", "error")),
            ),
            ("-Zq", Given(("-Zq",))),
            ("-n", Given((), 0, ("-n",))),
            ("tests/test_x.py::test_y[-x]", Given(("tests/test_x.py::test_y[-x]",))),
        ],
    )
    def test_limits_and_distribution_are_taken_out(self, words: str, expected: Given) -> None:
        assert sorted_out(words.split()) == expected

    @pytest.mark.parametrize("words", [["--maxfail=many"], ["--maxfail"]])
    def test_a_limit_that_is_no_number_is_an_error(self, words: list[str]) -> None:
        with pytest.raises(UsageError, match="is no number"):
            sorted_out(words)

    def test_an_empty_word_stays(self) -> None:
        assert sorted_out(["-m", "", "-x"]) == Given(("-m", ""), 1)


class TestArguments:
    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            (RunSpec(), ()),
            (RunSpec(settings="shop.settings"), ("--ds=shop.settings",)),
            (RunSpec(settings="shop.settings", is_settings_variable=True), ()),
            (RunSpec(django_args=("--keepdb", "--debug-mode")), ("--reuse-db", "-o", "django_debug_mode=true")),
            (RunSpec(django_args=("--debug-sql", "--buffer", "--timing", "--failfast", "--shuffle=3")), ()),
            (RunSpec(django_args=("-k=cart and not slow",)), ("-k", "cart and not slow")),
            (RunSpec(django_args=("-k=*cart*", "-k=order")), ("-k", "(cart) or (order)")),
            (RunSpec(django_args=("-k=c*t",)), ("-k", "c*t")),
            (RunSpec(django_args=("--verbosity=3",)), ("-vv",)),
            (RunSpec(django_args=("--verbosity=0",), pytest_args=("-x", "-n", "2", "-m", "slow")), ("-m", "slow")),
        ],
    )
    def test_each_option_has_its_counterpart(self, spec: RunSpec, expected: tuple[str, ...]) -> None:
        assert pytest_arguments(spec) == expected

    def test_without_pytest_django_its_options_are_left_out(self) -> None:
        spec = RunSpec(settings="settings", django_args=("--keepdb", "--debug-mode", "-k=a"))
        assert pytest_arguments(spec, has_pytest_django=False) == ("-k", "a")

    def test_labels_come_last(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "test_a.py").touch()
        assert pytest_arguments(RunSpec(labels=("test_a",), pytest_args=("-q",))) == ("-q", "test_a.py")

    @pytest.mark.parametrize("option", ["--tag=slow", "--exclude-tag=slow", "--pattern=t*.py", "--testrunner=a.B"])
    def test_an_option_of_djangos_runner_is_an_error(self, option: str) -> None:
        name = option.partition("=")[0]
        with pytest.raises(UsageError) as error:
            pytest_arguments(RunSpec(django_args=(option,)))
        assert error.value.message == f"{name} is an option of Django's runner, and pytest runs these tests."
        assert error.value.hint.startswith("With pytest: ")

    def test_the_error_names_the_counterpart(self) -> None:
        with pytest.raises(UsageError) as error:
            pytest_arguments(RunSpec(django_args=("--tag=slow",)))
        assert error.value.hint == TAG

    @pytest.mark.parametrize("field", ["legacy_discovery", "doctest"])
    def test_so_is_another_way_to_find_tests(self, field: str) -> None:
        with pytest.raises(UsageError, match=f"--{field.replace('_', '-')} is an option of Django's runner"):
            pytest_arguments(dataclasses.replace(RunSpec(), **{field: True}))  # type: ignore[arg-type]  # both are booleans

    @pytest.mark.parametrize(("word", "message"), [("--pdb", "needs a terminal"), ("--collect-only", "runs no test")])
    def test_a_word_that_no_run_can_take_is_an_error(self, word: str, message: str) -> None:
        with pytest.raises(UsageError, match=f"{word} after -- {message}"):
            pytest_arguments(RunSpec(pytest_args=(word,)))

    def test_two_expressions_of_names_are_an_error(self) -> None:
        with pytest.raises(UsageError, match="-k is given before -- and after it"):
            pytest_arguments(RunSpec(django_args=("-k=a",), pytest_args=("-k", "b")))


class TestLimit:
    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            (RunSpec(), 0),
            (RunSpec(django_args=("--failfast",)), 1),
            (RunSpec(pytest_args=("-x",)), 1),
            (RunSpec(django_args=("--failfast",), pytest_args=("--maxfail=3",)), 3),
        ],
    )
    def test_failures_end_the_run(self, spec: RunSpec, expected: int) -> None:
        assert maxfail(spec) == expected


def test_options_of_xdist_are_named_in_a_notice() -> None:
    assert xdist_notice(RunSpec(pytest_args=("-q",))) == ""
    text = xdist_notice(RunSpec(pytest_args=("-n", "auto", "-q", "--dist=loadfile")))
    assert text.startswith("-n auto --dist=loadfile is left out: the harness runs the tests in its own workers")
