"""A package from a folder, a repository or an index of the project's own is never installed from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.host.project.dependencies import files_read, plan
from tests.unit.host.project.conftest import write

UV = """\
[project]
name = "shop"
dependencies = ["Django>=5.2", "Toml[fast]>=1; python_version > '3.0'"]
[dependency-groups]
dev = ["billing"]
"""
MEMBER = '[project]\nname = "toml"\ndependencies = ["other_member", "attrs"]\n'


def commands(root: Path, files: dict[str, str], indexes: Sequence[str] = ()) -> str:
    (command,) = plan(write(root, files), None, indexes).commands
    return command


def refusal(root: Path, files: dict[str, str], indexes: Sequence[str] = ()) -> str:
    with pytest.raises(ProjectError) as caught:
        plan(write(root, files), None, indexes)
    return f"{caught.value.message}\n{caught.value.hint}"


class TestUv:
    def test_members_come_from_folders_with_members_they_need(self, tmp_path: Path) -> None:
        files = {
            "pyproject.toml": UV
            + '[tool.uv.sources]\ntoml = {workspace = true}\n[tool.uv.workspace]\nmembers = ["packages/*"]\n',
            "packages/toml/pyproject.toml": MEMBER,
            "packages/b/pyproject.toml": '[project]\nname = "Other.Member"\n',
            "packages/README.md": "",
        }  # fmt: skip
        command = commands(tmp_path, files)
        assert "'toml[fast] @ file:///project/packages/toml ; python_version > \"3.0\"'" in command
        assert "'other-member @ file:///project/packages/b'" in command
        assert command.count("file://") == 2
        assert files_read(tmp_path, [command]) is None

    @pytest.mark.parametrize(
        ("source", "argument"),
        [
            ('{path = "libs/toml", editable = true}', "file:///project/libs/toml"),
            ('{path = "./wheels/toml-1.0-py3-none-any.whl"}', "file:///project/wheels/toml-1.0-py3-none-any.whl"),
            ('{git = "https://git.example/t", tag = "v1", subdirectory = "x"}', "git+https://git.example/t@v1#subdirectory=x"),
            ('{url = "https://files.example/t.whl"}', "https://files.example/t.whl"),
        ],
    )  # fmt: skip
    def test_a_usable_source_becomes_a_direct_reference(self, tmp_path: Path, source: str, argument: str) -> None:
        text = UV.replace("Toml[fast]>=1; python_version > '3.0'", "toml")
        command = commands(tmp_path, {"pyproject.toml": f"{text}[tool.uv.sources]\nTOML = {source}\n"})
        assert f"'toml @ {argument}'" in command

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("{workspace = true}", ["toml", "a workspace that is not in this folder"]),
            ('{index = "ours"}', ["toml", "https://packages.example/simple", "--index-url https://packages.example/simple"]),
            ('{path = "../toml"}', ["toml", "../toml", "outside of the project"]),
            ('[{git = "https://a", marker = "x"}, {index = "ours"}]', ["toml", "markers"]),
        ],
    )  # fmt: skip
    def test_another_source_is_refused_with_name_and_key(self, tmp_path: Path, source: str, words: list[str]) -> None:
        index = '[[tool.uv.index]]\nname = "ours"\nurl = "https://me:secret@packages.example/simple"\nexplicit = true\n'
        text = refusal(tmp_path, {"pyproject.toml": f"{UV}[tool.uv.sources]\ntoml = {source}\n{index}"})
        assert all(word in text for word in [*words, "[tool.harness]", "install"])
        assert "secret" not in text

    def test_the_source_may_be_the_only_index_of_the_run(self, tmp_path: Path) -> None:
        index = '[[tool.uv.index]]\nname = "ours"\nurl = "https://x.example/simple/"\nexplicit = true\n'
        files = {"pyproject.toml": f'{UV}[tool.uv.sources]\ntoml = {{index = "ours"}}\n{index}'}
        assert "Toml[fast]" in commands(tmp_path, files, ["https://me:pw@x.example/simple"])
        assert "toml" in refusal(tmp_path, files, ["https://x.example/simple", "https://y.example/simple"])

    def test_a_build_gets_the_sources_beside_the_project(self, tmp_path: Path) -> None:
        text = '[project]\nname = "x"\ndynamic = ["dependencies"]\n[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        assert commands(tmp_path, {"pyproject.toml": text}) == "pip install . 'toml @ file:///project/libs/toml'"

    def test_a_source_holds_for_a_requirements_file_too(self, tmp_path: Path) -> None:
        text = UV + '[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        message = refusal(
            tmp_path, {"pyproject.toml": text, "requirements.txt": "-r more.txt\n", "more.txt": "toml==1\n"}
        )
        assert "more.txt names toml" in message
        plan(write(tmp_path, {"more.txt": "toml @ file:///project/libs/toml\n"}), None)


class TestOthers:
    @pytest.mark.parametrize(
        ("table", "word"),
        [
            ('toml = {path = "../toml", develop = true}', "../toml"),
            ('toml = {version = "^1", source = "ours"}', "https://packages.example/simple"),
            ('toml = [{version = "1", python = "<3", source = "ours"}, {path = "../x"}]', "markers"),
        ],
    )
    def test_unusable_sources_of_poetry_are_refused(self, tmp_path: Path, table: str, word: str) -> None:
        text = (
            '[build-system]\nrequires = ["poetry-core"]\n[tool.poetry]\nname = "x"\n'
            f'[tool.poetry.dependencies]\n{table}\n[[tool.poetry.source]]\nname = "ours"\npriority = "explicit"\n'
            'url = "https://packages.example/simple"\n'
        )
        message = refusal(tmp_path, {"pyproject.toml": text})
        assert "toml" in message
        assert word in message

    def test_usable_sources_of_poetry_are_left_to_its_build(self, tmp_path: Path) -> None:
        text = (
            '[build-system]\nrequires = ["poetry-core"]\n[tool.poetry]\nname = "x"\n'
            '[tool.poetry.dependencies]\na = {path = "a"}\nb = {git = "https://git.example/b"}\n'
        )
        assert commands(tmp_path, {"pyproject.toml": text}) == "pip install ."

    @pytest.mark.parametrize(
        "table",
        [
            '[[tool.uv.index]]\nurl = "https://u:p@packages.example/simple"\ndefault = true\n',
            '[tool.uv]\nextra-index-url = ["https://packages.example/simple/"]\n',
            '[[tool.poetry.source]]\nname = "x"\nurl = "https://packages.example/simple"\n',
            '[[tool.pdm.source]]\nname = "x"\nurl = "https://packages.example/simple"\n',
        ],
    )
    def test_an_index_for_all_packages_must_be_one_of_the_run(self, tmp_path: Path, table: str) -> None:
        files = {"pyproject.toml": f'[project]\nname = "x"\ndependencies = ["django"]\n{table}'}
        message = refusal(tmp_path, files)
        assert "https://packages.example/simple" in message
        assert "pip_index_url" in message
        assert "u:p" not in message
        assert commands(tmp_path, files, ["https://packages.example/simple"]) == "pip install django"

    def test_the_public_index_is_ignored(self, tmp_path: Path) -> None:
        files = {"pyproject.toml": UV + '[[tool.uv.index]]\nurl = "https://pypi.org/simple"\n'}
        assert commands(tmp_path, files).startswith("pip install")

    @pytest.mark.parametrize(
        "requirement",
        ["shared @ file:///elsewhere/shared", "shared@file:../shared", "shared @ file:///${PROJECT_ROOT}/../shared"],
    )
    def test_a_direct_reference_outside_is_refused(self, tmp_path: Path, requirement: str) -> None:
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

    def test_the_hint_names_the_folder_that_holds_both(self, tmp_path: Path) -> None:
        write(tmp_path, {"shared/pyproject.toml": ""})
        root = tmp_path / "apps" / "shop"
        root.mkdir(parents=True)
        text = refusal(root, {"requirements.txt": "-e ../../shared\n"})
        assert f"Run in {tmp_path}" in text
        assert 'PYTHONPATH = "apps/shop"' in text
        assert '"cd apps/shop && pip install -r requirements.txt"' in text

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
