"""The versions of all installed packages, by the names of their metadata's folders: without reading one by one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from .modules import is_installed


def versions(search_path: Iterable[str]) -> list[str]:
    """The packages in the folders of *search_path* where packages are installed, each as ``name-version``.

    A package that came from a folder or a repository may change without a new version: it has a digest of the list of its files
    too. One that is installed as a link to its folder counts by content, as the project does, and is left out.
    """
    found = set()
    for folder in search_path:
        if not isinstance(folder, str) or not is_installed(f"{folder}/"):
            continue
        try:
            names = os.listdir(folder)  # noqa: PTH208 - 200 names and more: pathlib takes several times as long
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")) and (line := _version(Path(folder, name))):
                found.add(line)
    return sorted(found)


def _version(metadata: Path) -> str:
    try:
        origin = json.loads((metadata / "direct_url.json").read_text())
    except (OSError, ValueError):
        return metadata.name
    if origin.get("dir_info", {}).get("editable"):
        return ""
    try:
        files = (metadata / "RECORD").read_bytes()
    except OSError:
        files = b""
    return f"{metadata.name} {hashlib.sha256(files).hexdigest()}"
