"""The versions that ``ci/versions`` tries, compared with the documentation, and its judgement of a run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ci import check_versions
from ci.check_versions import Version, judged
from tests.github_runner import read_yaml
from tests.markdown import ROOT

SUMMARY = {
    "python": "3.14.2",
    "servers": [{"engine": "postgres", "version": "17.12"}, {"engine": "postgres", "version": "17.12"}],
    "counts": {"planned": 1, "passed": 1},
    "phases": {"images": 0.5},
}
PYTHON = Version("python 3.14", "3.14", "postgres:17")


def documented() -> set[str]:
    """The servers of the reference and the Pythons of the package's classifiers."""
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    sentence = page.split("`db` names the backend")[1].split("`sqlite`")[0]
    servers = {
        f"{engine} {version}"
        for engine, listed in re.findall(r"`(\w+)` \(([^)]*)\)", sentence)
        for version in listed.split(", ")
    }
    classifiers = re.findall(r"Programming Language :: Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    return servers | {f"python {version}" for version in classifiers}


def test_exactly_the_documented_versions_are_tried() -> None:
    tried = {version.name for version in check_versions.versions()}
    assert tried | {check_versions.SERVER.replace(":", " ")} == documented()


def test_the_workflow_runs_it_on_a_schedule() -> None:
    workflow = read_yaml(ROOT / ".github" / "workflows" / "versions.yml")
    assert workflow["on"]["schedule"]
    assert "./ci/versions --all" in [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize(
    ("code", "summary", "said", "word"),
    [
        (0, SUMMARY, "", "ok"),
        (1, SUMMARY, "FAILED", "FAILED"),
        (0, {}, "", "FAILED"),
        (0, SUMMARY | {"python": "3.1.4"}, "", "FAILED"),
        (0, SUMMARY | {"python": "3.13.5"}, "", "FAILED"),
        (0, SUMMARY | {"servers": [{"engine": "postgres", "version": "18.1"}]}, "", "FAILED"),
        (0, SUMMARY | {"servers": []}, "", "FAILED"),
        (0, SUMMARY | {"counts": {"planned": 1, "passed": 0}}, "", "FAILED"),
        (4, {}, "Python 3.14, which --python asks for, cannot be had here.", "FAILED"),
    ],
)
def test_a_run_is_judged_by_what_it_says_that_it_ran_on(
    code: int, summary: dict[str, Any], said: str, word: str
) -> None:
    assert judged(PYTHON, code, summary, said, 1.0).word == word


def test_a_version_of_a_silent_registry_is_not_available() -> None:
    absent = Version("python 3.12", "3.12", "postgres:17")
    assert judged(absent, 4, {}, "Python 3.12, which --python asks for, cannot be had here.", 1.0).word == "not had"
    assert judged(absent, 3, {}, "The engine is gone.", 1.0).word == "FAILED"
