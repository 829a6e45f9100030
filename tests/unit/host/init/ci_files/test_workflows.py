from __future__ import annotations

from pathlib import Path

from harness.host.init.ci_files.workflows import gitlab_jobs, workflow_jobs
from harness.host.init.commands import test_commands as commands_in
from tests.files import write_files
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
      - run: python manage.py test
        env:
          LEVEL: step
"""


class TestGitHub:
    def test_a_matrix_gives_each_value(self, tmp_path: Path) -> None:
        write(tmp_path, {".github/workflows/a.yml": WORKFLOW})
        ((first, step),) = workflow_jobs(tmp_path)
        assert step.env == {"LEVEL": ("step",), "DB": ("sqlite", "postgres"), "SECRET": ()}
        assert step.images == ("mysql:8.4", "postgres")
        assert first.text == "sudo apt-get install -y libmagic1"

    def test_a_file_called_after_tests_is_first(self, tmp_path: Path) -> None:
        names = ("coverage.yml", "docker-test-build.yml", "tests.yml")
        write(tmp_path, {f".github/workflows/{name}": WORKFLOW for name in names})
        assert next(each.step.where for each in commands_in(tmp_path)) == ".github/workflows/tests.yml"

    def test_a_job_has_the_versions_of_python_that_it_sets_up(self, tmp_path: Path) -> None:
        step = "- uses: actions/setup-python@v6\n        with:\n          python-version: {}\n      - run: sudo"
        versions = (
            "3.12",
            "${{ env.LEVEL }}",
            "${{ matrix.db }}",
            "${{ secrets.KEY }}",
            "|\n            3.11\n            3.12.4",
        )
        for number, version in enumerate(versions):
            text = WORKFLOW.replace("- run: sudo", step.replace("{}", version))
            write(tmp_path, {f".github/workflows/{number}.yml": text})
        found = [steps[-1].pythons for steps in workflow_jobs(tmp_path)]
        assert found == [("3.12",), ("workflow",), ("sqlite", "postgres"), (), ("3.11", "3.12.4")]

    def test_a_broken_file_has_no_jobs(self, tmp_path: Path) -> None:
        write(tmp_path, {".github/workflows/a.yml": "jobs: [}"})
        assert list(workflow_jobs(tmp_path)) == []

    def test_steps_of_an_own_action_are_followed(self, tmp_path: Path) -> None:
        action = "runs:\n  using: composite\n  steps:\n    - run: cp a b\n    - uses: ./.github/second\n"
        second = "runs:\n  steps:\n    - uses: ./.github/first\n    - run: mkdir data\n"
        workflow = WORKFLOW.replace("- run: sudo", "- uses: ./.github/first\n      - run: sudo")
        files = {"first/action.yml": action, "second/action.yaml": second, "workflows/tests.yml": workflow}
        write_files(tmp_path / ".github", files)
        (steps, *_) = workflow_jobs(tmp_path)
        texts = [(step.text, step.where) for step in steps]
        assert texts[0] == ("cp a b", ".github/first/action.yml, by .github/workflows/tests.yml")
        assert ("mkdir data", ".github/second/action.yaml, by " + texts[0][1]) in texts, "an action in a circle ends"

    def test_a_step_above_the_project_is_not_read(self, tmp_path: Path) -> None:
        text = WORKFLOW.replace("- run: sudo", "- working-directory: ..\n        run: sudo")
        write(tmp_path, {".github/workflows/a.yml": text})
        ((step,),) = workflow_jobs(tmp_path)
        assert step.text == "python manage.py test"


def test_the_jobs_of_gitlab(tmp_path: Path) -> None:
    text = (
        "variables: {A: b}\nt:\n  services: ['postgres:17', {name: mysql}]\n  before_script: [make]\n"
        "  script: [python manage.py test]\n"
    )
    write(tmp_path, {".gitlab-ci.yml": text})
    *_, (before, script) = gitlab_jobs(tmp_path)
    assert (before.text, script.text) == ("make", "python manage.py test")
    assert script.images == ("postgres:17", "mysql")
    assert script.env == {"A": ("b",)}
