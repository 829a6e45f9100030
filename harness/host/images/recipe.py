"""Finds and reads the recipes of the images.

Owns the one decision between a checkout (``images/`` and ``Dockerfile`` at the top) and an installed wheel, which has the
same files in ``host/recipes``; and the tar of a recipe.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.host.digest import digest_of

_INSTALLED = Path(__file__).parents[1] / "recipes"
_CHECKOUT = Path(__file__).parents[3]

RUNNER = "runner"
PYTHON = "python"

_SHARED = {
    "postgres": ("control.sh", "entry.sh", "save.sh", "server.Dockerfile"),
    "mysql": ("control.sh", "entry.sh", "mysql_family.sh", "mysql_family_save.sh", "save.sh", "server.Dockerfile"),
    "mariadb": ("control.sh", "entry.sh", "mysql_family.sh", "mysql_family_save.sh", "save.sh", "server.Dockerfile"),
}
"""The files beside the recipes' folders that belong to a recipe too."""
PACKAGES = "packages.Dockerfile"
"""A file beside them, for servers with packages of the configuration."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The files from which an image is made, by their path in the build's context.

    ``pack`` adds further files to the context, which are no part of the recipe.
    """

    name: str
    files: tuple[tuple[str, bytes], ...]
    pack: Callable[[tarfile.TarFile], None] = field(default=lambda _tar: None, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of names and contents, in hexadecimal. Equal in a checkout and in a wheel."""
        return digest_of(part for name, content in self.files for part in (name.encode(), content))

    def context(self) -> bytes:
        """The files as a tar, the context of a build. It does not depend on the checkout's umask or file times."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in self.files:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                member.mode = 0o755 if content.startswith(b"#!") else 0o644
                tar.addfile(member, io.BytesIO(content))
            self.pack(tar)
        return buffer.getvalue()


def folder(name: str) -> Path:
    """The folder of the recipe *name*: ``postgres``, ``base``, ``runner``."""
    if _INSTALLED.is_dir():
        return _INSTALLED / name
    return _CHECKOUT if name == RUNNER else _CHECKOUT / "images" / name


def load(name: str, more: Iterable[str] = ()) -> Recipe:
    """The recipe *name*, with all its files and those beside its folder that *more* names.

    Raises ``FileNotFoundError`` when the installation lacks it.
    """
    where = folder(name)
    paths = [where / "Dockerfile"] if name == RUNNER else [path for path in where.rglob("*") if path.is_file()]
    if not paths:
        raise FileNotFoundError(where)
    files = {path.relative_to(where).as_posix(): path for path in paths}
    files |= {shared: where.parent / shared for shared in (*_SHARED.get(name, ()), *more)}
    return Recipe(name, tuple((path, files[path].read_bytes()) for path in sorted(files)))
