"""The walls between the rooms, each looked at from a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
names = [{package!r}, *(module.name for module in pkgutil.walk_packages(package.__path__, {package!r} + "."))]
for name in names:
    importlib.import_module(name)
assert len(names) > 5, names
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def imported_with(package):
    """The top-level packages that are loaded once every module of *package* is."""
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL.format(package=package)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize("package", ["harness.host", "harness.report", "harness.protocol"])
def test_the_hosts_side_never_imports_django(package: str) -> None:
    assert not imported_with(package) & {"django", "psycopg"}


def test_the_command_line_never_imports_django() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import harness.cli, sys; sys.exit('django' in sys.modules)"], cwd=ROOT
    )
    assert result.returncode == 0


def test_the_runner_never_imports_what_is_the_hosts() -> None:
    loaded = imported_with("harness.runner")
    assert "django" in loaded
    assert not loaded & {"docker", "testcontainers", "click", "rich", "junit_xml", "requests"}


@pytest.mark.parametrize("package", ["harness.report", "harness.protocol"])
def test_docker_stays_with_the_host(package: str) -> None:
    assert not imported_with(package) & {"docker", "testcontainers"}


def test_imports_go_one_way() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
