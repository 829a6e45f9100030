"""What is brought into the runner's container."""

import io
import subprocess
import sys
import tarfile

from harness.host.runner import CODE_FOLDER, code_tar


def test_the_tar_holds_inside_the_contract_and_tblib_and_nothing_of_the_host():
    with tarfile.open(fileobj=io.BytesIO(code_tar(CODE_FOLDER))) as tar:
        members = tar.getmembers()
    names = {member.name for member in members}
    assert {
        "opt/harness/harness/__init__.py",
        "opt/harness/harness/errors.py",
        "opt/harness/harness/contract/codec.py",
        "opt/harness/harness/inside/__init__.py",
        "opt/harness/tblib/__init__.py",
    } <= names
    assert not any("host" in name.split("/") or "report" in name.split("/") for name in names)
    assert {(member.uid, member.mode) for member in members} == {(0, 0o644)}


def test_what_is_in_it_is_enough_to_import_the_contract(tmp_path):
    with tarfile.open(fileobj=io.BytesIO(code_tar("code"))) as tar:
        tar.extractall(tmp_path, filter="data")
    script = "import harness.contract.codec, tblib, harness; print(harness.__file__)"
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'code')!r}); {script}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == str(tmp_path / "code" / "harness" / "__init__.py")
