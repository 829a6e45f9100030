"""Replacements of the actions of others: each does on this machine what the action is documented to do with its inputs."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.host.project.files import project_files
from tests.github_expressions import as_text

if TYPE_CHECKING:
    from tests.github_runner import Runner

ROOT = Path(__file__).parents[1]


def copy_repository(target: Path) -> None:
    for name in project_files(ROOT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


class ActionError(Exception):
    """The error with which an action of others would fail."""


def _checkout(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    assert given["persist-credentials"] == "false"
    copy_repository(runner.workspace)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=runner.workspace, check=True, capture_output=True)
    return {}


def _setup_python(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    assert given["python-version"]
    base = Path(f"{sys.base_prefix}/bin/python3").resolve()
    has_pip = subprocess.run([base, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    # the real action's Python has pip and the name ``python``; a distribution may keep both in packages of their own
    path = base if has_pip and (base.parent / "python").exists() else Path(sys.executable)
    if given.get("update-environment") != "false":
        runner.added_path.append(str(path.parent))
    return {"python-path": str(path)}


def _cache_restore(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    wanted = [key for key in given.get("restore-keys", "").split() if key]
    kept = sorted(runner.github.caches.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    names = [path.name for path in kept]
    found = given["key"] if given["key"] in names else ""
    found = found or next((name for key in wanted for name in names if name.startswith(key)), "")
    for path in map(Path, given["path"].strip().split("\n")) if found else ():
        kept_path = runner.github.caches / found / path.name
        if kept_path.exists():
            _copy(kept_path, path, os.link)  # as if downloaded
    return {"cache-primary-key": given["key"], "cache-matched-key": found, "cache-hit": as_text(found == given["key"])}


def _cache_save(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    kept = runner.github.caches / given["key"]
    if not kept.exists():
        kept.mkdir()
        for path in map(Path, given["path"].strip().split("\n")):
            if path.exists():
                _copy(path, kept / path.name, os.link)
    return {}


def _copy(source: Path, target: Path, copy: Callable[[str, str], object] = shutil.copy2) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, copy_function=copy)
    else:
        copy(str(source), str(target))


def _upload(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    name, source = given["name"], runner.workspace / given["path"]
    assert not re.search(r'[":<>|*?\r\n\\/]', name), f"{name!r} is no name for an artifact"
    files = [path for path in source.rglob("*") if path.is_file()]
    if given.get("include-hidden-files") != "true":
        files = [path for path in files if not any(part.startswith(".") for part in path.relative_to(source).parts)]
    if not files:
        if given.get("if-no-files-found") == "error":
            raise ActionError(f"No files were found: {source}")
        return {}
    target = runner.github.artifacts / name
    if target.exists():
        if given.get("overwrite") != "true":
            raise ActionError(f"an artifact with this name already exists on the workflow run: {name}")
        shutil.rmtree(target)
    for path in files:
        _copy(path, target / path.relative_to(source))
    return {}


def _download(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    target = runner.workspace / given["path"]
    if "name" in given:
        if not (runner.github.artifacts / given["name"]).exists():
            raise ActionError(f"Artifact not found: {given['name']}")
        _copy(runner.github.artifacts / given["name"], target)
        return {}
    for artifact in runner.github.artifacts.iterdir():
        if fnmatch.fnmatchcase(artifact.name, given["pattern"]):
            _copy(artifact, target if given.get("merge-multiple") == "true" else target / artifact.name)
    return {}


def _publish(runner: Runner, given: Mapping[str, str]) -> dict[str, str]:
    assert not given.keys() & {"user", "password"}, "a password is no trusted publishing"
    folder = runner.workspace / given.get("packages-dir", "dist")
    runner.github.published += sorted(path.name for path in folder.iterdir())
    return {}


OF_OTHERS: dict[str, Callable[[Runner, Mapping[str, str]], dict[str, str]]] = {
    "actions/checkout": _checkout,
    "actions/setup-python": _setup_python,
    "actions/cache/restore": _cache_restore,
    "actions/cache/save": _cache_save,
    "actions/upload-artifact": _upload,
    "actions/download-artifact": _download,
    "pypa/gh-action-pypi-publish": _publish,
}
