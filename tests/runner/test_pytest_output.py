"""The output of tests of pytest, whichever way it captures, and also where their worker dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.protocol.messages import RunSpec
from tests.environments import python_with
from tests.runner.conversation import Journal, run

TESTS = """
import logging, os, subprocess, sys

import pytest

def tell(place):
    print(f"out of the {place}")
    print(f"err of the {place}", file=sys.stderr)
    subprocess.run(["echo", f"a process of the {place}"])
    logging.getLogger().warning(f"log of the {place}")

@pytest.fixture
def thing():
    tell("set-up")
    yield
    tell("tear-down")

@pytest.fixture
def dies_after(thing):
    yield
    tell("end")
    os._exit(3)

def test_passes(thing):
    tell("call")

def test_fails(thing):
    tell("call")
    assert 0

def test_dies(thing):
    tell("call")
    os._exit(3)

def test_dies_at_its_end(dies_after):
    tell("call")

def test_is_whole_after_that(thing):
    tell("call")
    assert 0

def test_closes_the_streams():
    sys.stdout.close()
    sys.stderr.close()

def test_is_heard_after_that(thing):
    tell("call")
    assert 0

def test_has_much_to_say():
    os.write(1, b"x" * 10_000_000)
    print("at last")
    raise ValueError("y" * 10_000_000)
"""
MODES = ("fd", "sys", "tee-sys", "no")
CALL = ["set-up", "call"]
ALL = ["set-up", "call", "tear-down"]


def lines(place: str) -> tuple[str, str]:
    return f"out of the {place}\na process of the {place}\n", f"err of the {place}\n"


@pytest.fixture(
    scope="module", params=[(version, mode) for version in (8, 9) for mode in MODES], ids="{0[0]}-{0[1]}".format
)
def setting(request: pytest.FixtureRequest) -> tuple[int, str]:
    """A version of pytest, and a mode of its capture."""
    version, mode = request.param
    return version, mode


@pytest.fixture(scope="module")
def journal(setting: tuple[int, str], tmp_path_factory: pytest.TempPathFactory) -> Journal:
    version, mode = setting
    python = python_of_pytest(version)
    folder = tmp_path_factory.mktemp(f"pytest{version}-{mode}")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    options = ("-p", "no:cacheprovider", f"--capture={mode}")
    spec = RunSpec(settings="settings", workers=1, timeout_s=60.0, framework="pytest", pytest_args=options)
    return run(folder, spec, python=str(python))


def python_of_pytest(version: int) -> Path:
    """The Python of an environment with that version of pytest, and its plugins."""
    packages = ("pytest-django", "pytest-cov", "pytest-xdist", "django==5.2.*", "tblib", "pytest-rerunfailures")
    return python_with(f"pytest-faults-{version}", f"pytest=={version}.*", *packages)


FILES = {
    "settings.py": 'SECRET_KEY = "for tests alone"\nDATABASES = {}\n',
    "pytest.ini": "[pytest]\n",
    "test_output.py": TESTS,
}


@pytest.mark.parametrize(
    ("test", "places"),
    [
        ("test_fails", ALL),
        ("test_dies", CALL),
        ("test_dies_at_its_end", [*CALL, "end"]),
        ("test_is_whole_after_that", ALL),
        ("test_is_heard_after_that", ALL),
    ],
)
def test_output_of_every_phase_is_reported_in_order(journal: Journal, test: str, places: list[str]) -> None:
    attempt = journal.final(f"test_output.py::{test}")
    stdout, stderr = attempt.stdout, attempt.stderr
    assert sorted(stdout.splitlines()) == sorted("".join(lines(place)[0] for place in places).splitlines())
    assert [line for line in stdout.splitlines() if line.startswith("out")] == [
        f"out of the {place}" for place in places
    ]
    assert [line for line in stderr.splitlines() if line.startswith("err")] == [
        f"err of the {place}" for place in places
    ]
    assert stdout.count("out of the call") == 1


def test_output_of_a_test_that_passes_is_as_with_pytest(journal: Journal, setting: tuple[int, str]) -> None:
    attempt = journal.final("test_output.py::test_passes")
    shown = [line for line in attempt.stdout.splitlines() if line.startswith("out")]
    assert shown == ([f"out of the {place}" for place in ALL] if setting[1] in ("no", "tee-sys") else [])


def test_log_records_are_told_from_output(journal: Journal) -> None:
    attempt = journal.final("test_output.py::test_fails")
    assert attempt.log.count("log of the call") == 1
    assert "log of" not in attempt.stderr


def test_a_test_that_closes_its_streams_disturbs_no_other(journal: Journal) -> None:
    outcomes = {event.test.partition("::")[2]: event.outcome.value for event in journal.attempts if event.final}
    assert outcomes["test_is_heard_after_that"] == "FAILED"
    assert outcomes["test_has_much_to_say"] == "FAILED"
    assert not journal.notices("stray-line")


def test_texts_are_bounded(journal: Journal) -> None:
    attempt = journal.final("test_output.py::test_has_much_to_say")
    (failure,) = attempt.failures
    assert attempt.stdout.endswith("at last\n")
    assert max(map(len, (attempt.stdout, failure.message, failure.traceback))) < 210_000


WARNS = {
    "conftest.py": """
import os

def pytest_warning_recorded(warning_message):
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    with open("warnings.txt", "a") as file:
        file.write(f"{warning_message.message}\\n")
""",
    "test_output.py": """
import os, warnings

import pytest

@pytest.mark.parametrize("number", range(12))
def test_warns(number):
    if number % 2:
        os._exit(3)
    warnings.warn(f"of {number}")
""",
}


def test_plugins_hear_of_each_warning_once_whatever_dies(tmp_path: Path) -> None:
    for name, text in {**FILES, **WARNS}.items():
        (tmp_path / name).write_text(text)
    options = ("-p", "no:cacheprovider")
    spec = RunSpec(settings="settings", workers=2, timeout_s=60.0, framework="pytest", pytest_args=options)
    run(tmp_path, spec, python=str(python_of_pytest(9)))
    heard = [line for line in (tmp_path / "warnings.txt").read_text().splitlines() if line.startswith("of ")]
    assert sorted(heard) == sorted(f"of {number}" for number in range(0, 12, 2))
