"""The code that the runner gets in its container."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import harness
from harness.host.launch.container import FOLDER, code_tar
from harness.host.launch.conversation import ENTRY
from harness.host.project.files import RUNNER_UID, project_tar
from harness.protocol import codec, signatures
from harness.protocol.events import RunAborted
from tests.archives import unpack


def test_the_tar_has_runner_protocol_and_tblib_alone() -> None:
    with tarfile.open(fileobj=io.BytesIO(code_tar(FOLDER))) as tar:
        members = tar.getmembers()
    names = {member.name for member in members}
    assert {
        "opt/harness/harness/__init__.py",
        "opt/harness/harness/errors.py",
        "opt/harness/harness/protocol/codec.py",
        "opt/harness/harness/runner/__init__.py",
        "opt/harness/tblib/__init__.py",
    } <= names
    assert not any("host" in name.split("/") or "report" in name.split("/") for name in names)
    assert {(member.uid, member.mode) for member in members} == {(0, 0o644)}


def test_a_tar_of_the_project_may_follow_that_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "models.py").write_text("MODELS")
    archive = io.BytesIO()
    archive.write(code_tar(FOLDER))
    project_tar(tmp_path, ["shop/models.py"], archive, "project", has_place=False)
    archive.seek(0)
    with tarfile.open(fileobj=archive) as tar:
        members = {member.name: member for member in tar}
        content = tar.extractfile("project/shop/models.py")
        assert content is not None
        assert content.read() == b"MODELS"
    code, project = members["opt/harness/harness/errors.py"], members["project/shop/models.py"]
    assert (code.uid, project.uid, members["project/shop"].uid) == (0, RUNNER_UID, RUNNER_UID)
    assert "project" not in members  # the image's folder stays as it is


def test_the_runner_works_beside_a_package_called_harness(tmp_path: Path) -> None:
    """The project's package comes first on the path. The runner ends because the host sends no message."""
    with tarfile.open(fileobj=io.BytesIO(code_tar("code"))) as tar:
        unpack(tar, tmp_path)
    (tmp_path / "project" / "harness").mkdir(parents=True)
    (tmp_path / "project" / "harness" / "__init__.py").write_text("raise RuntimeError('this is the project's')")
    key = signatures.make_key()
    done = subprocess.run(
        [sys.executable, "-S", "-E", tmp_path / "code" / ENTRY],
        input=(key + signatures.make_key()).decode() + "\n",
        capture_output=True,
        text=True,
        cwd=tmp_path / "project",
    )
    line = signatures.Opener(key, print).open(done.stdout.encode().splitlines()[-1])
    assert line is not None, done.stderr
    event = codec.decode(line).event
    assert isinstance(event, RunAborted), done.stderr
    assert event.message == "The connection to the host has ended."


def test_modules_of_the_runner_import_each_other_relatively() -> None:
    """An absolute import would find a project's package called ``harness``, or a second copy of ours."""
    package = Path(harness.__file__).parent
    files = [*package.glob("protocol/*.py"), *package.glob("runner/**/*.py"), package / "errors.py"]
    absolute = [
        f"{path.name}: {line}"
        for path in files
        for line in path.read_text().splitlines()
        if re.match(r"\s*(from|import) harness\b", line)
    ]
    assert len(files) > 30
    assert not absolute
