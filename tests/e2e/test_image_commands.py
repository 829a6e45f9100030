"""``harness images`` on the real engine."""

import contextlib
import io
import os
import platform
import re
import secrets
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.docker.client import connect
from harness.host.docker.images import NAME_LABEL, Images
from harness.host.retention.usage import Records, records_folder
from harness.protocol import naming

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


@contextlib.contextmanager
def imported(name: str, **labels: str) -> Iterator[str]:
    """A small image with our label *name* and a tag like ours, which no run needs."""
    tag = f"harness-{name}:test-{secrets.token_hex(4)}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(tag))  # a layer of its own
    changes = [
        f"LABEL {NAME_LABEL}={name}",
        *(f"LABEL {naming.LABEL}.{label}={text}" for label, text in labels.items()),
    ]
    command = ["docker", "import", *(word for change in changes for word in ("--change", change)), "-", tag]
    subprocess.run(command, input=buffer.getvalue(), check=True, capture_output=True)
    yield tag
    subprocess.run(["docker", "image", "rm", tag], check=False, capture_output=True)


@pytest.fixture
def small_image() -> Iterator[str]:
    with imported("test") as tag:
        yield tag


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


class TestPrune:
    """Every command names the test's own project, so that no image of another one goes."""

    @pytest.fixture
    def tags(self, tmp_path: Path) -> Iterator[tuple[str, str, str]]:
        """Two images of the project in the test's folder, and one of another project."""
        with contextlib.ExitStack() as made:
            one, other, another = (
                made.enter_context(imported("project", project=str(folder), machine=platform.node()))
                for folder in (tmp_path, tmp_path, tmp_path / "gone")
            )
            yield one, other, another

    def test_only_the_images_of_the_project_go(self, tags: tuple[str, str, str], tmp_path: Path) -> None:
        one, other, another = tags
        dry = images("prune", "--older-than", "0d", "--project", ".", "--dry-run", cwd=tmp_path)
        assert dry.returncode == ExitCode.GREEN, dry.stderr
        about = f"(of {tmp_path}, last used "
        assert len(dry.stdout.splitlines()) == 3
        assert all(f"would go {tag} {about}" in dry.stdout for tag in (one, other))
        assert "Nothing was removed." in dry.stdout
        listed = images(cwd=tmp_path).stdout
        assert listed.startswith("image   ")
        (row,) = (line for line in listed.splitlines() if line.startswith(one))
        assert re.split(r"\s{2,}", row)[1] == "dependencies"
        assert row.endswith(f"  {tmp_path}")

        fresh = images("prune", "--project", str(tmp_path), cwd=tmp_path)
        assert "Removed 0 images" in fresh.stdout, "14 days are the default"

        pruned = images("prune", "--older-than", "0d", "--project", str(tmp_path), cwd=tmp_path)
        assert pruned.returncode == ExitCode.GREEN, pruned.stderr
        assert all(f"removed {tag} {about}" in pruned.stdout for tag in (one, other))
        listed = images(cwd=tmp_path).stdout
        assert another in listed
        assert one not in listed

    def test_one_in_use_stays_and_says_why(
        self, tags: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))  # the uses of images are recorded there
        of_container, of_run, _ = tags
        created = subprocess.run(["docker", "create", of_container, "x"], check=True, capture_output=True, text=True)
        try:
            with contextlib.ExitStack() as held:
                Records(records_folder(os.environ)).use(of_run, "", held)
                pruned = images("prune", "--older-than", "0d", "--project", ".", cwd=tmp_path)
        finally:
            subprocess.run(["docker", "rm", created.stdout.strip()], check=True, capture_output=True)
        assert pruned.returncode == ExitCode.GREEN
        assert sorted(pruned.stderr.splitlines()) == sorted(
            [f"kept {of_container}: a container uses it", f"kept {of_run}: a run needs it"]
        )
        assert images("prune", "--older-than", "0d", "--project", ".", cwd=tmp_path).stdout.count("removed ") == 2

    def test_those_of_a_folder_that_is_gone_go_at_any_age(self, tags: tuple[str, str, str], tmp_path: Path) -> None:
        pruned = images("prune", "--gone", "--project", "gone", cwd=tmp_path)
        assert pruned.stdout.startswith(
            f"removed {tags[2]} (of {tmp_path / 'gone'}, which is gone, last used just now)\n"
        )
        assert images("prune", "--gone", "--project", ".", cwd=tmp_path).stdout.startswith("Removed 0 images")

    def test_an_age_without_a_unit_is_refused(self, tmp_path: Path) -> None:
        refused = images("prune", "--older-than", "14", cwd=tmp_path)
        assert refused.returncode == ExitCode.USAGE
        assert "--older-than 14 is no duration" in refused.stderr

    def test_the_engine_measures_for_several_at_once(self, tags: tuple[str, str, str]) -> None:
        """An engine measures its disk for one client at a time."""
        with contextlib.closing(connect()) as client, ThreadPoolExecutor(4) as pool:
            stored = Images(client, lambda *_: None)
            for found in pool.map(lambda _: stored.in_detail(), range(8)):
                assert tags[0] in {image.tag for image in found}

    def test_a_run_records_its_use_at_the_engine_too(self, tags: tuple[str, str, str]) -> None:
        with contextlib.closing(connect()) as client:
            stored = Images(client, lambda *_: None)
            times: list[float] = []
            for _ in range(2):
                times += [image.tagged_at for image in stored.in_detail() if image.tag == tags[0]]
                time.sleep(1.1)
                stored.tag_again(tags[0])
            assert 0 < times[0] < times[1]


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
