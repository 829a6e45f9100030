"""The choice of a framework, and the options that only one of them has."""

from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.frameworks import pytest_args
from tests.unit.host.config.conftest import load, refuse, text_of

OPTIONS = ("-m", "not slow")


class TestPytestArgs:
    def test_they_are_words_of_every_place(self, project: Path) -> None:
        assert load(project, 'pytest_args = ["-m", "not slow", ""]').pytest_args == ("-m", "not slow", "")
        config = load(project, environ={"HARNESS_PYTEST_ARGS": "-m 'not slow'"})
        assert (config.pytest_args, config.sources["pytest_args"]) == (OPTIONS, "HARNESS_PYTEST_ARGS")
        assert load(project, 'pytest_args = ["-q"]', pytest_args=OPTIONS).pytest_args == OPTIONS

    def test_quotes_that_stay_open_are_an_error(self, project: Path) -> None:
        error = refuse(project, environ={"HARNESS_PYTEST_ARGS": "-m 'not slow"})
        assert error.exit_code is ExitCode.USAGE
        assert "HARNESS_PYTEST_ARGS: expected a list of words" in error.message

    @pytest.mark.parametrize("toml", ['framework = "django"', 'bootstrap = "runtests:configure"'])
    def test_djangos_runner_gets_none(self, project: Path, toml: str) -> None:
        config = load(project, f'{toml}\npytest_args = ["-q"]')
        assert pytest_args(config) == ()

    def test_a_run_that_may_be_by_pytest_gets_them(self, project: Path) -> None:
        for framework in ("auto", "pytest"):
            assert pytest_args(load(project, framework=framework, pytest_args=OPTIONS)) == OPTIONS

    @pytest.mark.parametrize("toml", ['framework = "django"', 'bootstrap = "runtests:configure"'])
    def test_djangos_runner_refuses_those_of_the_command_line(self, project: Path, toml: str) -> None:
        error = refuse(project, toml, pytest_args=OPTIONS)
        assert error.exit_code is ExitCode.USAGE
        assert "Words after -- are options of pytest" in error.message


class TestPytest:
    @pytest.mark.parametrize(
        ("toml", "message", "next_step"),
        [
            ('tag = ["slow"]', "--tag is an option of Django's runner", '-m "NAME" after --'),
            ("doctest = true", "--doctest is an option of Django's runner", "--doctest-modules after --"),
            ("legacy_discovery = true", "--legacy-discovery is an option of Django's runner", "python_files"),
            ('pytest_args = ["--pdb"]', "--pdb after -- needs a terminal", "traceback"),
            ('bootstrap = "runtests:configure"', "exclude each other", "Leave bootstrap out"),
        ],
    )
    def test_what_it_cannot_take_is_refused(self, project: Path, toml: str, message: str, next_step: str) -> None:
        error = refuse(project, f'framework = "pytest"\n{toml}')
        assert error.exit_code is ExitCode.USAGE
        assert message in error.message
        assert next_step in text_of(error)

    def test_what_both_have_is_taken(self, project: Path) -> None:
        toml = "failfast = true\nshuffle = 3\nkeepdb = true\ndebug_sql = true\nbuffer = true\nname_patterns = ['a']"
        assert load(project, f'framework = "pytest"\n{toml}').framework == "pytest"

    def test_reports_are_merged_whatever_the_options(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.harness]\nframework = "pytest"\ntag = ["slow"]\n')
        from harness.host.config.load import load as load_config

        assert load_config({"project": str(project)}, {}, project, need_settings=False).tag == ("slow",)


class TestSettings:
    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("pytest.ini", ""),
            ("pytest.toml", ""),
            ("pyproject.toml", "[tool.pytest.ini_options]\n"),
            ("pyproject.toml", "[tool.pytest]\n"),
            ("setup.cfg", "[tool:pytest]\n"),
            ("tox.ini", "[pytest]\n"),
            ("conftest.py", ""),
            ("src/tests/conftest.py", ""),
        ],
    )
    def test_a_project_of_pytest_needs_none(self, project: Path, file: str, text: str) -> None:
        (project / "manage.py").unlink()
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text(text)
        assert load(project).settings is None
        assert refuse(project, framework="django").exit_code is ExitCode.PROJECT

    def test_neither_does_one_that_is_said_to_be(self, project: Path) -> None:
        (project / "manage.py").unlink()
        assert load(project, framework="pytest").settings is None
        assert load(project, pytest_args=OPTIONS).settings is None
        assert refuse(project).exit_code is ExitCode.PROJECT
