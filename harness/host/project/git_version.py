"""Advice for a build that takes the project's version from git and fails: an image has the files without ``.git``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness.host.project.packaging_files import PackagingFiles

PLUGINS: Mapping[str, str] = {
    "setuptools-scm": "SETUPTOOLS_SCM_PRETEND_VERSION=1.0",
    "hatch-vcs": "SETUPTOOLS_SCM_PRETEND_VERSION=1.0",
    "flit-scm": "SETUPTOOLS_SCM_PRETEND_VERSION=1.0",
    "pdm-backend": "PDM_BUILD_SCM_VERSION=1.0",
    "pbr": "PBR_VERSION=1.0",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS=1.0",
    "uv-dynamic-versioning": "UV_DYNAMIC_VERSIONING_BYPASS=1.0",
}
"""The plugins that ask git for a version, and the variable that sets the version for each."""

_WORDS = re.compile(r"(?i)\bversion|\bgit\b")


def plugin_of(root: Path) -> str:
    """The one of ``PLUGINS`` that the project in *root* is built with; empty for none."""
    files = PackagingFiles(root)
    requires = map(str, files.table("build-system").get("requires", ()))
    in_cfg = files.setup_cfg.get("options", "setup_requires", fallback="")
    text = " ".join([*requires, in_cfg, files.text("setup.py")])
    text = re.sub(r"[-_.]+", "-", text.lower()).replace("use-scm-version", "setuptools-scm")
    return next((name for name in PLUGINS if re.search(rf"(?<![\w-]){name}(?![\w-])", text)), "")


def advice(root: Path, command: str, output: str) -> str:
    """The next step if *command* failed with *output* because it found no version; empty for other failures."""
    plugin = plugin_of(root)
    if not plugin or not _WORDS.search(output):
        return ""
    return (
        f"The project's files come without .git, where {plugin} finds the version. Give it one:"
        f' [tool.harness] install = ["{PLUGINS[plugin]} {command}"].'
    )
