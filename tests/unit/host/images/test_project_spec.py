"""The key of a project's image: it changes with each input of an installation, and with nothing else."""

import gzip
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.host.config.load import load
from harness.host.docker.images import Image
from harness.host.docker.install import Installation
from harness.host.images import build_environment, specs
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.project_spec import (
    DEPENDENCIES_LABEL,
    ProjectOptions,
    on_top,
    project_installation,
    reusable,
)
from harness.host.project import installers
from harness.host.project.packaging_files import PackagingFiles

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

    @property
    def options(self) -> ProjectOptions:
        return ProjectOptions(self.configured, self.apt, extra=self.extra)

    def key(self) -> str:
        return self.installation().tag.removeprefix("harness-project:")

    def installation(self, *, has_cache: bool = False) -> Installation:
        config = load({"project": str(self.root), "settings": "x"}, self.environ, self.root)
        environment = build_environment.resolve(config, self.pip, self.environ)
        options = replace(self.options, has_cache=has_cache)
        return project_installation(environment, self.runner, self.root, options)


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
    "no index of uv's": lambda it: it.environ.update({"UV_NO_INDEX": "1"}),
    "constraints of a variable": lambda it: it.environ.update({"PIP_CONSTRAINT": f"{it.root}/requirements.txt"}),
    "constraints of builds": lambda it: it.environ.update({"PIP_BUILD_CONSTRAINT": f"{it.outside}/limits.txt"}),
    "constraints of uv's": lambda it: it.environ.update({"UV_CONSTRAINT": f"{it.outside}/limits.txt"}),
    "overrides of uv's": lambda it: it.environ.update({"UV_OVERRIDE": f"{it.outside}/limits.txt"}),
    "constraints of uv's builds": lambda it: it.environ.update({"UV_BUILD_CONSTRAINT": f"{it.outside}/limits.txt"}),
    "packages in a folder of uv's": lambda it: it.environ.update({"UV_FIND_LINKS": f"{it.outside}/wheels"}),
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


@pytest.mark.parametrize("variable", ["PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE"])
def test_the_content_of_a_file_that_a_variable_names_counts(inputs: Inputs, variable: str) -> None:
    limits = inputs.outside / "limits.txt"
    inputs.environ[variable] = str(limits)
    before = inputs.key()
    limits.write_text("sqlparse<0.4\n")
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


class TestCache:
    def cache(self, inputs: Inputs) -> str:
        return inputs.installation(has_cache=True).cache

    def test_is_one_for_a_project_and_the_image_below(self, inputs: Inputs) -> None:
        inputs.configured = ["pip install -r more/base.txt"]
        before = self.cache(inputs)
        inputs.write("more/base.txt", "attrs\n")
        assert self.cache(inputs) == before != ""
        inputs.apt.append("libxml2")
        assert self.cache(inputs) not in ("", before)

    def test_is_left_out_on_demand_and_for_unknown_commands(self, inputs: Inputs) -> None:
        assert inputs.installation().cache == ""
        inputs.configured = ["make dependencies"]
        assert self.cache(inputs) == ""

    def test_does_not_count(self, inputs: Inputs) -> None:
        assert inputs.installation(has_cache=True).tag == inputs.installation().tag


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


LOCKED = {
    "pyproject.toml": """\
[project]
name = "shop"
version = "1.0"
description = "one"
dependencies = ["django"]
[dependency-groups]
test = ["attrs"]
[tool.uv]
exclude-newer = "2026-01-01"
[tool.ruff]
line-length = 100
""",
    "uv.lock": """\
version = 1
[[package]]
name = "django"
version = "5.2"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "shop"
version = "1.0"
source = { virtual = "." }
""",
    "setup.py": "",
    ".python-version": "3.13",
}


def change(file: str, old: str, new: str) -> Callable[[Inputs], object]:
    def apply(inputs: Inputs) -> None:
        text = (inputs.root / file).read_text()
        assert old in text or not old
        inputs.write(file, text.replace(old, new) if old else text + new)

    return apply


