"""``harness images`` on the real engine."""

import io
import os
import secrets
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.docker.images import NAME_LABEL

pytestmark = pytest.mark.docker


def images(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "images", *argv],
        capture_output=True,
        text=True,
        timeout=580,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.fixture
def small_image() -> Iterator[str]:
    """An empty image with our label and a tag like ours, which no run needs."""
    tag = f"harness-test:{secrets.token_hex(4)}"
    buffer = io.BytesIO()
    tarfile.open(fileobj=buffer, mode="w").close()
    command = ["docker", "import", "--change", f"LABEL {NAME_LABEL}=test", "-", tag]
    subprocess.run(command, input=buffer.getvalue(), check=True, capture_output=True)
    yield tag
    subprocess.run(["docker", "image", "rm", tag], check=False, capture_output=True)


def test_an_image_is_listed_and_removed(small_image: str, tmp_path: Path) -> None:
    assert small_image in images("list", cwd=tmp_path).stdout
    removed = images("remove", small_image, cwd=tmp_path)
    assert (removed.returncode, removed.stdout) == (ExitCode.GREEN, f"removed {small_image}\n")
    assert small_image not in images("list", cwd=tmp_path).stdout
    again = images("remove", small_image, cwd=tmp_path)
    assert again.returncode == ExitCode.USAGE
    assert f"{small_image} is no image of the harness" in again.stderr


def test_one_that_others_are_built_on_goes_with_them(small_image: str, tmp_path: Path) -> None:
    derived = f"{small_image}-derived"
    dockerfile = f"FROM {small_image}\nENV A=b\n"
    subprocess.run(
        ["docker", "build", "-t", derived, "-"], input=dockerfile, text=True, check=True, capture_output=True
    )
    removed = images("remove", small_image, derived, cwd=tmp_path)
    assert removed.returncode == ExitCode.GREEN, removed.stderr
    assert sorted(removed.stdout.splitlines()) == sorted([f"removed {small_image}", f"removed {derived}"])


def test_one_in_use_is_kept_and_says_why(small_image: str, tmp_path: Path) -> None:
    created = subprocess.run(["docker", "create", small_image, "x"], check=True, capture_output=True, text=True)
    try:
        removed = images("remove", small_image, cwd=tmp_path)
    finally:
        subprocess.run(["docker", "rm", created.stdout.strip()], check=True, capture_output=True)
    assert removed.returncode == ExitCode.SERVERS
    assert removed.stderr.startswith(f"kept {small_image}: ")


def test_build_makes_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    first = images("build", "--db", "postgres", cwd=tmp_path)
    assert first.returncode == ExitCode.GREEN, first.stderr
    made = dict(line.split(maxsplit=1) for line in first.stdout.splitlines())
    assert made["postgres:17"].startswith("harness-postgres:17-")
    assert made["runner"].startswith("harness-runner:3.13-")
    second = images("build", "--db", "postgres", cwd=tmp_path)
    assert (second.stdout, second.stderr) == (first.stdout, "")
    listed = images("list", cwd=tmp_path).stdout
    assert all(tag in listed for tag in made.values())
