"""Settings and databases of the odd kinds that real projects have, each an alias or a settings module of the project ``odd``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

RUNS = {
    "settings": (
        ("notes.tests.test_settings", "notes.tests.test_processes"),
        16,
        "OPTIONS assume_role name the old server",
    ),
    "replaced": (("late",), 2, "other: an app changed ENGINE, OPTIONS of DATABASES as it was loaded."),
    "tenants": (("tenants",), 6, ""),
    "mysql": (("notes.tests.test_mysql", "notes.tests.test_processes"), 8, ""),
}


@pytest.mark.parametrize("name", RUNS)
def test_each_kind_of_settings_runs(name: str, tmp_path: Path) -> None:
    labels, passed, text = RUNS[name]
    ended = command.harness(
        "--project", "tests/projects/odd", "--settings", f"config.{name}", *labels, artifacts=tmp_path
    )
    assert ended.code == 0, ended.output
    assert ended.summary["counts"]["passed"] == ended.summary["counts"]["planned"] == passed
    assert text in ended.output
