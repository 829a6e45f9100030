from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.files import write_files


def write(root: Path, files: Mapping[str, str]) -> Path:
    """*root* with *files* in it, by their names relative to it."""
    write_files(root, files)
    return root
