"""The files that commands read, and the paths that are outside of the project."""

from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.host.project.dependencies import plan
from harness.host.project.requirements import files_read, local_packages
from tests.unit.host.project.conftest import write

UV = """\
[project]
name = "shop"
dependencies = ["Django>=5.2", "Toml[fast]>=1; python_version > '3.0'"]
"""


def commands(root: Path, files: dict[str, str]) -> str:
    (command,) = plan(write(root, files), None).commands
    return command


def refusal(root: Path, files: dict[str, str]) -> str:
    with pytest.raises(ProjectError) as caught:
        plan(write(root, files), None)
    return f"{caught.value.message}\n{caught.value.hint}"


REQUIREMENTS = {
    "requirements.txt": "-r requirements/base.txt  # nested\n--constraint=limits.txt\ndjango==5.2 \\\n    --hash=sha256:1\n",
    "requirements/base.txt": "-rmore/deep.txt\n-r https://example.test/r.txt\npkg @ https://example.test/p.whl\n",
    "requirements/more/deep.txt": "-e git+https://example.test/x.git#egg=x\n-r ../base.txt\n",
    "limits.txt": "asgiref<4\n",
    "local.txt": "django\n./vendor/plugin\n",
    "editable.txt": "-r requirements.txt\n-e .[test]\n",
    "wheel.txt": "wheels/plugin-1.0-py3-none-any.whl\n",
    "file.txt": "plugin @ file:///project/plugin\n",
    "poetry.lock": "",
    "Pipfile.lock": "",
    "setup.py": "",
    "pyproject.toml": "",
    "packages/shop/pyproject.toml": "[dependency-groups]\ndev = ['pytest']\n",
}
NESTED = ("limits.txt", "requirements.txt", "requirements/base.txt", "requirements/more/deep.txt")


class TestFilesRead:
    @pytest.mark.parametrize(
        ("command", "files"),
        [
            ("pip install -r requirements.txt", NESTED),
            ("python -m pip install --upgrade -rrequirements.txt", NESTED),
            ("uv pip install --requirement=requirements.txt", NESTED),
            ("pip install django 'psycopg[binary]>=3' -c limits.txt", ("limits.txt",)),
            ("pip install -i https://x.test/simple django", ()),
            ("pip install -r missing.txt", ()),
            ("pip install --group dev django", ("pyproject.toml",)),
            ("pip install --group=packages/shop/pyproject.toml:dev", ("packages/shop/pyproject.toml",)),
            ("poetry install --no-root --with test", ("poetry.lock", "pyproject.toml")),
            ("pipenv sync --system", ("Pipfile.lock",)),
            ("uv sync --frozen --no-install-project", ("poetry.lock", "pyproject.toml")),
            ("pip install .", None),
            ("pip install -e .[test]", None),
            ("pip install --editable=.", None),
            ("pip install ./vendor/plugin", None),
            ("pip install -r local.txt", None),
            ("pip install -r editable.txt", None),
            ("pip install -r wheel.txt", None),
            ("pip install -r file.txt", None),
            ("pip install -r ../outside.txt", None),
            ("pip install -r requirements.txt && make assets", None),
            ("pip install $EXTRA", None),
            ("pip install 'unfinished", None),
            ("poetry install", None),
            ("make dependencies", None),
        ],
    )
    def test_of_a_command(self, tmp_path: Path, command: str, files: tuple[str, ...] | None) -> None:
        assert files_read(write(tmp_path, REQUIREMENTS), [command]) == files

    def test_of_all_commands_if_one_reads_any_file(self, tmp_path: Path) -> None:
        assert files_read(write(tmp_path, REQUIREMENTS), ["pip install -r requirements.txt", "make"]) is None


class TestLocalPackages:
    @pytest.mark.parametrize(
        ("command", "words"),
        [
            ("pip install .", (".",)),
            ("pip install -q -e .[test] six", ("-e", ".[test]")),
            ("python -m pip install ./packages/shop django", ("./packages/shop",)),
            ("pip install -r editable.txt -c limits.txt", None),  # it includes a branch of a repository
            ("pip install -r own.txt", ("-e", ".[test]", "./packages/shop ; python_version > '3'")),
            ("pip install -r wheel.txt .", None),
            ("pip install --upgrade .", None),
            ("pip install --find-links wheels .", None),
            ("pip install -r links.txt .", None),
            ("pip install . git+https://example.test/x.git", None),
            ("uv pip install .", None),
            ("pip install . && make", None),
            ("make", None),
            ("pip install django", None),
        ],
    )
    def test_of_a_command(self, tmp_path: Path, command: str, words: tuple[str, ...] | None) -> None:
        own = {
            "own.txt": "-r more.txt\n-e .[test]\n",
            "more.txt": "django\n./packages/shop ; python_version > '3'\n",
            "links.txt": "--find-links wheels\n",
        }
        found = local_packages(write(tmp_path, REQUIREMENTS | own), [command])
        assert (None if found is None else found.words) == words
        if found is not None and "own.txt" in command:
            assert found.files == ("more.txt", "own.txt")


