"""The key of a project's image: it changes with each input of an installation, and with nothing else."""

import gzip
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.host.config.load import load
from harness.host.images import build_environment, specs
from harness.host.images.project_spec import project_installation

FILES = {
    "requirements.txt": "-r more/base.txt\n-c limits.txt\n--find-links links\ndjango\n",
    "more/base.txt": "asgiref\n",
    "limits.txt": "asgiref<4\n",
    "links/a-1.0.tar.gz": "",
    "shop/models.py": "",
    "manage.py": "",
    "company/limits.txt": "sqlparse<1\n",
    "company/wheels/b-1.0.tar.gz": "",
}
PIP = {
    "index-url": "https://me:one@index.example/simple",
    "extra-index-url": "https://a.example/s https://b.example/s",
    "find-links": "OUTSIDE/wheels https://links.example/",
    "constraint": "OUTSIDE/limits.txt https://limits.example/c.txt",
}
STATED = """\
[project]
name = "shop"
version = "1"
dependencies = ["django", "toml"]
[dependency-groups]
test = ["attrs"]
"""


class Inputs:
    """All inputs of a key, on disk and in memory."""

    def __init__(self, folder: Path) -> None:
        self.root, self.outside = folder / "project", folder / "company"
        for name, text in FILES.items():
            path = folder / name if name.startswith("company/") else self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(name.encode()) if name.endswith(".gz") else text.encode())
        self.pip = {key: value.replace("OUTSIDE", str(self.outside)) for key, value in PIP.items()}
        self.environ: dict[str, str] = {}
        self.configured: list[str] | None = None
        self.apt: list[str] = []
        self.extra: list[str] = []
        self.runner = specs.runner_specs("3.13")[0].tag("sha256:1", specs.runner_specs("3.13")[0].steps[0])

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def age_files(self) -> None:
        for path in self.root.parent.rglob("*"):
            os.utime(path, (1, 1))

    def key(self) -> str:
        config = load({"project": str(self.root), "settings": "x"}, self.environ, self.root)
        environment = build_environment.resolve(config, self.pip, self.environ)
        made = project_installation(environment, self.runner, self.root, self.configured, self.apt, (), self.extra)
        return made.tag.removeprefix("harness-project:")


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


def runner(python: str, base: str) -> str:
    spec = specs.runner_specs(python)[0]
    return spec.tag(base, spec.steps[0])


def archive(path: Path) -> None:
    """Overwrite the file with other content of the same size, like a wheel that was built again."""
    size = path.stat().st_size
    path.write_bytes(gzip.compress(b"x" + path.name.encode()[1:])[:size].ljust(size, b"\0"))


