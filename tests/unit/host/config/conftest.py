"""A Django project to configure, and the configuration of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.host.config.load import load as load_config
from harness.host.config.options import Config

MANAGE_PY = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "manage.py").write_text(MANAGE_PY)
    return folder


def load(project: Path, toml: str = "", environ: dict[str, str] | None = None, **cli: object) -> Config:
    """The configuration of *project* with *toml* as its ``[tool.harness]``, seen from the folder above it."""
    if toml:
        (project / "pyproject.toml").write_text(f"[tool.harness]\n{toml}\n")
    return load_config({"project": str(project), **cli}, environ or {}, project.parent)


def refuse(project: Path, toml: str = "", environ: dict[str, str] | None = None, **cli: object) -> HarnessError:
    """The error of ``load`` with these arguments."""
    with pytest.raises(HarnessError) as caught:
        load(project, toml, environ, **cli)
    assert caught.value.hint, "every error has a next step"
    return caught.value


def text_of(error: HarnessError) -> str:
    return f"{error.message} {error.hint}"
