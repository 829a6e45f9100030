"""The shell of each workflow's steps, in order, as GitHub's runner would run it, and what came out.

``tests/github_runner.py`` says what stands in for the actions of others. The tests are a few of the storefront's, so that the
steps take longer than what they start; which ones, the environment says, as a workflow's could.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import registry
from tests.e2e import test_djangos
from tests.e2e.command import environment
from tests.github_runner import ROOT, GitHub, Job, read_yaml
from tests.markdown import blocks
from tests.signals import DEFAULT_SIGNALS

FEW = {"HARNESS_LABELS": "accounts.tests.test_models"}
CI = ".github/workflows/ci.yml"
ACTION = ROOT / ".github" / "actions" / "harness" / "action.yml"
BACKENDS = {"postgres-17", "mysql-9.7", "mariadb-11.8", "sqlite"}
INSTEAD = {
    # one version tells whether the command is right
    "./ci/versions --all": f"{sys.executable} -m ci.check_versions --only python:3.13",
}


def script(action: str, id: str) -> str:
    """The shell of a step of one of our actions."""
    steps = read_yaml(ROOT / ".github" / "actions" / action / "action.yml")["runs"]["steps"]
    (found,) = (step["run"] for step in steps if step.get("id") == id)
    return str(found).strip()


# these steps take long and are the same in each job: only the tests that are about them run them
SHORT = INSTEAD | {
    script("install", "install"): f"""
        mkdir -p "$PIP_CACHE_DIR"
        echo "python={sys.executable}" >>"$GITHUB_OUTPUT"
        echo "harness={Path(sys.executable).with_name("harness")}" >>"$GITHUB_OUTPUT"
    """,
    script("harness", "used"): 'mkdir -p "$(dirname "$IMAGES")" && echo >"$IMAGES"',
    script("harness", "load"): 'rm "$IMAGES"',
}

pytestmark = pytest.mark.docker


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[GitHub]:
    """A workflow run of which each step is run. Its caches hold images, so they do not stay for somebody to look at."""
    made = GitHub(tmp_path / "github", environment=FEW, instead=INSTEAD)
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    """A workflow run whose jobs have the harness of this environment, and keep no images."""
    made = GitHub(tmp_path / "github", environment=FEW, instead=SHORT)
    yield made
    shutil.rmtree(made.folder)


def only(jobs: dict[str, list[Job]]) -> Job:
    ((job,),) = jobs.values()
    return job


def cases_in(report: Path) -> int:
    return sum(1 for _ in ET.parse(report).iter("testcase"))


def one_action(github: GitHub, **given: Any) -> Job:
    """A workflow whose one job checks out and uses the action with *given*, run; the job."""
    lines = "".join(f"          {name}: {json.dumps(value)}\n" for name, value in given.items())
    workflow = f"""
