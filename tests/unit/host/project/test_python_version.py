"""A run takes the Python that the project declares, or ends with an error."""

import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError, ProjectError, UsageError
from harness.host.config.load import load
from harness.host.project.python_version import PYTHONS, check_host, choose, declarations
from tests.unit.host.project.conftest import write

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def pyproject(text: str) -> dict[str, str]:
    return {"pyproject.toml": f'[project]\nname = "x"\nrequires-python = "{text}"\n'}


def poetry(text: str) -> dict[str, str]:
    return {"pyproject.toml": f'[tool.poetry.dependencies]\npython = "{text}"\n'}


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
        ({".python-version": "# ours\ncpython-3.12.4\n"}, "3.12"),
        ({".python-version": "shop-env\n"}, "3.13"),
        ({"runtime.txt": "python-3.12.4\n"}, "3.12"),
        ({"Pipfile": '[requires]\npython_version = "3.12"\n'}, "3.12"),
        ({"Pipfile": '[requires]\npython_full_version = "3.11.4"\n'}, "3.11"),
        ({**pyproject(">=3.11"), ".python-version": "3.14\n"}, "3.14"),
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
