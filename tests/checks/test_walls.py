"""The walls between the packages, and the imports that are left for later, each in a process that imports one thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHOLE = ("harness.host", "harness.protocol", "harness.report", "harness.runner")
"""Packages that are imported with every module of theirs."""
ALONE = ("harness.cli", "harness.host.run.session", "harness.runner.loading.start")
SCRIPT = """
import importlib, json, os, pkgutil, sys
whole, alone = json.loads(sys.argv[1])
for name in whole + alone:
    child = os.fork()
    if child == 0:
        package = importlib.import_module(name)
        names = [module.name for module in pkgutil.walk_packages(package.__path__, name + ".")] if name in whole else []
        for each in names:
            importlib.import_module(each)
        print(json.dumps([name, len(names), sorted(sys.modules)]), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules that are loaded once a package or a module is."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([WHOLE, ALONE])],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(count > 5 for name, count, _ in entries if name in WHOLE)
    return {name: set(modules) for name, _, modules in entries}


class TestWalls:
    @pytest.mark.parametrize("name", ["harness.host", "harness.report", "harness.protocol", "harness.cli"])
    def test_the_host_side_never_imports_django(self, loaded: dict[str, set[str]], name: str) -> None:
        assert not loaded[name] & {"django", "psycopg"}

    def test_the_runner_never_imports_packages_of_the_host(self, loaded: dict[str, set[str]]) -> None:
        assert "django" in loaded["harness.runner"]
        assert not loaded["harness.runner"] & {"docker", "testcontainers", "click", "rich", "junit_xml", "requests"}

    @pytest.mark.parametrize("name", ["harness.report", "harness.protocol"])
    def test_docker_stays_with_the_host(self, loaded: dict[str, set[str]], name: str) -> None:
        assert not loaded[name] & {"docker", "testcontainers"}


class TestStart:
    @pytest.mark.parametrize(
        ("name", "later"),
        [
            # the servers start as soon as the topology is known; the runner imports Django's test machinery meanwhile
            ("harness.runner.loading.start", "django.test"),
            ("harness.runner.loading.start", "django.db.models"),
            # and the host imports this while the runner starts
            ("harness.host.run.session", "testcontainers"),
        ],
    )
    def test_slow_imports_are_left_for_later(self, loaded: dict[str, set[str]], name: str, later: str) -> None:
        assert later not in loaded[name]