def both(*changes: Callable[[Inputs], object]) -> Callable[[Inputs], object]:
    return lambda inputs: [each(inputs) for each in changes]


BUMP = both(change("pyproject.toml", "1.0", "1.1"), change("uv.lock", 'version = "1.0"', 'version = "1.1"'))


class TestLock:
    @pytest.fixture
    def locked(self, inputs: Inputs) -> Inputs:
        for name, text in LOCKED.items():
            inputs.write(name, text)
        return inputs

    @pytest.mark.parametrize(
        "apply",
        [
            BUMP,
            change("pyproject.toml", '"one"', '"two"'),
            change("pyproject.toml", "line-length = 100", "line-length = 120"),
            change("pyproject.toml", "", "[tool.harness]\nparallel = 2\n"),
            change("pyproject.toml", "", "# a comment\n"),
            change("setup.py", "", "import os\n"),
            lambda it: it.write("shop/models.py", "# changed"),
        ],
    )
    def test_the_project_itself_does_not_count(self, locked: Inputs, apply: Callable[[Inputs], object]) -> None:
        before = locked.key()
        apply(locked)
        assert locked.key() == before

    @pytest.mark.parametrize(
        "apply",
        [
            change("pyproject.toml", '"django"', '"django>=5"'),
            change("pyproject.toml", '"attrs"', '"attrs>1"'),
            change("pyproject.toml", "2026-01-01", "2026-02-01"),
            change("pyproject.toml", "", "[build-system]\nrequires = []\n"),
            change("uv.lock", "5.2", "5.2.1"),
            change("uv.lock", "pypi.org", "other.example"),
            change(".python-version", "3.13", "3.12"),
        ],
    )
    def test_what_is_installed_counts(self, locked: Inputs, apply: Callable[[Inputs], object]) -> None:
        before = locked.key()
        apply(locked)
        assert locked.key() != before

    @pytest.mark.parametrize("file", ["pyproject.toml", "uv.lock"])
    def test_a_version_that_the_lock_does_not_have_counts(self, locked: Inputs, file: str) -> None:
        """uv refuses such a lock, so an image that was made before must not hide it."""
        before = locked.key()
        change(file, 'version = "1.0"', 'version = "1.1"')(locked)
        assert locked.key() != before

    def test_a_file_that_cannot_be_parsed_counts_as_it_is(self, locked: Inputs) -> None:
        locked.configured = ["poetry install --no-root"]
        keys = set()
        for text in ("[", "[["):
            locked.write("pyproject.toml", text)
            keys.add(PackagingFiles(locked.root).declared("pyproject.toml"))
        assert len(keys) == 2


class TestDjango:
    """The image with another Django: a lock's packages are in an image that all versions of Django share."""

    def made(self, inputs: Inputs, django: str, engines: tuple[str, ...] = ()) -> Installation:
        options = ProjectOptions(django=django, engines=engines, apt=["libxml2"])
        return project_installation(BuildEnvironment(), inputs.runner, inputs.root, options)

    def test_it_is_installed_on_the_packages_of_a_lock(self, inputs: Inputs) -> None:
        for name, text in LOCKED.items():
            inputs.write(name, text)
        own, old, new = (self.made(inputs, django) for django in ("", "5.2", "6.1"))
        assert len({own.tag, old.tag, new.tag}) == 3
        assert old.source == new.source == own.tag
        assert [command.text for command in new.commands] == [installers.django_command("6.1")]
        assert own.tag in new.labels.values()
        change("uv.lock", "5.2", "5.2.1")(inputs)
        assert self.made(inputs, "5.2").tag != old.tag

    def test_pips_choices_and_drivers_depend_on_it(self, inputs: Inputs) -> None:
        own, new = self.made(inputs, ""), self.made(inputs, "6.1")
        assert new.source == own.source
        assert [command.text for command in new.commands][-1] == installers.django_command("6.1")
        for name, text in LOCKED.items():
            inputs.write(name, text)
        own, new = self.made(inputs, "", ("postgres",)), self.made(inputs, "6.1", ("postgres",))
        assert new.source == own.source
        assert [command.text for command in new.commands][-2] == installers.django_command("6.1")

    def test_its_failure_says_so(self, inputs: Inputs) -> None:
        (*_, command) = self.made(inputs, "6.1").commands
        assert command.failure == "Django 6.1 could not be installed beside the project's other dependencies."
        assert "no release of Django 6.1" in command.advise("ERROR: No matching distribution found for Django~=6.1.0")
        assert "could not be reached" in command.advise("fatal: could not resolve host: https://git.example")


