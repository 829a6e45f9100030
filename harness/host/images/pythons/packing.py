"""Packs an interpreter of this machine for an image, in the layout of an official one: ``/usr/local``."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from harness.host.images.pythons.interpreters import Interpreter
from harness.host.project.python_version import series_of

ROOT = "root"
PREFIX = "usr/local"
_LEFT_OUT = ("site-packages", "dist-packages", "test", "idlelib", "turtledemo")
"""The folders of the standard library that an official image of Python lacks too, and the machine's own packages."""


def pack(interpreter: Interpreter, tar: tarfile.TarFile) -> None:
    """Add the files of *interpreter* to *tar*, in the folder ``ROOT``, as root's. Its paths in text files are changed."""
    name = f"python{series_of(interpreter.release)}"
    old, new = os.fsencode(interpreter.prefix), os.fsencode(f"/{PREFIX}")
    for path, place in sorted(set(_parts(interpreter, name))):
        content = path.read_bytes()
        # Debian's interpreter is in /usr, which is part of many other paths
        if re.search(r"/(_sysconfigdata[^/]*\.py|config-[^/]+/Makefile)$", place) and len(interpreter.prefix.parts) > 2:
            content = content.replace(old, new)
        status = path.stat()
        member = tarfile.TarInfo(f"{ROOT}/{place}")
        member.size, member.mtime = len(content), int(status.st_mtime)
        member.mode = 0o755 if status.st_mode & 0o100 else 0o644
        tar.addfile(member, io.BytesIO(content))
    links = {f"bin/{link}": name for link in ("python3", "python")}
    if interpreter.library:
        links[f"lib/{re.sub(r'[.]so[.].*', '.so', Path(interpreter.library).name)}"] = Path(interpreter.library).name
    for link, target in links.items():
        member = tarfile.TarInfo(f"{ROOT}/{PREFIX}/{link}")
        member.type, member.linkname = tarfile.SYMTYPE, target
        tar.addfile(member)


def _parts(interpreter: Interpreter, name: str) -> Iterator[tuple[Path, str]]:
    """The files of *interpreter*, each with its place in the image."""
    yield interpreter.executable, f"{PREFIX}/bin/{name}"
    if interpreter.library and Path(interpreter.library).is_file():
        yield Path(interpreter.library), f"{PREFIX}/lib/{Path(interpreter.library).name}"
    for path in _files(interpreter.stdlib, series_of(interpreter.release)):
        yield path, f"{PREFIX}/{path.relative_to(interpreter.prefix)}"
    for folder in interpreter.includes:
        for path in filter(Path.is_file, folder.rglob("*")):
            yield path, f"{PREFIX}/{path.relative_to(interpreter.prefix)}"
    if interpreter.wheels:
        for path in Path(interpreter.wheels).glob("*.whl"):
            yield path, str(path).lstrip("/")


def _files(stdlib: Path, series: str) -> Iterator[Path]:
    """The files of a standard library that an image needs."""
    compiled = f".cpython-{series.replace('.', '')}.pyc"
    for folder, folders, names in os.walk(stdlib):
        if Path(folder) == stdlib:
            folders[:] = [each for each in folders if each not in _LEFT_OUT]
        is_cache = Path(folder).name == "__pycache__"
        for name in names:
            path = Path(folder) / name
            is_wanted = (
                name.endswith(compiled) and "_sysconfigdata" not in name if is_cache else not name.endswith(".a")
            )
            if is_wanted and path.is_file():
                yield path
