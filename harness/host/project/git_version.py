"""Advice for a build that fails because it takes the project's version from git: files come to an image without
``.git``. Pure but for the packaging files that it reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness.host.project import declared_sources

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
    requires = declared_sources.toml(root / "pyproject.toml").get("build-system", {}).get("requires", ())
    setup = root / "setup.py"
    text = " ".join(
        [*map(str, requires), declared_sources.ini(root / "setup.cfg").get("options", "setup_requires", fallback="")]
    )
    text += setup.read_text("utf-8", "replace") if setup.is_file() else ""
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
