"""A run takes the Python that the project declares, or ends with an error."""

import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError, ProjectError, UsageError
from harness.host.config.load import load
from harness.host.project.python_version import PYTHONS, check_host, choose, declarations, wanted
from tests.unit.host.project.conftest import write

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def pyproject(text: str) -> dict[str, str]:
    return {"pyproject.toml": f'[project]\nname = "x"\nrequires-python = "{text}"\n'}


def poetry(text: str) -> dict[str, str]:
    return {"pyproject.toml": f'[tool.poetry.dependencies]\npython = "{text}"\n'}


POETRY_LOCK = """
[[package]]
name = "x"
python-versions = ">=3.14"

[metadata]
lock-version = "2.1"
python-versions = "~3.12"
content-hash = "0"
"""


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "3.13"),
        (pyproject(">=3.11"), "3.13"),
        (pyproject(">=3.9,<3.13"), "3.12"),
        (pyproject(">=3.14"), "3.14"),
        (pyproject("==3.12.*"), "3.12"),
        (pyproject(">=3.12.4,<3.12.9"), "3.12"),
        (pyproject("!=3.13.*"), "3.14"),
        (pyproject("nonsense"), "3.13"),
        (poetry("^3.11"), "3.13"),
        (poetry("~3.12"), "3.12"),
        (poetry("3.12.*"), "3.12"),
        (poetry(">=3.11 <3.13"), "3.12"),
        (poetry("~3.9 || ~3.11"), "3.11"),
        ({"setup.cfg": "[options]\npython_requires = <3.12\n"}, "3.11"),
        ({"setup.py": "from setuptools import setup\nsetup(name='x', python_requires='>=3.8,<3.13')\n"}, "3.12"),
        ({".python-version": "3.12\n"}, "3.12"),
        ({".python-version": "# ours\ncpython-3.12.4\n"}, "3.12.4"),
        ({".python-version": "3.14-dev\n"}, "3.14"),
        ({".python-version": ">=3.11,<3.13\n"}, "3.12"),
        ({".python-version": "shop-env\n"}, "3.13"),
        ({"runtime.txt": "python-3.12.4\n"}, "3.12.4"),
        ({"runtime.txt": "python-3.13.2\n"}, "3.13.2"),
        ({"Pipfile": '[requires]\npython_version = "3.12"\n'}, "3.12"),
        ({"Pipfile": '[requires]\npython_full_version = "3.11.4"\n'}, "3.11.4"),
        ({**pyproject(">=3.11"), ".python-version": "3.14\n"}, "3.14"),
        (pyproject("==3.12.4"), "3.12.4"),
        ({"uv.lock": 'version = 1\nrequires-python = ">=3.12, <3.13"\n\n[[package]]\nname = "x"\n'}, "3.12"),
        ({"poetry.lock": POETRY_LOCK}, "3.12"),
        ({"pdm.lock": '[metadata]\ngroups = ["default"]\nrequires_python = "==3.12.*"\n\n[[package]]\n'}, "3.12"),
        ({"pylock.toml": 'lock-version = "1.0"\nrequires-python = "~=3.12.0"\n'}, "3.12"),
        ({"Pipfile.lock": '{"_meta": {"requires": {"python_version": "3.12"}}}'}, "3.12"),
        ({"Pipfile.lock": "no JSON"}, "3.13"),
        ({"uv.lock": "version = 1\n", "Pipfile": '[requires]\npython_version = "3.8"\n'}, "3.13"),
    ],
)
def test_a_run_takes_the_declared_version(tmp_path: Path, files: dict[str, str], version: str) -> None:
    config = load({"settings": "x"}, {}, write(tmp_path, files))
    assert (config.python, config.pythons) == (version, (version,))
    assert (config.sources["python"] == "default") == (version == "3.13")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (pyproject(">=3.8,<3.11"), ["requires-python", ">=3.8,<3.11", "3.14", "Correct the range"]),
        ({".python-version": "3.9.1\n"}, [".python-version", "3.9", "--python 3.14"]),
        ({**pyproject("<3.14"), ".python-version": "3.14\n"}, ["requires-python", ".python-version", "--python 3.13"]),
        ({**pyproject(">=3.13.3"), ".python-version": "3.13.1\n"}, ["requires-python", "3.13.1", "--python 3.14"]),
        ({".python-version": "3.13t\n"}, [".python-version says '3.13t'", "without the GIL", "--python 3.14"]),
        ({".python-version": "3.14+freethreaded\n"}, ["usual build of CPython", "--python 3.14"]),
        ({**pyproject("<3.13"), ".python-version": "pypy3.11-7.3.20\n"}, ["PyPy", "--python 3.12"]),
        ({"runtime.txt": "pypy-3.10\n"}, ["runtime.txt says 'pypy-3.10'", "PyPy"]),
    ],
)
def test_a_declared_version_without_an_image_is_an_error(
    tmp_path: Path, files: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(ProjectError) as caught:
        load({"settings": "x"}, {}, write(tmp_path, files))
    assert all(word in f"{caught.value.message} {caught.value.hint}" for word in words)


def test_a_configured_version_wins_over_that_of_developers(tmp_path: Path) -> None:
    write(tmp_path, {**pyproject(">=3.11"), ".python-version": "3.9\n"})
    assert load({"settings": "x", "python": "3.12"}, {}, tmp_path).python == "3.12"


def test_a_folder_above_in_the_repository_declares_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, {**pyproject("==3.12.*"), "shop/manage.py": ""})
    config = load({"settings": "x"}, {}, tmp_path / "shop")
    assert (config.python, config.sources["python"]) == ("3.12", "requires-python of ../pyproject.toml")


