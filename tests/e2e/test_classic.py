"""The documented examples of Django 1.4, with the outcomes that its documentation states, on PostgreSQL and MySQL."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

PROJECT = command.ROOT / "tests" / "projects" / "classic"
SKIPPED = "pages.tests.FeatureTests.test_without_transactions"
BESIDE_MODELS = "animals.models.WeightTests.test_the_limit_is_heavy"
OF_SUITE = [
    "suites.tests.ChosenTests.test_first",
    "suites.tests.ChosenTests.test_second",
    "suites.tests.check_of_a_function",
]
LEFT_OUT_BY_SUITE = "suites.tests.ChosenTests.test_not_chosen"
DOCTESTS = [
    "animals.models.Animal",
    "animals.models.Classifier.run",
    "animals.models.__doc__",
    "animals.models.__test__.the_limit",
    "animals.models.classify",
    "animals.tests.loudest",
]
OF_CLASSES = {
    "animals.tests.AnimalTests": 3,
    "cards.tests.CreationOrderTests": 2,
    "cards.tests.MirrorInATransactionTests": 1,
    "cards.tests.MirrorTests": 2,
    "cards.tests.SuitTests": 3,
    "pages.tests.AccountTests": 5,
    "pages.tests.AssertionTests": 2,
    "pages.tests.ByHandTests": 2,
    "pages.tests.CustomerTests": 5,
    "pages.tests.FeatureTests": 2,
    "pages.tests.LiveServerTests": 3,
    "pages.tests.MailTests": 2,
    "pages.tests.OnlyPagesTests": 1,
    "pages.tests.OwnUrlsTests": 1,
    "pages.tests.SequenceTests": 2,
}


def ids(junit: Path, *, skipped: bool = False) -> list[str]:
    cases = ET.parse(junit).iter("testcase")
    found = [case for case in cases if not skipped or case.find("skipped") is not None]
    return sorted(f"{case.attrib['classname']}.{case.attrib['name']}" for case in found)


def host(*args: str, tmp_path: Path, **variables: str) -> command.Ended:
    env = {**command.environment(), **variables}
    return command.harness(
        "--project", str(PROJECT), "--db", "sqlite", "--runner", "host", *args, artifacts=tmp_path, env=env
    )


def test_each_example_has_its_outcome_on_both_engines(tmp_path: Path) -> None:
    ended = command.harness(
        "--project", str(PROJECT), "--db", "postgres", "--db", "mysql", "-Walways", artifacts=tmp_path
    )
    assert ended.code == 0, ended.output
    for backend in ended.summary["backends"]:
        junit = tmp_path / backend["artifacts"] / "junit.xml"
        found = ids(junit)
        assert ids(junit, skipped=True) == [SKIPPED]
        assert LEFT_OUT_BY_SUITE not in found
        others = {BESIDE_MODELS, *OF_SUITE, *DOCTESTS}
        assert others < set(found)
        assert Counter(test.rpartition(".")[0] for test in found if test not in others) == OF_CLASSES
        kinds = {kind.rpartition(".")[2]: count for kind, count in backend["warnings"].items()}
        assert kinds["UserWarning"] == 1, ended.output
        # the template outlives the test that makes a database by hand
        assert (junit.parent / "schema" / "default.sql").stat().st_size > 1000
    assert "supports_transactions" in ET.tostring(ET.parse(junit).getroot(), encoding="unicode")


def test_without_the_options_the_tests_are_those_of_manage_py(tmp_path: Path) -> None:
    env = {**command.environment(), "CLASSIC_ENGINE": "django.db.backends.sqlite3"}
    done = subprocess.run(
        [sys.executable, "manage.py", "test"], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=120
    )
    ended = host(tmp_path=tmp_path, HARNESS_LEGACY_DISCOVERY="0", HARNESS_DOCTEST="0")
    counts = ended.summary["counts"]
    assert f"Ran {counts['planned']} tests" in done.stderr
    assert f"failures={counts['failed']}, " in done.stderr
    assert LEFT_OUT_BY_SUITE in ids(tmp_path / "junit.xml")


def test_old_labels_name_single_tests(tmp_path: Path) -> None:
    labels = {
        "animals.classify": "animals.models.classify",
        "animals.Classifier.run": "animals.models.Classifier.run",
        "animals.WeightTests": BESIDE_MODELS,
        "animals.AnimalTests.test_animals_can_speak": "animals.tests.AnimalTests.test_animals_can_speak",
        "suites.tests.check_of_a_function": "suites.tests.check_of_a_function",
    }
    ended = host(*labels, tmp_path=tmp_path)
    assert ended.code == 0, ended.output
    assert ids(tmp_path / "junit.xml") == sorted(labels.values())


def test_a_label_with_a_typo_is_refused_with_near_names(tmp_path: Path) -> None:
    ended = command.harness("--project", str(PROJECT), "--db", "postgres", "animals.clasify", artifacts=tmp_path)
    assert ended.code == 4
    assert "No test matches the label 'animals.clasify'." in command.red_case(ended)
    assert "animals.models.classify" in ended.output
    assert "ready in" not in ended.output
