"""What a run waits for at its start imports little: the rest is imported while something else is under way."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "kept_for_later"),
    [
        # the servers start as soon as the topology is said, and Django's test machinery is imported meanwhile
        ("harness.runner.project.handshake", "django.test"),
        ("harness.runner.project.handshake", "django.db.models"),
        # and by the host while the runner starts
        ("harness.host.run.session", "testcontainers"),
    ],
)
def test_what_takes_long_to_import_is_left_for_later(module: str, kept_for_later: str) -> None:
    script = f"import sys, {module}; sys.exit({kept_for_later!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
