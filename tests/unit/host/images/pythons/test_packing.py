"""An interpreter is packed for ``/usr/local``, without the machine's own packages and paths."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from harness.host.images.pythons.interpreters import Interpreter
from harness.host.images.pythons.packing import pack
from tests.unit.host.project.conftest import write


def _packed(interpreter: Interpreter) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """The members of the packed *interpreter*, each with its content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        pack(interpreter, tar)
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            yield member, file.read().decode() if file else ""


def _interpreter(prefix: Path, library: str = "") -> Interpreter:
    write(
        prefix,
        {
            "bin/python3.12": "#!",
            "lib/python3.12/os.py": "",
            "lib/python3.12/__pycache__/os.cpython-312.pyc": "",
            "lib/python3.12/__pycache__/os.cpython-312.opt-1.pyc": "",
            "lib/python3.12/__pycache__/_sysconfigdata__linux.cpython-312.pyc": "",
            "lib/python3.12/_sysconfigdata__linux.py": f"LIBDIR = '{prefix}/lib'",
            "lib/python3.12/config-3.12/libpython3.12.a": "",
            "lib/python3.12/site-packages/own.py": "",
            "lib/python3.12/test/test_os.py": "",
            "lib/python3.12/unittest/test/case.py": "",
            "lib/libpython3.12.so.1.0": "",
            "include/python3.12/Python.h": "",
        },
    )
    (prefix / "bin/python3.12").chmod(0o700)
    return Interpreter(
        executable=prefix / "bin/python3.12",
        release="3.12.4",
        build="3.12.4 (main)",
        machine="x86_64",
        glibc="2.36",
        prefix=prefix,
        stdlib=prefix / "lib/python3.12",
        includes=(prefix / "include/python3.12", prefix / "include/missing"),
        library=library,
    )


def test_the_files_are_in_the_places_of_an_official_image(tmp_path: Path) -> None:
    interpreter = _interpreter(tmp_path, str(tmp_path / "lib/libpython3.12.so.1.0"))
    packed = {member.name: member for member, _ in _packed(interpreter)}
    assert sorted(name.removeprefix("root/usr/local/") for name in packed) == [
        "bin/python",
        "bin/python3",
        "bin/python3.12",
        "include/python3.12/Python.h",
        "lib/libpython3.12.so",
        "lib/libpython3.12.so.1.0",
        "lib/python3.12/__pycache__/os.cpython-312.pyc",
        "lib/python3.12/_sysconfigdata__linux.py",
        "lib/python3.12/os.py",
        "lib/python3.12/unittest/test/case.py",
    ]
    assert packed["root/usr/local/bin/python3"].linkname == "python3.12"
    assert [packed[f"root/usr/local/{name}"].mode for name in ("bin/python3.12", "lib/python3.12/os.py")] == [
        0o755,
        0o644,
    ]
    assert {(member.uid, member.gid) for member in packed.values()} == {(0, 0)}


def test_its_own_folder_is_replaced_in_its_build_variables(tmp_path: Path) -> None:
    name = "root/usr/local/lib/python3.12/_sysconfigdata__linux.py"
    packed = {member.name: content for member, content in _packed(_interpreter(tmp_path))}
    assert packed[name] == "LIBDIR = '/usr/local/lib'"
