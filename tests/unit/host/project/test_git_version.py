"""The variables with git's version, and the next step after an installation that failed."""

import subprocess
from pathlib import Path

import pytest

from harness.host.project import git_version
from harness.host.project.installers import CHECK_CONSTRAINTS
from tests.unit.host.project.conftest import write

BUILD = '[project]\nname = "My.Shop"\ndynamic = ["version"]\n[build-system]\nrequires = ["{}"]\n'


def git(root: Path, *words: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def tagged(root: Path, tag: str, commits_after: int = 0) -> Path:
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    git(root, "tag", tag)
    for _ in range(commits_after):
        git(root, "commit", "-q", "--allow-empty", "-m", "x")
    return root


class TestVersion:
    @pytest.mark.parametrize(
        ("tag", "commits", "expected"),
        [
            ("v1.2.3", 0, "1.2.3"),
            ("1.2", 3, "1.2.post3"),
            ("shop-2.0rc1", 0, "2.0rc1"),
            ("release/3.1.4", 1, "3.1.4.post1"),
            ("py3-1.0", 0, "1.0"),
            ("rel_1_4", 0, git_version.FIRST_VERSION),
            ("nightly", 0, git_version.FIRST_VERSION),
        ],
    )
    def test_it_is_that_of_the_nearest_tag(self, tmp_path: Path, tag: str, commits: int, expected: str) -> None:
        assert git_version.version(tagged(tmp_path, tag, commits)) == expected

    def test_without_git_it_is_a_first_one(self, tmp_path: Path) -> None:
        assert git_version.version(tmp_path) == git_version.FIRST_VERSION


class TestVariables:
    @pytest.mark.parametrize(
        ("plugin", "variable"),
        [
            ("setuptools-scm[toml]>=8", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MY_SHOP"),
            ("hatch_vcs", "SETUPTOOLS_SCM_PRETEND_VERSION"),
            ("pdm-backend", "PDM_BUILD_SCM_VERSION"),
            ("uv-dynamic-versioning", "UV_DYNAMIC_VERSIONING_BYPASS"),
        ],
    )
    def test_each_plugin_has_its_own(self, tmp_path: Path, plugin: str, variable: str) -> None:
        write(tagged(tmp_path, "v1.5"), {"pyproject.toml": BUILD.format(plugin)})
        assert git_version.variables(tmp_path, ["pyproject.toml", "shop/models.py"]) == {variable: "1.5"}

    def test_packages_in_folders_have_one_too(self, tmp_path: Path) -> None:
        files = {
            "setup.py": "setup(name='old-shop', use_scm_version=True)",
            "libs/a/pyproject.toml": BUILD.format("setuptools-scm"),
            "libs/b/pyproject.toml": BUILD.format("setuptools"),
        }
        found = git_version.variables(write(tmp_path, files), files)
        names = ["MY_SHOP", "OLD_SHOP"]
        assert found == {f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{name}": git_version.FIRST_VERSION for name in names}

    def test_a_package_without_a_name_has_the_general_one(self, tmp_path: Path) -> None:
        write(tmp_path, {"setup.py": "setup(use_scm_version=True)"})
        assert list(git_version.variables(tmp_path, ["setup.py"])) == ["SETUPTOOLS_SCM_PRETEND_VERSION"]

    def test_code_that_asks_git_as_it_is_imported_has_one(self, tmp_path: Path) -> None:
        write(tagged(tmp_path, "v1.5"), {"pyproject.toml": BUILD.format("setuptools-scm")})
        assert git_version.variables_of_tests(tmp_path) == {"SETUPTOOLS_SCM_PRETEND_VERSION": "1.5"}
        write(tmp_path, {"pyproject.toml": BUILD.format("setuptools")})
        assert git_version.variables_of_tests(tmp_path) == {}


class TestNextStep:
    @pytest.mark.parametrize(
        ("output", "words"),
        [
            (
                "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.",
                ["'uv lock'", "uv.lock"],
            ),
            ("pyproject.toml changed significantly since poetry.lock was last generated.", ["'poetry lock'"]),
            ("Please run `pdm lock` to update the lock file", ["'pdm lock'"]),
            ("Pipfile.lock is out-of-date. Run $ pipenv lock to update.", ["'pipenv lock'"]),
            (
                "fatal: unable to access 'https://git.example/x.git/': Could not resolve host",
                ["https://git.example/x.git/ "],
            ),
            (
                "Failed to fetch: `https://x.example/simple/a/`\nHTTP status client error (401)",
                ["https://x.example/simple/a/ "],
            ),
            ("ERROR: Could not find a version that satisfies the requirement nothing", []),
        ],
    )
    def test_it_follows_from_the_output(self, tmp_path: Path, output: str, words: list[str]) -> None:
        found = git_version.next_step(tmp_path, "uv sync", output)
        assert all(word in found for word in words)
        assert bool(found) == bool(words)

    def test_a_broken_constraint_is_named(self, tmp_path: Path) -> None:
        assert "pip_constraints" in git_version.next_step(tmp_path, f"cd x && {CHECK_CONSTRAINTS}", "ERROR: conflict")

    def test_a_version_that_git_lacks_is_a_variable_to_copy(self, tmp_path: Path) -> None:
        write(tmp_path, {"pyproject.toml": BUILD.format("hatch-vcs")})
        assert (
            git_version.next_step(tmp_path, "pip install .", "ERROR: Could not find a version that satisfies x") == ""
        )
        found = git_version.next_step(tmp_path, "pip install .", "LookupError: unable to detect version")
        assert 'install = ["SETUPTOOLS_SCM_PRETEND_VERSION=1.0 pip install ."]' in found
