"""The topologies of old and of broken settings, each by a settings module of the fixture project ``legacy``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

# settings module: something that is said besides
GOOD = {
    "flat": "default.TEST_NAME: today's Django would have ignored this old spelling",
    "mixed": "today's Django would have ignored",
    "mirror_chain": "far.TEST_MIRROR",
    "names": "too long for PostgreSQL with a worker's number behind it",
    "double_quote": "cannot be quoted",
    "search_path": "12 passed",
    "old_server_options": "OPTIONS host, passfile, service, sslcert, sslkey, sslmode, sslrootcert name the old server; dropped",
}
# settings module: the exit code, and what is said
BAD = {
    "mirror_unknown": (4, "DATABASES['replica'] is a mirror of 'primary', which is no alias"),
    "mirror_itself": (4, "TEST MIRROR goes round in a circle: replica -> replica"),
    "mirror_circle": (4, "left -> right -> left"),
    "mirror_default": (4, "default -> replica -> default"),
    "dependencies_circle": (4, "default -> archive -> catalogue -> default"),
    "dependencies_itself": (4, "archive -> archive"),
    "dependencies_unknown": (4, "DATABASES['default'] depends on 'stacks', which is no alias"),
    "engine_oracle": (4, "DATABASES['ledger'] uses django.db.backends.oracle"),
    "engine_unknown": (4, "DATABASES['default'] uses the backend 'django.db.backends.filemaker'"),
    "missing_module": (4, "No module named 'legacy_vault'"),
    "missing_variable": (4, "'LEGACY_VAULT_PASSWORD'"),
    "raises": (4, "the licence of the library has run out"),
    "broken_migration": (4, "Migration broken.0002_renumber failed"),
    "flat_collation": (4, "PostgreSQL does not support collation setting"),
}


def run(name, tmp_path, *args):
    return command.harness(
        "--project", "tests/projects/legacy", "--settings", f"legacy.settings.{name}", "--runner", "host", *args,
        artifacts=tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_runs(name, tmp_path: Path) -> None:
    ended = run(name, tmp_path)
    assert ended.code == 0, ended.told
    assert ended.summary["counts"]["passed"] == ended.summary["counts"]["planned"] == 12
    assert GOOD[name] in ended.told


@pytest.mark.parametrize("name", BAD)
def test_says_what_is_wrong(name, tmp_path: Path) -> None:
    code, text = BAD[name]
    ended = run(name, tmp_path)
    assert ended.code == code, ended.told
    assert text in ended.told
    assert ended.told.count("  ABORTED ") == 1
    assert "harness/runner/" not in ended.told


def test_a_failing_migration_shows_its_sql(tmp_path: Path) -> None:
    ended = run("broken_migration", tmp_path)
    assert "UPDATE broken_shelf SET" in ended.told
    assert ended.summary["counts"]["not_run"] == ended.summary["counts"]["planned"]


def test_an_app_without_tests_is_a_five(tmp_path: Path) -> None:
    assert run("no_tests", tmp_path, "silent").code == 5