CHANGES: Mapping[str, Callable[[Inputs], object]] = {
    "requirements": lambda it: it.write("requirements.txt", FILES["requirements.txt"] + "attrs\n"),
    "an included file": lambda it: it.write("more/base.txt", "asgiref>3\n"),
    "constraints of the project": lambda it: it.write("limits.txt", "asgiref<3.9\n"),
    "packages in a folder of the project": lambda it: archive(it.root / "links" / "a-1.0.tar.gz"),
    "a file for the tests": lambda it: it.write("requirements-test.txt", "attrs\n"),
    "the index": lambda it: it.pip.update({"index-url": "https://other.example/simple"}),
    "no index": lambda it: it.pip.update({"no-index": "true"}),
    "further indexes": lambda it: it.pip.update({"extra-index-url": "https://a.example/s"}),
    "their order": lambda it: it.pip.update({"extra-index-url": "https://b.example/s https://a.example/s"}),
    "a page with links": lambda it: it.pip.update({"find-links": f"{it.outside}/wheels https://other.example/"}),
    "a package in a folder": lambda it: archive(it.outside / "wheels" / "b-1.0.tar.gz"),
    "one more package in a folder": lambda it: (it.outside / "wheels" / "c-1.0.tar.gz").write_bytes(b"c"),
    "one package less": lambda it: (it.outside / "wheels" / "b-1.0.tar.gz").unlink(),
    "another name of a package": lambda it: (it.outside / "wheels" / "b-1.0.tar.gz").rename(
        it.outside / "wheels" / "b-1.1.tar.gz"
    ),
    "constraints of pip's": lambda it: (it.outside / "limits.txt").write_text("sqlparse<0.5\n"),
    "constraints elsewhere": lambda it: it.pip.update({"constraint": f"{it.outside}/limits.txt https://x.example/c.txt"}),
    "a variable of pip's": lambda it: it.environ.update({"PIP_INDEX_URL": "https://env.example/simple"}),
    "a variable of ours": lambda it: it.environ.update({"HARNESS_PIP_INDEX_URL": "https://ours.example/simple"}),
    "a key of ours": lambda it: it.write("pyproject.toml", '[tool.harness]\npip_constraints = ["limits.txt"]\n'),
    "a choice of pip's": lambda it: it.environ.update({"PIP_PRE": "1"}),
    "a choice of uv's": lambda it: it.environ.update({"UV_PRERELEASE": "allow"}),
    "an index of uv's": lambda it: it.environ.update({"UV_INDEX": "https://uv.example/simple"}),
    "a lock": lambda it: it.write("uv.lock", ""),
    "further requirements": lambda it: it.extra.append("attrs"),
    "packages of the system": lambda it: it.apt.append("libxml2"),
    "commands": lambda it: setattr(it, "configured", ["pip install -r requirements.txt --no-deps"]),
    "Python": lambda it: setattr(it, "runner", runner("3.12", "sha256:1")),
    "the base image": lambda it: setattr(it, "runner", runner("3.13", "sha256:2")),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_each_change_makes_another_key(inputs: Inputs, change: Callable[[Inputs], object]) -> None:
    before = inputs.key()
    change(inputs)
    assert inputs.key() != before


UNCHANGED: Mapping[str, Callable[[Inputs], object]] = {
    "nothing": lambda it: None,
    "a password": lambda it: it.pip.update({"index-url": "https://me:two@index.example/simple"}),
    "a password of uv's": lambda it: it.environ.update({"UV_INDEX_OURS_PASSWORD": "one"}),
    "the age of files": lambda it: it.age_files(),
    "another place of the same folder": lambda it: [
        shutil.copytree(it.outside, it.outside.with_name("moved")),
        it.pip.update({key: text.replace(str(it.outside), f"{it.outside}/../moved") for key, text in it.pip.items()}),
    ],
    "how long pip waits": lambda it: it.environ.update({"PIP_TIMEOUT": "5", "PIP_RETRIES": "9"}),
}


@pytest.mark.parametrize("change", UNCHANGED.values(), ids=UNCHANGED.keys())
def test_a_change_of_no_package_keeps_the_key(inputs: Inputs, change: Callable[[Inputs], object]) -> None:
    before = inputs.key()
    change(inputs)
    assert inputs.key() == before
    assert len(before) == 12


@pytest.mark.parametrize(
    ("old", "new", "is_other"),
    [
        ('"django"', '"django>=5"', True),
        ('"attrs"', '"attrs>1"', True),
        ('version = "1"', 'version = "2"', False),
        ('version = "1"', 'dynamic = ["dependencies"]', True),
    ],
)
def test_only_the_requirements_of_pyproject_count(inputs: Inputs, old: str, new: str, is_other: bool) -> None:
    (inputs.root / "requirements.txt").unlink()
    inputs.write("pyproject.toml", STATED)
    before = inputs.key()
    inputs.write("pyproject.toml", STATED.replace(old, new))
    assert (inputs.key() != before) == is_other


@pytest.mark.parametrize(
    ("command", "file", "is_other"),
    [
        ("pip install -r more/base.txt", "more/base.txt", True),
        ("pip install -r more/base.txt", "shop/models.py", False),
        ("poetry install --no-root", "poetry.lock", True),
        ("uv sync --no-install-project", "uv.lock", True),
        ("uv sync --no-install-project", "uv.toml", True),
        ("uv sync --no-install-project", "shop/models.py", False),
        ("pipenv sync --system", "Pipfile.lock", True),
        ("pdm install --no-self", "pdm.lock", True),
        ("sh ci/install.sh", "ci/install.sh", True),
        ("sh ci/install.sh", "shop/models.py", True),
        ("pip install .", "shop/models.py", True),
    ],
)
def test_files_that_the_commands_read_count(inputs: Inputs, command: str, file: str, is_other: bool) -> None:
    inputs.configured = [command]
    inputs.write(file, "one\n")
    before = inputs.key()
    inputs.write(file, "two\n")
    assert (inputs.key() != before) == is_other


def test_a_project_that_names_nothing_has_no_key(inputs: Inputs) -> None:
    (inputs.root / "requirements.txt").unlink()
    shutil.rmtree(inputs.root / "more")
    with pytest.raises(ProjectError, match="Nothing in"):
        inputs.key()
