"""A pytest project, or a command line for it, that cannot be run: what failed, the next step, the project's traceback."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode
from harness.protocol.events import TopologyFound
from harness.protocol.messages import Begin, RunSpec, ServersReady, Stop, UseRoutes
from tests.environments import python_with
from tests.files import write_files
from tests.runner.conftest import SETTINGS, together
from tests.runner.conversation import Conversation, Journal, plain_routes, run
from tests.waiting import wait_for_text

INI = "[pytest]\nDJANGO_SETTINGS_MODULE = settings\n"
TESTS = """
import pytest

def test_a():
    pass

class TestA:
    @pytest.mark.parametrize("n", [1, 2])
    def test_b(self, n):
        pass
"""
RAISES = "def load():\n    raise ValueError('no licence')\n\nload()\n"
FILES = {"settings.py": SETTINGS, "pytest.ini": INI, "tests/__init__.py": "", "tests/test_x.py": TESTS}


@dataclass(frozen=True)
class Case:
    """*files* in place of those of ``FILES``, the task, and texts that must be in the message, the hint and the evidence."""

    code: int
    message: str
    hint: str = ""
    evidence: str = ""
    files: dict[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    settings: str | None = None


def ini(line: str) -> dict[str, str]:
    return {"pytest.ini": f"{INI}{line}\n"}


def conftest(text: str, folder: str = "") -> dict[str, str]:
    return {f"{folder}conftest.py": text}


CASES = {
    "plugin-of-addopts": Case(
        4,
        'Error importing plugin "nosuch"',
        "nosuch is not installed where the tests run",
        files=ini("addopts = -p nosuch"),
    ),
    "plugin-of-a-conftest": Case(
        4, 'Error importing plugin "nosuch"', "nosuch is not installed", files=conftest('pytest_plugins = ["nosuch"]\n')
    ),
    "plugin-after--": Case(2, 'Error importing plugin "nosuch"', "nosuch is not installed", args=("-p", "nosuch")),
    "plugin-that-raises": Case(
        4,
        "ValueError: no licence",
        evidence='plugin.py", line 2, in load',
        files={**conftest('pytest_plugins = ["plugin"]\n'), "plugin.py": RAISES},
    ),
    "entry-point-that-raises": Case(
        4,
        "ValueError: no licence",
        evidence='broken.py", line 2, in load',
        files={
            "broken.py": RAISES,
            "broken-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1\n",
            "broken-1.dist-info/entry_points.txt": "[pytest11]\nbroken = broken\n",
        },
        env={"PYTHONPATH": "."},
    ),
    "conftest-that-raises": Case(
        4,
        "conftest.py cannot be imported: ValueError: no licence",
        "Does pytest itself come further?",
        'conftest.py", line 4, in <module>',
        files=conftest(RAISES),
    ),
    "conftest-of-a-folder": Case(
        4, "tests/conftest.py cannot be imported: ValueError: no licence", files=conftest(RAISES, "tests/")
    ),
    "conftest-that-exits": Case(
        4, "conftest.py, line 2, raised SystemExit: 3", files=conftest("import sys\nsys.exit(3)\n")
    ),
    "conftest-without-syntax": Case(
        4, "conftest.py cannot be imported: SyntaxError", evidence="def f(:", files=conftest("def f(:\n")
    ),
    "conftest-without-a-package": Case(
        4, "No module named 'nosuch'", "nosuch is not installed where the tests run", files=conftest("import nosuch\n")
    ),
    "hook-that-raises": Case(
        4,
        "conftest.py, line 2 in pytest_configure, raised ValueError: no",
        evidence="in pytest_configure",
        files=conftest("def pytest_configure(config):\n    raise ValueError('no')\n"),
    ),
    "hook-that-exits": Case(
        4,
        "conftest.py, line 3 in pytest_sessionstart, called pytest.exit(): no licence",
        files=conftest("import pytest\ndef pytest_sessionstart():\n    pytest.exit('no licence')\n"),
    ),
    "unknown-option-after--": Case(
        2,
        "pytest does not know --reuse-bd, given after -- or in pytest_args.",
        "Options near --reuse-bd: --reuse-db.",
        args=("--reuse-bd",),
    ),
    "unknown-option-of-addopts": Case(
        4,
        "pytest does not know --cov, --reruns, named by addopts of pytest.ini.",
        'extra_install = ["pytest-cov"]',
        files=ini("addopts = --cov=shop --reruns 3"),
    ),
    "value-of-an-option": Case(2, "argument --import-mode: invalid choice: 'x'", args=("--import-mode=x",)),
    "no-such-test": Case(
        4,
        "No test has the id tests/test_x.py::TestA::test_nosuch.",
        "tests/test_x.py::TestA::test_b[1]",
        labels=("tests/test_x.py::TestA::test_nosuch",),
    ),
    "no-such-parameter": Case(
        4,
        "No test has the id tests/test_x.py::TestA::test_b[3].",
        "tests/test_x.py::TestA::test_b[2]",
        labels=("tests/test_x.py::TestA::test_b[3]",),
    ),
    "no-class": Case(
        4,
        "No test has the id tests/test_x.py::test_b.",
        "tests/test_x.py::TestA::test_b",
        labels=("tests/test_x.py::test_b",),
    ),
    "no-such-test-in-a-broken-file": Case(
        4,
        "pytest cannot collect tests/test_y.py",
        evidence="No module named 'nosuch'",
        files={"tests/test_y.py": "import nosuch\n\ndef test_y(): pass\n"},
        labels=("tests/test_y.py::test_y",),
    ),
    "expression": Case(2, "Wrong expression passed to '-m'", "An expression has names", args=("-m", "slow and (")),
    "settings-nowhere": Case(
        4, "pytest-django found no settings: no --ds", "DJANGO_SETTINGS_MODULE = ", files={"pytest.ini": "[pytest]\n"}
    ),
    "settings-that-are-not-there": Case(
        4,
        "The settings nosuch.settings cannot be loaded: ModuleNotFoundError: No module named 'nosuch'",
        "pythonpath",
        files={"pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = nosuch.settings\n"},
    ),
    "settings-that-raise": Case(
        4,
        "The settings settings cannot be loaded: ValueError: no licence",
        evidence='settings.py", line 2, in load',
        files={"settings.py": RAISES},
    ),
    "settings-without-a-package": Case(
        4,
        "The settings settings cannot be loaded: ModuleNotFoundError: No module named 'nosuch'",
        "nosuch is not installed where the tests run",
        files={"settings.py": "import nosuch\n"},
    ),
    "settings-without-a-variable": Case(
        4,
        "The settings settings read 'NOSUCH', which is not there.",
        'env = { NOSUCH = "..." }',
        files={"settings.py": "import os\nos.environ['NOSUCH']\n"},
    ),
    "app-that-is-not-there": Case(
        4,
        "ModuleNotFoundError: No module named 'nosuch'",
        "nosuch is not installed",
        files={"settings.py": SETTINGS.replace("[]", "['nosuch']")},
    ),
    "app-that-reads-another-setting": Case(
        4,
        "shop/__init__.py, line 2, raised AttributeError: 'Settings' object has no attribute 'NOSUCH'",
        files={
            "settings.py": SETTINGS.replace("[]", "['shop']"),
            "shop/__init__.py": "from django.conf import settings\nsettings.NOSUCH\n",
        },
    ),
    "configuration-that-runs-nothing": Case(
        4,
        "pytest is configured with --collect-only, which runs no test.",
        "-o addopts=",
        files=ini("addopts = --collect-only"),
    ),
    "configuration-that-is-not-valid": Case(4, "pytest: pytest.ini:1: ", files={"pytest.ini": "[pytest\n"}),
    "version": Case(4, "'minversion' requires pytest-99", "Name pytest>=99", files=ini("minversion = 99")),
    "required-plugins": Case(
        4,
        "Missing required plugins: pytest-nosuch",
        'extra_install = ["pytest-nosuch"]',
        files=ini("required_plugins = pytest-nosuch"),
    ),
    "root-elsewhere": Case(2, "--rootdir of pytest is /, which is not in the project.", args=("--rootdir=/",)),
    "interrupt-of-a-module": Case(
        4, "tests/test_y.py, line 1, raised KeyboardInterrupt", files={"tests/test_y.py": "raise KeyboardInterrupt\n"}
    ),
}
DIFFERENT = (
    "plugin-of-addopts",
    "plugin-that-raises",
    "unknown-option-of-addopts",
    "no-such-parameter",
    "settings-that-raise",
)
"""Cases whose exceptions and texts are not those of pytest 9 in pytest 8."""


def python(version: int) -> str:
    """A Python with pytest of a major version, pytest-django, and what the runner needs."""
    return str(
        python_with(f"pytest-{version}", f"pytest=={version}.*", "pytest-django", "django>=5.2,<6", "tblib>=3.0")
    )


def write(folder: Path, files: dict[str, str]) -> Path:
    write_files(folder, {**FILES, **files})
    return folder


def run_case(folder: Path, case: Case, version: int) -> Journal:
    spec = RunSpec(labels=case.labels, pytest_args=case.args, workers=2, timeout_s=60.0)
    return run(write(folder, case.files), spec, python=python(version), env=case.env)


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Journal]:
    """The journal of each case with each version of pytest that it is tried with."""
    tried = [*((name, 9) for name in CASES), *((name, 8) for name in DIFFERENT)]

    def call(name: str, version: int) -> Any:
        folder = tmp_path_factory.mktemp(name)
        return lambda: run_case(folder, CASES[name], version)

    return together({(name, version): call(name, version) for name, version in tried})


@pytest.mark.parametrize(("name", "version"), [*((name, 9) for name in CASES), *((name, 8) for name in DIFFERENT)])
def test_the_error_says_what_failed_and_the_next_step(
    name: str, version: int, journals: dict[tuple[str, int], Journal]
) -> None:
    case, journal = CASES[name], journals[name, version]
    aborted = journal.aborted
    assert journal.status == case.code
    assert case.message in aborted.message
    assert case.hint in aborted.hint
    assert case.evidence in aborted.evidence
    assert "/_pytest/" not in aborted.evidence
    assert "/harness/" not in aborted.evidence


def outcome_of(journal: Journal, test: str) -> tuple[str, str]:
    """The outcome of *test*, and the message of its first failure."""
    event = next(event for event in journal.attempts if event.test == test)
    return event.outcome.value, event.failures[0].message


def test_files_that_cannot_be_collected_are_red_and_others_run(tmp_path: Path) -> None:
    """Covers a marker that is not registered, a module's name that occurs twice, and a ``conftest.py`` below the first level."""
    files = {
        **ini("addopts = --strict-markers"),
        "tests/test_marked.py": "import pytest\n\n@pytest.mark.slwo\ndef test_a(): pass\n",
        "tests/deep/conftest.py": RAISES,
        "tests/deep/test_deep.py": "def test_deep(): pass\n",
        "one/test_same.py": "def test_one(): pass\n",
        "two/test_same.py": "def test_two(): pass\n",
    }
    journal = run_case(tmp_path, Case(1, "", files=files), 9)
    assert journal.status == ExitCode.TESTS_FAILED
    assert outcome_of(journal, "tests/test_marked.py") == (
        "ERRORED",
        "'slwo' not found in `markers` configuration option",
    )
    assert outcome_of(journal, "tests/deep") == ("ERRORED", "ValueError: no licence")
    outcome, message = outcome_of(journal, "two/test_same.py")
    assert outcome == "ERRORED"
    assert message.startswith("import file mismatch:\nimported module 'test_same'")
    assert journal.final("tests/test_x.py::test_a").outcome.value == "PASSED"