class TestReuse:
    """A project that is installed itself: which changes keep the image that others are made on top of."""

    @pytest.fixture
    def library(self, inputs: Inputs) -> Inputs:
        (inputs.root / "requirements.txt").unlink()
        shutil.rmtree(inputs.root / "links")
        inputs.write("pyproject.toml", '[project]\nname = "shop"\nversion = "1.0"\ndynamic = ["dependencies"]\n')
        inputs.write("setup.py", "version = 1")
        inputs.write("requirements-test.txt", "attrs\n")
        return inputs

    @pytest.mark.parametrize(
        "apply",
        [
            change("pyproject.toml", "1.0", "1.1"),
            change("setup.py", "1", "2"),
            lambda it: it.write("src/shop/models.py", "# changed"),
        ],
    )
    def test_of_an_image_after_a_change_of_the_project(
        self, library: Inputs, apply: Callable[[Inputs], object]
    ) -> None:
        before = library.installation()
        apply(library)
        after = library.installation()
        assert after.tag != before.tag
        assert after.labels[DEPENDENCIES_LABEL] == before.labels[DEPENDENCIES_LABEL] != ""

    @pytest.mark.parametrize(
        "apply",
        [
            lambda it: it.write("requirements-test.txt", "attrs>1\n"),
            lambda it: it.write("requirements-test.txt", "-c limits.txt\nattrs\n"),
            lambda it: it.write("setup.cfg", "[options]\ninstall_requires = six\n"),
            change("pyproject.toml", "", "[build-system]\nrequires = ['hatchling']\n"),
            lambda it: it.extra.append("attrs"),
            lambda it: it.apt.append("libxml2"),
            lambda it: it.environ.update({"PIP_PRE": "1"}),
            lambda it: (it.outside / "limits.txt").write_text("sqlparse<0.5\n"),
            lambda it: setattr(it, "runner", runner("3.12", "sha256:1")),
        ],
    )
    def test_not_after_a_change_of_what_is_installed(self, library: Inputs, apply: Callable[[Inputs], object]) -> None:
        before = library.installation()
        apply(library)
        assert library.installation().labels[DEPENDENCIES_LABEL] != before.labels[DEPENDENCIES_LABEL]

    @pytest.mark.parametrize(
        ("commands", "is_reusable"),
        [
            (["pip install ."], True),
            (["pip install -e .[test]", "pip install six"], True),
            (["pip install -U ."], False),
            (["uv pip install ."], False),
            (["pip install .", "make assets"], False),
            (["pip install -r requirements-test.txt"], False),
        ],
    )
    def test_only_if_the_commands_can_run_again(self, library: Inputs, commands: list[str], is_reusable: bool) -> None:
        library.configured = commands
        assert bool(library.installation().labels[DEPENDENCIES_LABEL]) == is_reusable

    def test_the_newest_image_of_ours_is_taken(self, library: Inputs) -> None:
        wanted = library.installation()
        labels = {DEPENDENCIES_LABEL: wanted.labels[DEPENDENCIES_LABEL]}
        old = Image("1", ("harness-project:1",), labels, 1.0)
        new = Image("2", ("harness-project:2",), labels, 2.0)
        others = [
            Image("3", ("harness-project:3",), {DEPENDENCIES_LABEL: ""}, 3.0),
            Image("4", ("harness-project:4",), {DEPENDENCIES_LABEL: "another"}, 3.0),
            Image("5", (), labels, 3.0),
        ]
        assert reusable(wanted, [old, new, *others]) == new
        assert reusable(wanted, others) is None
        assert on_top(wanted, new).labels[DEPENDENCIES_LABEL] == ""


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