name: Example
on: push
jobs:
  example:
    runs-on: ubuntu-24.04
    outputs:
      verdict: ${{{{ steps.harness.outputs.verdict }}}}
      code: ${{{{ steps.harness.outputs.exit-code }}}}
      counts: ${{{{ steps.harness.outputs.counts }}}}
      report: ${{{{ steps.harness.outputs.report }}}}
      artifact: ${{{{ steps.harness.outputs.artifact }}}}
    steps:
      - uses: actions/checkout@v0
        with:
          persist-credentials: false
      - id: harness
        uses: $/.github/actions/harness
        with:
{lines}"""
    (github.repository / "example.yml").write_text(workflow)
    return only(github.workflow("example.yml"))


def test_all_backends_together(github: GitHub) -> None:
    job = only(github.workflow(CI, only=("together",)))
    assert job.result == "success", job.log
    outputs = job.step("harness").outputs
    assert (outputs["verdict"], outputs["exit-code"]) == ("passed", "0")
    counts = json.loads(outputs["counts"])
    assert counts["planned"] == counts["passed"] + counts["skipped"] > counts["skipped"]
    assert cases_in(Path(outputs["report"])) == counts["planned"]
    uploaded = github.artifacts / outputs["artifact"]
    assert {path.name for path in uploaded.iterdir() if path.is_dir()} >= BACKENDS
    assert "harness" in job.step("run").summary
    assert all(backend in job.step("run").summary for backend in BACKENDS)


def test_a_job_for_each_backend_and_one_report(github: GitHub) -> None:
    *_, report = jobs = github.workflow(CI, only=("apart",))["apart"]
    assert [job.name for job in jobs] == ["Plan", *(f"{name}-py3.13" for name in _listed()), "Report"]
    assert {job.result for job in jobs} == {"success"}, "\n".join(job.log for job in jobs)
    assert {path.name for path in github.artifacts.iterdir()} == {
        "storefront.report",
        *(f"storefront.run.{name}-py3.13" for name in BACKENDS),
    }
    counts = json.loads(report.outputs["counts"])
    assert report.outputs["verdict"] == "passed"
    each = [json.loads(job.step("results").outputs["counts"])["planned"] for job in jobs[1:-1]]
    assert counts["planned"] == sum(each) > 0
    assert cases_in(github.artifacts / "storefront.report" / "junit.xml") == sum(each)
    assert all(backend in report.step("merge").summary + report.log for backend in BACKENDS)


def _listed() -> list[str]:
    return ["postgres-17", "mysql-9.7", "mariadb-11.8", "sqlite"]


def test_each_django_is_a_job_with_its_run_in_the_report(github: GitHub, tmp_path: Path) -> None:
    github.environment = {}
    inputs = {"project": str(test_djangos.made(tmp_path / "shop")), "db": "sqlite", "django": "5.1 5.2"}
    jobs = github.workflow(".github/workflows/django-tests.yml", inputs)
    assert jobs["plan"][0].result == "success", jobs["plan"][0].log
    names = [f"sqlite-django{version}-py3.13" for version in ("5.1", "5.2")]
    assert [(job.name, job.result) for job in jobs["tests"]] == list(zip(names, ("failure", "success"), strict=True))
    assert {path.name for path in github.artifacts.iterdir()} >= {f"harness.run.{name}" for name in names}
    (report,) = jobs["report"]
    assert json.loads(report.outputs["counts"])["planned"] == 4, report.log
    assert "sqlite-django5.1" in report.step("merge").summary


def test_the_report_says_which_job_is_missing(github: GitHub) -> None:
    """A machine that was lost uploads nothing: the report is red, and names what should have been there."""
    path = github.repository / ".github" / "workflows" / "django-tests.yml"
    text = path.read_text()
    lost = text.replace(
        "      - uses: $/.github/actions/harness\n",
        "      - if: matrix.db != 'postgres:17'\n        uses: $/.github/actions/harness\n",
    )
    assert lost != text
    path.write_text(lost)
    inputs = {"project": "tests/projects/storefront", "db": "postgres:17 sqlite"}
    jobs = github.workflow(".github/workflows/django-tests.yml", inputs)
    (report,) = jobs["report"]
    assert report.result == "failure"
    assert "postgres-17-py3.13" in report.log


def test_a_red_run_is_red_and_leaves_everything(github: GitHub) -> None:
    github.environment = {"HARNESS_LABELS": "tests.test_plain"}
    job = one_action(github, project="tests/projects/outcomes", db="sqlite", name="red run")
    assert job.result == "failure"
    assert job.step("run").outcome == "failure"
    assert (job.outputs["verdict"], job.outputs["code"]) == ("failed", "1"), job.log
    assert json.loads(job.outputs["counts"])["failed"] > 0
    assert Path(job.outputs["report"]).is_file()
    assert "::error file=tests/projects/outcomes/" in job.step("run").output
    assert "Failures" in job.step("run").summary
    assert job.outputs["artifact"] == "red-run"
    assert (github.artifacts / "red-run" / "junit.xml").is_file()


def test_caches_and_a_second_attempt(whole: GitHub) -> None:
    """The second attempt finds the caches of the first, and its artifacts replace those of the first."""
    given = {"project": "tests/projects/storefront", "db": "sqlite"}
    first = one_action(whole, **given)
    assert first.result == "success", first.log
    assert [first.step(name).outputs["cache-hit"] for name in ("pip", "images")] == ["false", "false"]
    whole.attempt = 2
    second = one_action(whole, **given)
    assert second.result == "success", second.log
    assert [second.step(name).outputs["cache-hit"] for name in ("pip", "images")] == ["true", "true"]
    assert "Loaded image: harness-project:" in second.log
    assert second.step("used").outcome == "skipped"
    assert [path.name for path in whole.artifacts.iterdir()] == ["harness-example-tests-projects-storefront-sqlite"]


def test_what_is_given_is_never_a_command(github: GitHub) -> None:
    github.environment = {}
    hostile = '"; touch pwned; $(touch pwned) `touch pwned`'
    job = one_action(
        github,
        project="tests/projects/storefront",
        db="sqlite",
        labels=shlex.quote(hostile),
        name=hostile,
        cache="false",
    )
    assert job.result == "failure"
    assert job.step("run").outcome == "failure"
    assert "No test matches the label" in job.step("run").output
    assert job.outputs["artifact"] == "touch-pwned-touch-pwned-touch-pwned"
    assert not list(github.folder.rglob("pwned"))


def test_arguments_arrive_as_they_are_written(github: GitHub) -> None:
    github.environment = {}
    job = one_action(
        github,
        project="tests/projects/storefront",
        db="sqlite",
        labels="accounts.tests.test_models",
        args="-k 'points add' -k points_add_up --durations 1",
        name="chosen",
        cache="false",
    )
    assert job.result == "success", job.log
    assert json.loads(job.outputs["counts"])["planned"] == 1


def test_a_job_that_is_cancelled_ends_its_run(tmp_path: Path) -> None:
    """GitHub interrupts the shell of a step and nothing below it: the harness has to be in the shell's place."""
    variables = {
        **dict.fromkeys(("LABELS", "ARGS", "DJANGO", "PYTHON_VERSION"), ""),
        "PYTHON": sys.executable,
        "GITHUB_ACTION_PATH": str(ACTION.parent),
        "PROJECT": "tests/projects/storefront",
        "DB": "sqlite",
        "ARTIFACTS": str(tmp_path / "artifacts"),
    }
    command = [*DEFAULT_SIGNALS, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script("harness", "run")]
    with subprocess.Popen(command, cwd=ROOT, env=environment(**variables), stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        said = "".join(itertools.takewhile(lambda line: " plan " not in line, shell.stdout))
        shell.send_signal(signal.SIGINT)
        said += shell.stdout.read()
    assert shell.returncode == 130, said
    assert json.loads((tmp_path / "artifacts" / "summary.json").read_text())["verdict"] == "interrupted"


def test_images_are_published_by_version(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run finds an image that was pulled as docs/how-to/any-ci.md says."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    path = github.repository / ".github" / "workflows" / "images.yml"
    text = path.read_text()
    one = text.replace(
        '"postgres:15", "postgres:17", "postgres:18", "mysql:9.7", "mariadb:10.11", "mariadb:11.8"', '"postgres:17"'
    )
    assert one != text
    path.write_text(one)
    with registry.serving(tmp_path / "registry") as address:
        github.contexts = {"vars": {"IMAGE_REGISTRY": address}}
        job = only(github.workflow(".github/workflows/images.yml"))
        assert job.result == "success", job.log
        image = f"{address}/example/shop/postgres:17"
        assert job.step("build").outputs["image"] == image
        assert image in job.step("Push").summary
        tag = docker("image", "inspect", "--format", '{{index .Config.Labels "org.django-ci-harness.tag"}}', image)
        before = docker("image", "inspect", "--format", "{{.Id}}", tag)
        docker("image", "rm", image)
        try:
            for command in pulling():
                subprocess.run(["bash", "-c", command], env=environment(IMAGE=image), check=True, timeout=300)
            assert docker("image", "inspect", "--format", "{{.Id}}", tag) != before
            assert tag in harness_images("build", "--db", "postgres:17", "--project", str(tmp_path))
        finally:
            docker("tag", before, tag)
            docker("image", "rm", image)
    assert tag.startswith("harness-postgres:17-")
    assert "token" not in (tmp_path / "docker" / "config.json").read_text()


def pulling() -> list[str]:
    """The commands by which a page says to pull a published image."""
    (block,) = (block for block in blocks(ROOT / "docs" / "how-to" / "any-ci.md") if "docker pull" in block.text)
    return [line.removeprefix("  - ") for line in block.text.splitlines()[1:]]


def harness_images(*arguments: str) -> str:
    """The output of ``harness images``."""
    command = [sys.executable, "-m", "harness", "images", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300, cwd=ROOT).stdout


def test_versions_are_tried_on_the_day(github: GitHub) -> None:
    job = only(github.workflow(".github/workflows/versions.yml"))
    assert job.result == "success", job.log
    assert re.search(r"python 3.13 +ok", job.log)


def test_no_images_are_published_without_a_registry(github: GitHub) -> None:
    assert only(github.workflow(".github/workflows/images.yml")).result == "skipped"


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True, timeout=300, env=environment()
    )
    return done.stdout.strip()


def released(github: GitHub, tag: str) -> tuple[Job, Job]:
    github.contexts = {"github": {"event_name": "release", "event": {"release": {"tag_name": tag}}}}
    jobs = github.workflow(".github/workflows/release.yml")
    return jobs["build"][0], jobs["publish"][0]


def test_a_release_is_published(github: GitHub) -> None:
    import harness

    build, publish = released(github, f"v{harness.__version__}")
    assert (build.result, publish.result) == ("success", "success"), build.log
    assert github.published == [
        f"django_ci_harness-{harness.__version__}-py3-none-any.whl",
        f"django_ci_harness-{harness.__version__}.tar.gz",
    ]
    assert f"harness {harness.__version__}" in build.log


def test_a_release_with_another_tag_is_not(github: GitHub) -> None:
    build, publish = released(github, "v99.0.0")
    assert (build.result, publish.result) == ("failure", "skipped")
    assert "::error::" in build.log
    assert github.published == []
