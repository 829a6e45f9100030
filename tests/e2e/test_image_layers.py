"""The layers of a project's image: a change keeps those that it does not concern, and never a package that it takes away."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.config.load import load
from harness.host.docker.client import connect
from harness.host.docker.images import PROJECT_LABEL, Images
from harness.host.images import build_environment
from harness.host.images.build_environment import FILES_FOLDER, BuildEnvironment
from harness.host.images.builder import ImageBuilder
from harness.host.images.project_spec import CACHE_FOLDER, ProjectOptions
from tests.e2e.command import docker
from tests.e2e.wheels import wheel

pytestmark = pytest.mark.docker

PYPROJECT = """\
[project]
name = "shop"
dynamic = ["version", "dependencies"]
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = '''\
"""Builds the package of the modules in src/, with the version and the requirements of meta.json."""
import json, pathlib, zipfile

def prepare_metadata_for_build_wheel(folder, settings=None):
    meta = json.loads(pathlib.Path("meta.json").read_text())
    info = pathlib.Path(folder) / "shop.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: shop", "Version: " + meta["version"]]
    (info / "METADATA").write_text("\\n".join([*lines, *("Requires-Dist: " + each for each in meta["requires"]), ""]))
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    return info.name

def build_wheel(folder, settings=None, metadata=None):
    version = json.loads(pathlib.Path("meta.json").read_text())["version"]
    name = "shop-" + version + "-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        for path in pathlib.Path("src").glob("*.py"):
            wheel.write(path, path.name)
        for path in pathlib.Path(metadata).iterdir():
            wheel.write(path, "shop-" + version + ".dist-info/" + path.name)
        wheel.writestr("shop-" + version + ".dist-info/RECORD", "")
    return name

build_sdist = None
'''


class Shop:
    """A project that must be built to know its dependencies, which come from a folder of wheels."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.names = [f"{name}{secrets.token_hex(4)}" for name in ("first", "second")]
        for name in self.names:
            wheel(folder / "wheels", name)
        self.environment = BuildEnvironment(
            {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{FILES_FOLDER}/find-links/0"},
            {f"{FILES_FOLDER}/find-links/0": folder / "wheels"},
        )
        self.write("pyproject.toml", PYPROJECT)
        self.write("backend.py", BACKEND)
        self.write("src/old_module.py", "")
        self.describe("1.0", self.names)
        self.log: list[str] = []
        self.tags: list[str] = []

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def describe(self, version: str, requires: list[str]) -> None:
        self.write("meta.json", json.dumps({"version": version, "requires": requires}))

    def image(self, *apt: str) -> str:
        self.log.clear()
        with (
            contextlib.closing(connect()) as client,
            ImageBuilder(client, lambda _, line: self.log.append(line), lambda: self.environment) as builder,
        ):
            self.tags.append(builder.project_image(builder.runner_image("3.13"), self.root, ProjectOptions(apt=apt)))
        return self.tags[-1]

    @property
    def output(self) -> str:
        return "\n".join(self.log)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    for tag in dict.fromkeys(reversed(made.tags)):
        docker("image", "rm", tag)


def layers(tag: str) -> list[str]:
    (image,) = json.loads(docker("image", "inspect", tag))
    return list(image["RootFS"]["Layers"])


def freeze(tag: str) -> set[str]:
    return set(docker("run", "--rm", tag, "pip", "list", "--format=freeze").split()) - {"pip"}


def test_a_change_of_the_project_keeps_the_dependencies_layer(shop: Shop) -> None:
    first = shop.image()
    shop.describe("1.1", shop.names)
    (shop.root / "src" / "old_module.py").rename(shop.root / "src" / "new_module.py")
    second = shop.image()
    assert layers(second)[: len(layers(first))] == layers(first)
    assert f"Requirement already satisfied: {shop.names[0]}" in shop.output
    assert {"shop==1.1", *(f"{name}==1.0" for name in shop.names)} <= freeze(second)
    looked = docker("run", "--rm", second, "sh", "-c", "cd / && python -c 'import new_module' && ls /project/src")
    assert looked.split() == ["new_module.py"]
    assert "old_module" not in docker("run", "--rm", second, "sh", "-c", "ls /opt/venv/lib/python3*/site-packages")
    shop.describe("1.2", shop.names)
    assert len(layers(shop.image())) == len(layers(second)), "a third image is made on the first one, not on the second"


def test_a_requirement_that_goes_is_not_there_afterwards(shop: Shop) -> None:
    shop.image()
    shop.describe("1.0", shop.names[:1])
    tag = shop.image()
    assert "the requirements of shop have changed" in shop.output
    assert f"Successfully installed {shop.names[0]}-1.0 shop-1.0" in shop.output
    assert f"{shop.names[1]}==1.0" not in freeze(tag)


def test_packages_of_the_system_are_a_layer_of_their_own(shop: Shop) -> None:
    first = shop.image("hello")
    shop.write("src/more.py", "")
    shop.describe("1.0", shop.names[:1])
    second = shop.image("hello")
    assert "apt-get" not in shop.output
    common = len(layers(first)) - 1
    assert layers(second)[:common] == layers(first)[:common]
    assert layers(second)[common] != layers(first)[common]


class TestConstraint:
    """A file that a variable names decides the version, and an image that was made without it is not taken."""

    def version(self, folder: Path, name: str, environ: dict[str, str]) -> str:
        """The version of the package *name* in the image of the project in *folder*."""
        config = load({"project": str(folder), "settings": "x"}, environ, folder)
        environment = build_environment.read(config, environ)
        with (
            contextlib.closing(connect()) as client,
            ImageBuilder(client, lambda *_: None, lambda: environment) as builder,
        ):
            tag = builder.project_image(builder.runner_image("3.13"), folder)
        try:
            return docker(
                "run", "--rm", tag, "python", "-c", f"from importlib.metadata import *; print(version('{name}'))"
            )
        finally:
            docker("image", "rm", tag)

    @pytest.fixture
    def name(self, tmp_path: Path) -> str:
        """A package of two versions, which the project requires."""
        name = f"both{secrets.token_hex(4)}"
        for version in ("1.0", "2.0"):
            wheel(tmp_path / "wheels", name, version)
        (tmp_path / "limits.txt").write_text(f"{name}<2\n")
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "requirements.txt").write_text(f"{name}\n")
        return name

    def test_of_pip(self, tmp_path: Path, name: str) -> None:
        environ = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_CONSTRAINT": ""}
        assert self.version(tmp_path / "project", name, environ) == "2.0\n"
        environ["PIP_CONSTRAINT"] = str(tmp_path / "limits.txt")
        assert self.version(tmp_path / "project", name, environ) == "1.0\n"
        (tmp_path / "limits.txt").write_text(f"{name}>1\n")
        assert self.version(tmp_path / "project", name, environ) == "2.0\n"

    def test_of_uv(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "project" / "pyproject.toml").write_text("[tool.uv]\nno-index = false\n")
        environ = {
            **os.environ,
            "UV_FIND_LINKS": str(tmp_path / "wheels"),
            "UV_CONSTRAINT": str(tmp_path / "limits.txt"),
        }
        assert self.version(tmp_path / "project", name, environ) == "1.0\n"


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_downloads_are_kept_for_the_next_image(tmp_path: Path, tool: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    if tool == "uv":
        (root / "pyproject.toml").write_text("[tool.uv]\nno-index = false\n")
    environment = build_environment.read(load({"project": str(root), "settings": "x"}, os.environ, root))
    log: list[str] = []
    volumes = f"docker volume ls -q --filter label={PROJECT_LABEL}={root}".split()
    tags = []
    try:
        for requirements in ("docopt==0.6.2", "docopt==0.6.2\nsix"):  # the first one has no wheel
            (root / "requirements.txt").write_text(f"{requirements}\n# {tmp_path}\n")
            log.clear()
            with (
                contextlib.closing(connect()) as client,
                ImageBuilder(client, lambda _, line: log.append(line), lambda: environment) as builder,
            ):
                tags.append(builder.project_image(builder.runner_image("3.13"), root, ProjectOptions(has_cache=True)))
        (volume,) = subprocess.run(volumes, capture_output=True, text=True, check=True).stdout.split()
        if tool == "pip":
            assert any("Using cached docopt" in line for line in log), "\n".join(log)
        kept = docker(
            "run", "--rm", "-v", f"{volume}:/cache", tags[-1], "sh", "-c", f"ls /cache/{tool}; ls -A {CACHE_FOLDER}"
        )
        assert kept.strip()
        assert docker("run", "--rm", tags[-1], "ls", "-A", CACHE_FOLDER) == "", "the image has none of it"
        with contextlib.closing(connect()) as client:
            images = Images(client, lambda *_: None)
            (stored,) = (image for image in images.in_detail() if image.id == volume)
            assert images.remove(stored) == ""
        assert subprocess.run(volumes, capture_output=True, text=True, check=True).stdout == ""
    finally:
        for tag in tags:
            docker("image", "rm", tag)
