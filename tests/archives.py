"""Fetches source distributions, and unpacks tar archives on each Python that the tests run on."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "packages"
DOWNLOAD_S = 900


def unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack *tar* in *folder* without leaving it. Python 3.11 before its release 4 has no filter to ask for that."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
    else:
        tar.extractall(folder)


def source(requirement: str, sha256: str, folder: Path) -> Path:
    """The files of the source distribution of *requirement*, unpacked in *folder*, which must be empty.

    It comes from pip's index, once, into ``.cache/packages``. Raises ``RuntimeError`` with pip's message if pip cannot get it, or
    gets another digest.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    name, _, version = requirement.partition("==")
    archive = CACHE / f"{name.lower().replace('-', '_')}-{version}.tar.gz"
    if not archive.is_file():
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
        options = ["--quiet", "--no-deps", "--no-binary=:all:", "--require-hashes", f"--requirement={wanted}"]
        command = [sys.executable, "-m", "pip", "download", *options, f"--dest={folder}"]
        process = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=DOWNLOAD_S)
        if process.returncode:
            raise RuntimeError(f"pip could not get {requirement} with the digest {sha256}: {process.stderr[-3000:]}")
        (folder / archive.name).replace(archive)
    with tarfile.open(archive) as tar:
        unpack(tar, folder)
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked
