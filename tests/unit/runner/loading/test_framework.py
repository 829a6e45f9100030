import sys
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.protocol.messages import RunSpec
from harness.runner.loading import framework
from harness.runner.loading.framework import Evidence, advice, calls_pytest, choose, evidence, setup_of_pytest

READY = Evidence(configured="pytest.ini", pytest="8.4.2", pytest_django="4.11.1")


def decision(known: Evidence) -> str:
    chosen = choose(known)
    return f"{chosen.framework}: {chosen.reason}"


class TestChoice:
    @pytest.mark.parametrize(
        ("known", "expected"),
        [
            (READY, "pytest: pytest.ini, and pytest 8.4.2 is installed"),
            (Evidence(pytest="8.4.2", pytest_django="4.11.1"), "django: no configuration of pytest"),
            (
                Evidence(configured="pytest.ini"),
                "django: pytest.ini is there, but pytest is not installed where the tests run",
            ),
            (
                Evidence(configured="pytest.ini", pytest="6.2.5", pytest_django="4.5"),
                "django: pytest.ini is there, but pytest 6.2.5 is installed, and the harness runs pytest 8 and later",
            ),
            (
                Evidence(configured="conftest.py", pytest="9.0.0rc1"),
                "django: conftest.py is there, but pytest-django is not installed, and no conftest.py sets Django up",
            ),
            (
                Evidence(configured="conftest.py", pytest="9.0.0rc1", sets_django_up=True),
                "pytest: conftest.py, and pytest 9.0.0rc1 is installed",
            ),
            (
                Evidence(has_bootstrap=True, configured="pytest.ini", pytest="8.4.2", pytest_django="4.11.1"),
                "django: bootstrap has the project's own command",
            ),
            (
                Evidence("django", configured="pytest.ini", pytest="8.4.2", pytest_django="4.11.1"),
                'django: framework = "django"',
            ),
            (Evidence("pytest", pytest="8.4.2"), 'pytest: framework = "pytest"'),
            (Evidence(has_options=True, pytest="8.4.2"), "pytest: options for pytest are given"),
        ],
    )
    def test_pytest_is_chosen_where_it_is_set_up_and_can_run(self, known: Evidence, expected: str) -> None:
        assert decision(known) == expected

    def test_the_version_names_the_packages_that_are_there(self) -> None:
        assert choose(READY).version == "pytest 8.4.2, pytest-django 4.11.1"
        assert choose(Evidence("pytest", pytest="9.0.1")).version == "pytest 9.0.1"
        assert choose(Evidence()).version == ""

    @pytest.mark.parametrize(
        ("version", "message", "hint"),
        [
            ("", "pytest is not installed where the tests run", 'extra_install = ["pytest", "pytest-django"]'),
            ("7.4.4", "pytest 7.4.4 is installed, and the harness runs pytest 8 and later", "pytest>=8"),
        ],
    )
    def test_a_pytest_that_is_asked_for_and_cannot_run_is_an_error(self, version: str, message: str, hint: str) -> None:
        with pytest.raises(ProjectError) as error:
            choose(Evidence("pytest", configured="pytest.ini", pytest=version))
        assert error.value.message == f'The run is for pytest (framework = "pytest"), but {message}.'
        assert hint in error.value.hint

    def test_so_is_one_that_options_are_for(self) -> None:
        with pytest.raises(ProjectError, match=r"\(options for pytest are given\), but pytest is not"):
            choose(Evidence(has_options=True))


class TestAdvice:
    def test_a_project_of_pytest_that_django_runs_is_told(self) -> None:
        known = Evidence(configured="pytest.ini")
        text = advice(choose(known), known)
        assert text.startswith(
            "Django's runner runs the tests: pytest.ini is there, but pytest is not installed where the tests run. "
        )
        assert 'extra_install = ["pytest", "pytest-django"]' in text
        assert 'framework = "django"' in text

    @pytest.mark.parametrize(
        "known", [READY, Evidence(), Evidence("django", configured="pytest.ini"), Evidence(has_bootstrap=True)]
    )
    def test_a_choice_that_needs_nothing_has_none(self, known: Evidence) -> None:
        assert advice(choose(known), known) == ""


class TestSetup:
    def test_the_nearest_configuration_counts(self, tmp_path: Path) -> None:
        here = tmp_path / "root" / "src" / "app"
        here.mkdir(parents=True)
        (tmp_path / "pytest.ini").touch()  # above the uppermost folder
        assert setup_of_pytest(here, tmp_path / "root") == (here, "")
        (tmp_path / "root" / "conftest.py").touch()
        assert setup_of_pytest(here, tmp_path / "root") == (tmp_path / "root", "conftest.py")
        (tmp_path / "root" / "setup.cfg").write_text("[tool:pytest]\n")
        (here / "conftest.py").touch()
        assert setup_of_pytest(here, tmp_path / "root") == (tmp_path / "root", "[tool:pytest] of setup.cfg")
        (here / "pytest.ini").touch()
        assert setup_of_pytest(here, tmp_path / "root") == (here, "pytest.ini")

    def test_a_conftest_below_is_found_where_pytest_looks(self, tmp_path: Path) -> None:
        for folder in ("node_modules", "shop/tests"):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "conftest.py").touch()
        assert setup_of_pytest(tmp_path, tmp_path) == (tmp_path, "shop/tests/conftest.py")

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("import django\ndjango.setup()\n", True),
            ("def pytest_configure():\n    settings.configure(DEBUG=False)\n", True),
            ("from django import setup\nsetup()\n", True),
            ("import pytest\n", False),
        ],
    )
    def test_a_conftest_may_set_django_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: bool
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(framework, "_version", {"pytest": "8.4.2", "pytest-django": ""}.__getitem__)
        (tmp_path / "conftest.py").write_text(source)
        found = evidence(RunSpec(), tmp_path)
        assert found == Evidence(configured="conftest.py", pytest="8.4.2", sets_django_up=expected)

    @pytest.mark.parametrize("spec", [RunSpec(framework="django"), RunSpec(bootstrap=("runtests.py",))])
    def test_no_file_is_read_where_the_user_has_decided(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: RunSpec
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "pytest.ini").touch()
        assert evidence(spec, tmp_path).configured == ""


class TestOwnRunner:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            (
                "class Runner:\n    def run_tests(self, labels):\n        import pytest\n        return pytest.main([])\n",
                True,
            ),
            (
                "from pytest import main as go\nclass Runner:\n    def run_tests(self, labels):\n        return go()\n",
                True,
            ),
            ("import pytest\nclass Other:\n    x = pytest.main()\nclass Runner:\n    pass\n", False),
            ("class Runner(:\n", False),
        ],
    )
    def test_a_runner_that_calls_pytest_is_recognised(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: bool
    ) -> None:
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "own_pytest_runner.py").write_text(source)
        assert calls_pytest("own_pytest_runner.Runner") is expected
        assert "own_pytest_runner" not in sys.modules

    @pytest.mark.parametrize("name", ["no.such.Runner", "Runner", "django.test.runner.DiscoverRunner", ""])
    def test_other_names_are_none(self, name: str) -> None:
        assert not calls_pytest(name)
