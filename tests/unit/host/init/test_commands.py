from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.host.init.commands import Step, apt_packages, parse, workflow_steps
from harness.host.init.commands import test_commands as commands_in
from tests.unit.host.project.conftest import write

WORKFLOW = """\
on: push
env:
  LEVEL: workflow
jobs:
  tests:
    strategy:
      matrix:
        db: [sqlite, postgres]
        include:
          - image: mysql:8.4
    services:
      one:
        image: ${{ matrix.image }}
      two:
        image: postgres:${{ fromJSON('[15]') }}
    env:
      DB: ${{ matrix.db }}
      SECRET: ${{ secrets.KEY }}
    steps:
      - run: sudo apt-get install -y libmagic1
      - run: RUN
        env:
          LEVEL: step
"""


def workflow(command: str) -> str:
    return WORKFLOW.replace("RUN", command)


class TestParse:
    @pytest.mark.parametrize(
        ("text", "script", "values"),
        [
            ("python manage.py test", "manage.py", {}),
            ("./manage.py test core --exclude-tag=slow", "manage.py", {"labels": ("core",), "exclude_tag": ("slow",)}),
            ("coverage run --source=. tests/manage.py test tests", "tests/manage.py", {"labels": ("tests",)}),
            ("coverage run --module manage test -v 2 a b", "manage.py", {"labels": ("a", "b")}),
            ("django-admin test tests --settings tests.s", "", {"labels": ("tests",), "settings": ("tests.s",)}),
            ("python -W error -m django test --parallel 4 a > log", "", {"labels": ("a",)}),
            (
                "manage.py test -p 'check_*.py' -t src $ARGS",
                "manage.py",
                {"pattern": ("check_*.py",), "top_level_directory": ("src",)},
            ),
        ],
    )
    def test_of_django(self, text: str, script: str, values: dict[str, tuple[str, ...]]) -> None:
        command = parse(shlex.split(text), Step("here", text))
        assert command is not None
        assert (command.kind, command.script, command.values) == ("django", script, values)

    @pytest.mark.parametrize("text", ["pytest tests", "python -m pytest", "uv run pytest", "coverage run -m pytest"])
    def test_of_pytest(self, text: str) -> None:
        command = parse(shlex.split(text), Step("here", text))
        assert command is not None
        assert command.kind == "pytest"

    @pytest.mark.parametrize(
        "text", ["pip install pytest", "python manage.py check", "uv pip install pytest", "echo test"]
    )
    def test_other_commands_run_no_tests(self, text: str) -> None:
        assert parse(shlex.split(text), Step("here", text)) is None


class TestWorkflows:
    def test_a_matrix_gives_each_value(self, tmp_path: Path) -> None:
        write(tmp_path, {".github/workflows/a.yml": workflow("python manage.py test")})
        _, step = workflow_steps(tmp_path)
        assert step.env == {"LEVEL": ("step",), "DB": ("sqlite", "postgres"), "SECRET": ()}
        assert step.images == ("mysql:8.4", "postgres")
        assert step.apt == ("libmagic1",)

    def test_a_file_called_after_tests_is_first(self, tmp_path: Path) -> None:
        names = ("coverage.yml", "tests.yml")
        write(tmp_path, {f".github/workflows/{name}": workflow("manage.py test") for name in names})
        assert next(each.step.where for each in commands_in(tmp_path)) == ".github/workflows/tests.yml"

    def test_a_broken_file_has_no_steps(self, tmp_path: Path) -> None:
        write(tmp_path, {".github/workflows/a.yml": "jobs: [}"})
        assert list(workflow_steps(tmp_path)) == []


class TestOtherFiles:
    def test_tox_is_followed_from_the_workflow(self, tmp_path: Path) -> None:
        tox = """\
[testenv]
changedir = suite
setenv =
    PYTHONPATH = {toxinidir}
    COLOUR = grey
    special: COLOUR = blue
commands =
    sqlite: python -m django test {posargs:tests}
"""
        write(tmp_path, {".github/workflows/a.yml": workflow("tox -v"), "tox.ini": tox})
        (command,) = commands_in(tmp_path)
        assert command.step.where == "tox.ini, by .github/workflows/a.yml"
        assert command.values == {"labels": ("tests",)}
        assert command.step.folder == "suite"
        assert command.step.env["COLOUR"] == ("grey",)
        assert command.step.env["LEVEL"] == ("step",)

    def test_make_is_followed_through_targets(self, tmp_path: Path) -> None:
        makefile = "APPS ?= a b\nci: build test\nbuild:\n\techo\ntest:\n\t@python -m manage test $(APPS) $${MORE:-c}\n"
        write(tmp_path, {".github/workflows/a.yml": workflow("make ci"), "Makefile": makefile})
        (command,) = commands_in(tmp_path)
        assert command.values == {"labels": ("a", "b", "c")}

    def test_a_script_is_followed(self, tmp_path: Path) -> None:
        script = "export A=b\nDJANGO_SETTINGS_MODULE=t.settings django-admin test\n"
        write(tmp_path, {".github/workflows/a.yml": workflow("./run.sh"), "run.sh": script})
        (command,) = commands_in(tmp_path)
        assert command.step.env["DJANGO_SETTINGS_MODULE"] == ("t.settings",)

    def test_a_makefile_that_calls_itself_ends(self, tmp_path: Path) -> None:
        write(tmp_path, {"Makefile": "a: b\n\tmake b\nb: a\n\tmake a\n"})
        assert commands_in(tmp_path) == []

    def test_gitlab(self, tmp_path: Path) -> None:
        text = "variables: {A: b}\nt:\n  services: ['postgres:17', {name: mysql}]\n  script: [python manage.py test]\n"
        write(tmp_path, {".gitlab-ci.yml": text})
        (command,) = commands_in(tmp_path)
        assert command.step.images == ("postgres:17", "mysql")
        assert command.step.env == {"A": ("b",)}

    def test_packages_of_apt(self) -> None:
        assert apt_packages("sudo apt-get -qq install -y libpq-dev \\\n  gdal-bin && make") == ["libpq-dev", "gdal-bin"]
