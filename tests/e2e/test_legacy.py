"""The topologies of old and of broken settings, each by a settings module of the fixture project ``legacy``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import command

pytestmark = pytest.mark.docker

# settings module: a part of the output
GOOD = {
    "flat": "default.TEST_NAME: today's Django would have ignored this old spelling",
    "mixed": "today's Django would have ignored",
    "mirror_chain": "far.TEST_MIRROR",
    "names": "too long for PostgreSQL with a worker's number behind it",
    "double_quote": "cannot be quoted",
    "search_path": "12 passed",
    "old_server_options": "OPTIONS host, passfile, service, sslcert, sslkey, sslmode, sslrootcert name the old server; dropped",
}
# settings module: the message, and a part of the hint or of the evidence
BAD = {
    "mirror_unknown": ("DATABASES['replica'] is a mirror of 'primary', which is no alias", "one of: default, replica"),
    "mirror_itself": ("TEST MIRROR goes round in a circle: replica -> replica", ""),
    "mirror_circle": ("left -> right -> left", ""),
    "mirror_default": ("default -> replica -> default", ""),
    "dependencies_circle": ("default -> archive -> catalogue -> default", "Take one of these out"),
    "dependencies_itself": ("archive -> archive", "Take one of these out"),
    "dependencies_unknown": ("DATABASES['default'] depends on 'stacks', which is no alias", ""),
    "engine_oracle": ("DATABASES['ledger'] uses django.db.backends.oracle", "Test it on another one with --db"),
    "engine_unknown": ("DATABASES['default'] uses the backend 'django.db.backends.filemaker'", ""),
    "missing_module": ("No module named 'legacy_vault'", ""),
    "missing_variable": ("'LEGACY_VAULT_PASSWORD'", "[tool.harness] env = { LEGACY_VAULT_PASSWORD"),
    "raises": ("the licence of the library has run out", "legacy/settings/raises.py"),
    "broken_migration": ("Migration broken.0002_renumber failed", "UPDATE broken_shelf SET"),
    "flat_collation": ("PostgreSQL does not support collation setting", ""),
}


def run(name: str, tmp_path: Path) -> command.Ended:
    return command.harness(
        "--project", "tests/projects/legacy", "--settings", f"legacy.settings.{name}", "--runner", "host",
        artifacts=tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_settings_run(name: str, tmp_path: Path) -> None:
    ended = run(name, tmp_path)
    assert ended.code == 0, ended.output
    assert ended.summary["counts"]["passed"] == ended.summary["counts"]["planned"] == 12
    assert GOOD[name] in ended.output


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_explained(name: str, tmp_path: Path) -> None:
    message, more = BAD[name]
    ended = run(name, tmp_path)
    assert ended.code == 4, ended.output
    assert message in command.red_case(ended)
    assert more in ended.output
    assert ended.output.count("  ABORTED ") == 1
    assert "harness/runner/" not in ended.output
    counts = ended.summary["counts"]
    assert counts["not_run"] == counts["planned"]
