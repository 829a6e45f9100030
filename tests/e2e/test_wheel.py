"""The wheel alone is enough to run: it carries the recipes of the images."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.host.images import recipe

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel of this checkout installs."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(REPOSITORY),
    ]
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


@pytest.mark.parametrize("name", ["runner", "postgres", "base"])
def test_a_recipe_is_the_same_in_the_wheel(installed: Path, name: str) -> None:
    code = f"from harness.host.images import recipe; print(recipe.folder({name!r}), recipe.load({name!r}).digest)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=installed, capture_output=True, text=True, check=True
    )
    folder, digest = done.stdout.split()
    assert Path(folder).is_relative_to(installed)
    assert digest == recipe.load(name).digest
