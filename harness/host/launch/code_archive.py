"""The code that the runner needs, as a tar for its container."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import harness

FOLDER = "/opt/harness"
ENTRY = "harness/runner/bootstrap.py"
"""The runner's entry point, relative to the folder that the tar is unpacked in."""
_OURS = ("__init__.py", "errors.py", "testing.py", "protocol", "runner")


@cache
def code_tar(folder: str) -> bytes:
    """A tar that unpacks into *folder*: owned by root, and read-only for everybody else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in _code_files():
            member = tarfile.TarInfo(f"{folder.strip('/')}/{name}")
            content = path.read_bytes()
            member.size = len(content)
            member.mode = 0o644
            member.mtime = int(path.stat().st_mtime)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _code_files() -> Iterator[tuple[str, Path]]:
    """Every file that the runner needs, with its path below the folder that the interpreter searches."""
    package = Path(harness.__file__).parent
    tblib = importlib.util.find_spec("tblib")
    assert tblib is not None
    assert tblib.origin is not None
    for root in (*(package / name for name in _OURS), Path(tblib.origin).parent):
        top = root.parent if root.name == "tblib" else package.parent
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            yield path.relative_to(top).as_posix(), path