class TestDirectReferences:
    @pytest.mark.parametrize(
        "requirement",
        ["shared @ file:///elsewhere/shared", "shared@file:../shared", "shared @ file:///${PROJECT_ROOT}/../shared"],
    )
    def test_one_outside_is_refused(self, tmp_path: Path, requirement: str) -> None:
        message = refusal(tmp_path, {"pyproject.toml": f'[project]\nname = "x"\ndependencies = ["{requirement}"]\n'})
        assert "outside of the project" in message

    @pytest.mark.parametrize("root", ["file:///${PROJECT_ROOT}", "{root:uri}"])
    def test_a_variable_for_the_root_is_the_folder_in_the_image(self, tmp_path: Path, root: str) -> None:
        files = {"pyproject.toml": f'[project]\nname = "x"\ndependencies = ["a @ {root}/libs/a"]\n'}
        assert commands(tmp_path, files) == "pip install 'a @ file:///project/libs/a'"


class TestRequirementsFiles:
    @pytest.mark.parametrize(
        "line",
        [
            "-e ../shared",
            "--editable=../shared",
            "../shared",
            "shared @ file:///opt/shared",
            "file:../shared#egg=shared",
            "-r ../more.txt",
            "-c ../limits.txt",
            "--find-links ../wheels",
            "--find-links=file:///opt/wheels",
            "--extra-index-url file:///opt/index",
            "-i /opt/index",
        ],
    )
    def test_a_path_outside_is_refused(self, tmp_path: Path, line: str) -> None:
        text = refusal(tmp_path, {"requirements.txt": "django\n-r more.txt\n", "more.txt": f"{line}\n"})
        assert line in text
        assert "outside of the project" in text

    def test_the_hint_names_the_root_that_brings_it(self, tmp_path: Path) -> None:
        write(tmp_path, {"shared/pyproject.toml": ""})
        project = tmp_path / "apps" / "shop"
        project.mkdir(parents=True)
        text = refusal(project, {"requirements.txt": "-e ../../shared\n"})
        assert f'[tool.harness] root = "../.." in {project / "pyproject.toml"}' in text

    def test_a_file_that_is_a_link_out_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, {"common.txt": "django\n", "shop/manage.py": ""})
        (tmp_path / "shop" / "requirements.txt").symlink_to("../common.txt")
        text = refusal(tmp_path / "shop", {})
        assert "requirements.txt is a link to ../common.txt, which is outside of the project" in text
        assert plan(tmp_path / "shop", None, root=tmp_path).commands == ("cd shop && pip install -r requirements.txt",)

    @pytest.mark.parametrize("line", ["-e libs/shared", "./libs/shared/package"])
    def test_a_submodule_that_is_not_there_is_refused(self, tmp_path: Path, line: str) -> None:
        text = '[submodule "x"]\n\tpath = libs/shared\n'
        files = {".git/HEAD": "", ".gitmodules": text, "requirements.txt": f"{line}\n"}
        assert f"git -C {tmp_path} submodule update --init libs/shared" in refusal(tmp_path, files)
        files = {"requirements.txt": "./libs/shared; python_version < '3'\n"}
        assert plan(write(tmp_path, files), None).commands

    @pytest.mark.parametrize(
        ("line", "reads_all"),
        [
            ("--index-url https://packages.example/simple", False),
            ("--extra-index-url=https://packages.example/simple", False),
            ("-e git+ssh://git@git.example/x.git#egg=x", False),
            ("git+https://git.example/x.git", False),
            ("--find-links wheels", True),
            ("-f ./wheels", True),
            ("-e ./shared[extra]", True),
            ("./shared", True),
        ],
    )
    def test_other_places_are_left_to_pip(self, tmp_path: Path, line: str, reads_all: bool) -> None:
        files = {"requirements.txt": f"django\n{line}\n"}
        assert commands(tmp_path, files) == "pip install -r requirements.txt"
        found = plan(tmp_path, None).files
        assert found == (None if reads_all else ("requirements.txt",))

    @pytest.mark.parametrize(
        "command",
        [
            "pip install -f wheels django",
            "pip install --find-links=wheels django",
            "uv sync --no-install-project && pip install -r more.txt",
            "uv sync --no-install-project --config-file conf/uv.toml",
            "pipenv sync; make",
        ],
    )
    def test_commands_with_other_files_may_read_any_file(self, tmp_path: Path, command: str) -> None:
        assert files_read(tmp_path, [command]) is None

    def test_a_lock_with_folders_in_it_needs_the_folders(self, tmp_path: Path) -> None:
        text = UV + '[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        assert files_read(write(tmp_path, {"pyproject.toml": text}), ["uv sync --no-install-project"]) is None