class TestReleases:
    def test_a_range_with_a_patch_release_leaves_some_out(self, tmp_path: Path) -> None:
        python = wanted(write(tmp_path, pyproject(">=3.12.4")), "3.12")
        assert [python.accepts(release) for release in ("3.12.3", "3.12.4", "3.13.0")] == [False, True, False]
        assert not python.takes_every_release
        assert str(python) == "3.12 (>=3.12.4)"

    def test_a_range_of_series_takes_every_release(self, tmp_path: Path) -> None:
        python = wanted(write(tmp_path, {**pyproject(">=3.12"), ".python-version": "3.12.4"}), "3.12")
        assert python.takes_every_release
        assert str(python) == "3.12"

    def test_a_release_is_that_one_alone(self, tmp_path: Path) -> None:
        python = wanted(tmp_path, "3.12.4")
        assert [python.accepts(release) for release in ("3.12.4", "3.12.40", "3.12.5")] == [True, False, False]
        assert (python.series, str(python)) == ("3.12", "3.12.4")


def test_a_configured_version_outside_the_range_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, pyproject(">=3.13"))
    with pytest.raises(UsageError, match=r"--python names Python 3\.12"):
        load({"settings": "x", "python": "3.12"}, {}, tmp_path)
    with pytest.raises(UsageError, match="HARNESS_PYTHON names"):
        load({"settings": "x"}, {"HARNESS_PYTHON": "3.11"}, tmp_path)


class TestRunnerHost:
    @pytest.mark.parametrize(
        ("files", "named", "error"),
        [
            ({}, (), None),
            (pyproject(">=3.11"), (), None),
            (pyproject(">=3.13"), (), ProjectError),
            ({".python-version": "3.12"}, (), ProjectError),
            ({".python-version": "3.12"}, ("3.11",), None),
            ({}, ("3.12", "3.11"), None),
            ({}, ("3.12",), UsageError),
        ],
    )
    def test_this_interpreter_has_to_be_allowed(
        self, tmp_path: Path, files: dict[str, str], named: tuple[str, ...], error: type[HarnessError] | None
    ) -> None:
        found: HarnessError | None = check_host(declarations(write(tmp_path, files)), named, "3.11")
        assert type(found) is (error or type(None))
        assert found is None or "3.11" in found.message

    def test_a_run_checks_this_interpreter(self, tmp_path: Path) -> None:
        other = next(version for version in PYTHONS if version != RUNNING)
        write(tmp_path, {".python-version": other})
        with pytest.raises(ProjectError, match="--runner host"):
            load({"settings": "x", "runner": "host"}, {}, tmp_path)
        load({"settings": "x", "runner": "host", "python": RUNNING}, {}, tmp_path)
        load({"runner": "host"}, {}, tmp_path, need_settings=False)  # no run: a report that is merged


def test_the_newest_is_taken_if_the_default_is_not_allowed(tmp_path: Path) -> None:
    declared = declarations(write(tmp_path, pyproject("<3.13")))
    assert choose(declared, "3.13") == ("3.12", "requires-python of pyproject.toml")