def test_tests_that_need_pytest_django_name_it_if_it_is_missing(tmp_path: Path) -> None:
    text = "import pytest\n\n@pytest.mark.django_db\ndef test_a(): pass\n\ndef test_b(client): pass\n"
    write(tmp_path, {"tests/test_x.py": text})
    spec = RunSpec(framework="pytest", settings="settings", workers=2)
    journal = run(tmp_path, spec, python=sys.executable)
    assert journal.status == ExitCode.PROJECT
    assert journal.aborted.message == (
        "2 of the tests need pytest-django (tests/test_x.py::test_a, tests/test_x.py::test_b):"
        " pytest-django is not installed where the tests run."
    )
    assert 'extra_install = ["pytest-django"]' in journal.aborted.hint


def test_capture_that_is_switched_off_runs_the_tests(tmp_path: Path) -> None:
    journal = run_case(tmp_path, Case(0, "", args=("-p", "no:capture")), 9)
    assert (journal.status, len(journal.attempts)) == (0, 3)


@pytest.mark.parametrize("file", ["tests/test_slow.py", "tests/conftest.py"])
def test_an_interrupt_while_pytest_collects_ends_the_run_as_one(tmp_path: Path, file: str) -> None:
    text = "import time, pathlib\npathlib.Path('collecting').touch()\ntime.sleep(100)\n"
    write(tmp_path, {file: text})
    with Conversation(tmp_path, python(9)) as conversation:
        conversation.send(Begin(RunSpec(workers=2)))
        found = conversation.read_until(TopologyFound).event
        assert isinstance(found, TopologyFound)
        conversation.send(UseRoutes(tuple(plain_routes(found))))
        conversation.send(ServersReady(()))
        wait_for_text(tmp_path / "collecting")
        conversation.send(Stop("Ctrl-C on the host", ExitCode.SIGINT))
        journal = conversation.finish()
    assert journal.status == ExitCode.SIGINT
