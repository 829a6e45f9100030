"""Public packages, whose tests were not written here: on each backend the harness counts what Django's own runner counts.

Their sources come from PyPI, once, into ``.cache/packages``, and have the digests that stand here. The harness gets the lines
that a maintainer would add, ``[tool.harness]``; Django's runner gets the same settings with every alias on one server, in the
same image: Python, Django and driver are those of the harness's run. All versions are pinned, so Django's counts on MySQL and
MariaDB are those that were recorded, and Django's runner runs again on the backends of ``BY_DJANGO``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.host.engines import ENGINES
from tests import junit_check
from tests.archives import source
from tests.e2e import plain_django
from tests.e2e.command import harness

BY_DJANGO = ("postgres", "sqlite")
SOME_MINUTES = 900
"""For what may have to be fetched and built first, in seconds."""


@dataclass(frozen=True)
class Package:
    """A source distribution, its digest, its configuration, and the counts of its tests by Django's runner on each backend."""

    requirement: str
    sha256: str
    settings: str
    label: str
    path: str
    install: str
    counts: dict[str, dict[str, int]]
    roles: dict[str, int]

    def __str__(self) -> str:
        return self.requirement.partition("==")[0]

    @property
    def configuration(self) -> str:
        return (
            f'\n[tool.harness]\nsettings = "{self.settings}"\nlabels = ["{self.label}"]\n'
            f'install = ["{self.install}"]\nenv = {{ PYTHONPATH = "{self.path}" }}\n'
        )


PACKAGES = [
    # its SQL panel hooks cursors too, and its replica is a mirror of default
    Package(
        "django-debug-toolbar==8.0.0",
        "cae32d3e441e608f39f3f1ca6b3f028c38d5d04d74c98d8ab96d46022dee3163",
        settings="tests.settings",
        label="tests",
        path="",
        install="pip install django==6.1.3 psycopg[binary]==3.3.9 mysqlclient==2.3.1 django-csp==4.0"
        " django-template-partials==25.3 html5lib==1.1 jinja2==3.1.6 pygments==2.21.0 sqlparse==0.6.1",
        counts={
            "postgres": {"tests": 358, "skipped": 18, "expected failures": 1},
            "mysql": {"tests": 358, "skipped": 27, "expected failures": 1},
            "mariadb": {"tests": 358, "skipped": 27, "expected failures": 1},
            "sqlite": {"tests": 358, "skipped": 28, "expected failures": 1},
        },
        roles={"primary": 1, "replica": 1},
    ),
    # one test class uses three databases at once, of three engines by its settings
    Package(
        "django-reversion==6.4.0",
        "fce089d8bab8d64b4ec41e9db758ce552ba06a008e42a1c9e4eb2f5faaa01cbc",
        settings="test_project.settings",
        label="test_app",
        path="tests",
        install="pip install django==6.1.3 psycopg[binary]==3.3.9 mysqlclient==2.3.1",
        counts={
            "postgres": {"tests": 158},
            "mysql": {"tests": 158},
            "mariadb": {"tests": 158},
            "sqlite": {"tests": 158},
        },
        roles={"primary": 3},
    ),
]

_NAMES_IN_SUMMARY = {
    "planned": "tests",
    "failed": "failures",
    "expected_failures": "expected failures",
    "unexpected_successes": "unexpected successes",
    "passed": "",
}


def counts_of_django(output: str) -> dict[str, int]:
    """The counts at the end of the output of Django's runner, by its own names; a count of zero is left out."""
    ran = re.findall(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    said = re.findall(r"^(?:OK|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
    assert len(ran) == len(said) == 1, output
    counts = {name: int(count) for name, count in re.findall(r"([a-z ]+)=(\d+)", said[0])}
    return {"tests": int(ran[0]), **{name.strip(): count for name, count in counts.items()}}


def counts_of_harness(counts: dict[str, int]) -> dict[str, int]:
    """The counts of a ``summary.json`` by the words of Django's runner."""
    named = {_NAMES_IN_SUMMARY.get(name, name): count for name, count in counts.items() if count}
    return {name: count for name, count in named.items() if name}


def run_by_django(package: Package, root: Path, backend: str) -> str:
    """The output of Django's own runner, one test after the other, in the image that the harness has made for *root*."""
    (root / "plain_settings.py").write_text(plain_django.settings(backend, package.settings))
    command = ["python", "-m", "django", "test", "--settings=plain_settings", package.label]
    return plain_django.output_of(command, root, backend, {"PYTHONPATH": package.path}, timeout=SOME_MINUTES)


@pytest.mark.docker
@pytest.mark.parametrize("backend", ["postgres", "mysql", "mariadb", "sqlite"])
@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_the_harness_counts_what_djangos_own_runner_counts(package: Package, backend: str, tmp_path: Path) -> None:
    folder, artifacts = tmp_path / "package", tmp_path / "artifacts"
    folder.mkdir()
    root = source(package.requirement, package.sha256, folder)
    with (root / "pyproject.toml").open("a") as file:
        file.write(package.configuration)

    ended = harness("--db", backend, "--project", str(root), artifacts=artifacts, timeout=SOME_MINUTES)
    assert ended.code == 0, ended.output
    assert counts_of_harness(ended.summary["counts"]) == package.counts[backend]
    assert Counter(server["role"] for server in ended.summary["servers"]) == (
        package.roles if backend in ENGINES else {}
    )
    assert junit_check.check(artifacts / "junit.xml").total == package.counts[backend]["tests"]

    if backend in BY_DJANGO:
        assert counts_of_django(run_by_django(package, root, backend)) == package.counts[backend]


@pytest.mark.parametrize(
    ("ending", "counts"),
    [
        ("Ran 3 tests in 0.1s\n\nOK\n", {"tests": 3}),
        ("Ran 1 test in 0.1s\n\nOK (skipped=1, expected failures=2)\n", {"tests": 1, "skipped": 1, "expected failures": 2}),
        (
            "Ran 9 tests in 1.2s\n\nFAILED (failures=1, errors=2, skipped=3, unexpected successes=4)\nDestroying ...\n",
            {"tests": 9, "failures": 1, "errors": 2, "skipped": 3, "unexpected successes": 4},
        ),
    ],
)  # fmt: skip
def test_what_djangos_runner_says_in_the_end_is_read(ending: str, counts: dict[str, int]) -> None:
    assert counts_of_django(f"Found 9 test(s).\n..\n-----\n{ending}") == counts


def test_a_runner_that_never_came_to_its_end_has_no_counts() -> None:
    with pytest.raises(AssertionError, match="Traceback"):
        counts_of_django("Found 3 test(s).\nTraceback (most recent call last):\n")


def test_the_harness_counts_are_reported_by_djangos_words() -> None:
    counts = {"planned": 9, "passed": 3, "failed": 1, "errors": 2, "expected_failures": 1, "not_run": 2, "skipped": 0}
    expected = {"tests": 9, "failures": 1, "errors": 2, "expected failures": 1, "not_run": 2}
    assert counts_of_harness(counts) == expected
