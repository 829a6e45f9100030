"""Requests that cannot be met: a clear error, the next step, the right exit code, and artifacts.

``test_legacy.py`` has the settings that cannot be used.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import command
from tests.waiting import wait_for_text

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "db"}}
"""
MANAGE = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
"""
TEST = "from django.test import TestCase\n\n\nclass ShopTests(TestCase):\n    def test_it(self):\n        pass\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project of which a test breaks one thing. It brings nothing to install: the runner runs beside these tests."""
    return make_project(tmp_path / "project")


def make_project(root: Path) -> Path:
    for name, text in {
        "manage.py": MANAGE,
        "settings.py": SETTINGS,
        "shop/__init__.py": "",
        "shop/migrations/__init__.py": "",
        "shop/tests.py": TEST,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def run(project: Path, *args: str, env: dict[str, str] | None = None, runner: str = "host") -> command.Ended:
    return command.harness(
        "--project", str(project), "--runner", runner, *args, artifacts=project.parent / "artifacts", env=env
    )


def databases(project: Path, text: str) -> None:
    (project / "settings.py").write_text(f"{SETTINGS}\nDATABASES = {text}\n")


class TestWithoutDocker:
    def test_no_engine_is_a_three_that_says_what_to_do(self, project: Path) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            host = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        ended = run(project, "--db", "postgres", env=command.environment(DOCKER_HOST=host))
        assert ended.code == 3
        assert "DOCKER_HOST" in ended.output
        assert "Docker" in command.red_case(ended)
        assert ended.summary["exit_code"] == 3

    @pytest.mark.parametrize("db", ["postgers", "postgres:9.6"])
    def test_an_unknown_engine_or_version_names_the_known(self, project: Path, db: str) -> None:
        ended = run(project, "--db", db)
        assert ended.code == 2
        assert "15, 17, 18" in ended.err

    def test_an_unknown_key_suggests_the_nearest(self, project: Path) -> None:
        (project / "pyproject.toml").write_text("[tool.harness]\ntimout = 3\n")
        ended = run(project)
        assert ended.code == 2
        assert "'timeout'" in ended.err

    def test_a_folder_that_is_no_django_project(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        ended = run(tmp_path / "empty")
        assert ended.code == 4
        assert "--settings" in ended.err

    def test_an_artifacts_folder_that_cannot_be_written(self, project: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        ended = command.harness("--project", str(project), artifacts=tmp_path / "file" / "artifacts")
        assert ended.code == 2
        assert "--artifacts" in ended.err


@pytest.mark.docker
class TestProject:
    def test_a_module_that_cannot_be_imported_is_a_red_test(self, project: Path) -> None:
        (project / "shop" / "test_broken.py").write_text("import nothing_like_this\n")
        ended = run(project, "--db", "sqlite", "--pattern", "test*.py")
        assert ended.code == 1
        assert ended.outcomes["unittest.loader._FailedTest.shop.test_broken"] == "ERRORED"
        assert ended.outcomes["shop.tests.ShopTests.test_it"] == "PASSED"

    def test_a_missing_driver_is_named(self, project: Path) -> None:
        """A project that brings Django alone is asked to bring the driver of its own settings."""
        (project / "requirements.txt").write_text("Django>=5.2\n")
        ended = run(project, runner="container")
        assert ended.code == 4
        assert "psycopg" in ended.output


CONFTEST = """import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
"""


@pytest.mark.docker
class TestPytest:
    """Errors that end pytest; ``tests/runner/test_pytest_bad_input.py`` has the others."""

    def run(self, project: Path, *args: str, conftest: str = "") -> command.Ended:
        (project / "conftest.py").write_text(CONFTEST + conftest)
        return run(project, "--db", "sqlite", *args)

    def test_a_conftest_that_raises_shows_its_line(self, project: Path) -> None:
        ended = self.run(project, conftest="raise ValueError('no licence')\n")
        assert ended.code == 4
        assert "conftest.py cannot be imported: ValueError: no licence" in command.red_case(ended)
        assert 'conftest.py", line 7, in <module>' in ended.output
        assert "_pytest" not in ended.output

    def test_an_unknown_option_names_a_near_one(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.harness]\npytest_args = ["--capure=no"]\n')
        ended = self.run(project)
        assert ended.code == 2
        assert "pytest does not know --capure, given after -- or in pytest_args." in flat(ended)
        assert "Options near --capure: --capture" in flat(ended)

    def test_a_node_id_that_does_not_exist_names_near_ones(self, project: Path) -> None:
        ended = self.run(project, "shop/tests.py::ShopTests::test_its")
        assert ended.code == 4
        assert "No test has the id shop/tests.py::ShopTests::test_its." in flat(ended)
        assert "Near ids: shop/tests.py::ShopTests::test_it" in flat(ended)


@pytest.mark.docker
class TestRun:
    def test_databases_too_large_for_memory_are_on_disk(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.harness.servers.postgres]\nmemory_size = "900000g"\n')
        ended = run(project)
        assert ended.code == 0, ended.output
        assert "postgres: its databases are on the engine's disk" in " ".join(ended.output.split())
        assert "memory_size in [tool.harness.servers.postgres]" in " ".join(ended.output.split())

    def test_a_server_larger_than_its_memory_exits_with_three(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.harness.servers.postgres]\nmemory_size = "64k"\n')
        ended = run(project)
        assert ended.code == 3, ended.output
        told = " ".join(ended.output.split())
        assert "No space left on device" in told
        assert "memory_size and in_memory in [tool.harness.servers.postgres]" in told

    def test_an_image_from_nowhere_is_explained(self, project: Path) -> None:
        (project / "pyproject.toml").write_text(
            '[tool.harness.servers.postgres]\nimage = "no.such.registry.invalid/pg:17"\n'
        )
        ended = run(project)
        assert ended.code == 3
        assert "no.such.registry.invalid" in command.red_case(ended) + ended.output

    def test_a_second_run_in_the_same_folder_says_why_not(self, project: Path) -> None:
        (project / "shop" / "tests.py").write_text("import time\nfrom unittest import TestCase\n\n\n"
            "class T(TestCase):\n    def test_it(self):\n        time.sleep(8)\n")  # fmt: skip
        artifacts = project.parent / "artifacts"
        first = subprocess.Popen(
            [sys.executable, "-m", "harness", "ci", "--project", project, "--runner", "host", "--artifacts", artifacts],
            cwd=command.ROOT,
            env=command.environment(),
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for_text(artifacts / "journal.ndjson")
            second = run(project)
            assert second.code == 2
            assert "--artifacts" in second.err
            assert first.wait(60) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                first.kill()
            first.wait()

    def test_an_interrupted_run_is_red_and_leaves_nothing(self, project: Path) -> None:
        (project / "shop" / "tests.py").write_text("import time\nfrom django.test import TestCase\n\n\n"
            "class T(TestCase):\n    def test_it(self):\n        time.sleep(60)\n")  # fmt: skip
        user = f"user_{secrets.token_hex(4)}"
        databases(project, f'{{"default": {{**DATABASES["default"], "USER": "{user}"}}}}')
        artifacts = project.parent / "artifacts"
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "ci", "--project", project, "--runner", "host", "--artifacts", artifacts],
            cwd=command.ROOT,
            env=command.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for_text(artifacts / "journal.ndjson", '"AttemptStarted"')
        (run_id,) = command.runs_of(user)
        process.terminate()
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 143, out
        ended = command.Ended(process.returncode, out, "", artifacts)
        assert ended.summary["verdict"] == "interrupted"
        assert ended.outcomes == {"shop.tests.T.test_it": "NOT_RUN"}
        assert not [name for name in command.left_behind() if run_id in name]


MODULE = """[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"
[project]
name = "toml"
version = "99.0"
[tool.setuptools]
py-modules = ["toml"]
"""


def flat(ended: command.Ended) -> str:
    return " ".join(ended.output.split())


@pytest.mark.docker
class TestDependencies:
    """Dependencies in a container: the project's own are installed, and their failures are reported as the project's."""

    def run(self, project: Path, *args: str) -> command.Ended:
        return run(project, "--db", "sqlite", *args, runner="container")

    def write(self, folder: Path, **files: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)

    def test_the_output_of_a_failed_install_is_in_every_report(self, project: Path) -> None:
        self.write(project, pyproject__toml='[tool.harness]\ninstall = ["echo no such thing; exit 3"]\n')
        ended = self.run(project)
        assert ended.code == 4
        assert "exited with 3" in command.red_case(ended)
        assert "no such thing" in ended.out
        assert "no such thing" in (ended.artifacts / "junit.xml").read_text()
        assert ended.summary["exit_code"] == 4

    def test_a_member_of_a_workspace_is_the_one_that_is_installed(self, project: Path) -> None:
        """The public index has a package of that name too."""
        self.write(project / "packages" / "toml", pyproject__toml=MODULE, toml__py="OURS = True\n")
        self.write(
            project,
            pyproject__toml='[project]\nname = "shop"\nversion = "1"\ndependencies = ["Django>=5.2", "toml"]\n'
            '[tool.uv.sources]\ntoml = {workspace = true}\n[tool.uv.workspace]\nmembers = ["packages/*"]\n',
        )
        (project / "shop" / "tests.py").write_text(
            "import toml\nfrom unittest import TestCase\n\n\nclass T(TestCase):\n"
            "    def test_it(self):\n        assert toml.OURS\n"
        )
        ended = self.run(project)
        assert ended.code == 0, ended.output

    def test_a_folder_beside_is_refused_and_the_next_step_works(self, project: Path) -> None:
        """The test follows the hint literally."""
        self.write(project.parent / "shared", pyproject__toml=MODULE, toml__py="OURS = True\n")
        self.write(project, requirements__txt="Django>=5.2\n-e ../shared\n")
        refused = self.run(project)
        assert refused.code == 4
        assert "requirements.txt names ../shared" in flat(refused)
        found = re.search(r"\[tool\.harness\] (root = \S+) in (\S+/pyproject\.toml)", flat(refused))
        assert found
        Path(found[2]).write_text(f"[tool.harness]\n{found[1]}\n")
        ended = self.run(project)
        assert ended.code == 0, ended.output

    def test_another_python_than_the_declared_one_is_never_used(self, project: Path) -> None:
        self.write(project, pyproject__toml='[project]\nname = "x"\nversion = "1"\nrequires-python = "<3.11"\n')
        ended = self.run(project)
        assert ended.code == 4
        assert "requires-python" in ended.err

    def test_what_is_missing_beside_the_checkout_is_said(self, project: Path) -> None:
        """Covers a submodule that was not fetched, and a backend that no DATABASES takes."""
        databases(project, "{}")
        (project / ".gitmodules").write_text('[submodule "libs/x"]\n\tpath = libs/x\n\turl = ../x\n')
        (project / "shop" / "tests.py").write_text(
            "from unittest import TestCase\n\n\nclass T(TestCase):\n    def test_it(self):\n        pass\n"
        )
        ended = run(project, "--db", "postgres")
        assert ended.code == 0, ended.output
        assert "git submodule update --init libs/x" in flat(ended)
        assert "--db postgres has no effect" in flat(ended)


SLEEPS = """
import time
while True:
    try:
        time.sleep(1000)
    except BaseException:
        pass
"""
IN_C = """
import ctypes
mutex = ctypes.create_string_buffer(64)
ctypes.PyDLL(None).pthread_mutex_lock(mutex)
ctypes.PyDLL(None).pthread_mutex_lock(mutex)
"""
IN_THE_RUNNER = """
import subprocess, time
from django.test.runner import DiscoverRunner

class Runner(DiscoverRunner):
    def setup_databases(self, **kwargs):
        made = super().setup_databases(**kwargs)
        self.wait("setup")
        return made

    def teardown_databases(self, *args, **kwargs):
        super().teardown_databases(*args, **kwargs)
        self.wait("teardown")

    def wait(self, moment):
        if moment == "MOMENT":
            time.sleep(1000)
"""

RUNS_ALONE = """
import time, unittest

class Runner:
    def __init__(self, **options):
        pass

    def run_tests(self, labels, **kwargs):
        class Tests(unittest.TestCase):
            def test_a(self):
                pass

            def test_b(self):
                for _ in range(SECONDS):
                    time.sleep(1)

            def test_c(self):
                for _ in range(SECONDS):
                    time.sleep(1)
        unittest.defaultTestLoader.loadTestsFromTestCase(Tests).run(unittest.TestResult())
"""


@pytest.mark.docker
class TestHangs:
    """The time limits for a project that hangs for good before or after its tests."""

    @pytest.mark.parametrize(
        ("file", "text", "place", "what"),
        [
            ("settings.py", SETTINGS + SLEEPS, "it hangs in settings.py, line 10 in <module>", "loaded its settings"),
            ("shop/tests.py", IN_C, "shop/tests.py, line 5 in <module>", "the list of its tests"),
            ("runner.py", IN_THE_RUNNER.replace("MOMENT", "setup"), "runner.py, line 17 in wait", "its test databases"),
            ("runner.py", IN_THE_RUNNER.replace("MOMENT", "teardown"), "runner.py, line 17 in wait", "after its tests"),
        ],
    )
    def test_one_ends_by_a_limit_and_is_reported_where_it_hangs(
        self, project: Path, file: str, text: str, place: str, what: str
    ) -> None:
        (project / file).write_text(text)
        if file == "runner.py":
            (project / "settings.py").write_text(f'{SETTINGS}\nTEST_RUNNER = "runner.Runner"\n')
        ended = run(project, "--db", "sqlite", "--setup-timeout", "3", "--template-timeout", "3")
        assert ended.code == 4, ended.output
        told = command.red_case(ended)
        assert what in told
        assert place in told
        assert ended.summary["counts"]["passed"] == (what == "after its tests")

    @pytest.mark.parametrize(
        ("flag", "seconds", "what"),
        [
            ("--timeout", 1000, "ended runner.Runner.run_tests.<locals>.Tests.test_b"),
            ("--run-timeout", 5, "ended its tests"),
        ],
    )
    def test_a_runner_with_run_tests_alone_has_limits(self, project: Path, flag: str, seconds: int, what: str) -> None:
        (project / "runner.py").write_text(RUNS_ALONE.replace("SECONDS", str(seconds)))
        (project / "settings.py").write_text(f'{SETTINGS}\nTEST_RUNNER = "runner.Runner"\n')
        ended = run(project, "--db", "sqlite", flag, "3")
        assert ended.code == 4, ended.output
        told = command.red_case(ended)
        assert f"the project has not {what}: it hangs in runner.py, line" in told
        assert ended.summary["counts"]["passed"] >= 1
