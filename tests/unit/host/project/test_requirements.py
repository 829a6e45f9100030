"""A package from a folder, a repository or an index of the project's own is never installed from elsewhere."""

from pathlib import Path

import pytest

from harness.errors import ExitCode, ProjectError
from harness.host.project import undeclared
from harness.host.project.dependencies import files_read, plan
from harness.protocol.events import AttemptFinished, Failure, Outcome, RunAborted, RunFinished

UV = """\
[project]
name = "shop"
dependencies = ["Django>=5.2", "Toml[fast]>=1; python_version > '3.0'"]
[dependency-groups]
dev = ["billing"]
"""
MEMBER = '[project]\nname = "toml"\ndependencies = ["other_member", "attrs"]\n'


def project(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def commands(root: Path, files: dict[str, str], indexes=()) -> str:
    (command,) = plan(project(root, files), None, indexes).commands
    return command


def refusal(root: Path, files: dict[str, str], indexes=()) -> str:
    with pytest.raises(ProjectError) as caught:
        plan(project(root, files), None, indexes)
    return f"{caught.value.message}\n{caught.value.hint}"


class TestUv:
    def test_members_are_installed_from_their_folders_with_the_members_they_need(self, tmp_path: Path) -> None:
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
    def test_a_source_in_reach_becomes_a_direct_reference(self, tmp_path: Path, source: str, argument: str) -> None:
        text = UV.replace("Toml[fast]>=1; python_version > '3.0'", "toml")
        command = commands(tmp_path, {"pyproject.toml": f"{text}[tool.uv.sources]\nTOML = {source}\n"})
        assert f"'toml @ {argument}'" in command

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("{workspace = true}", ["toml", "a workspace that is not in this folder"]),
            ('{index = "ours"}', ["toml", "https://packages.example/simple", "--index-url https://packages.example/simple"]),
            ('{path = "../toml"}', ["toml", "../toml", "outside of the project"]),
            ('[{git = "https://a", marker = "x"}, {index = "ours"}]', ["toml", "markers"]),
        ],
    )  # fmt: skip
    def test_any_other_is_refused_with_its_name_and_the_key(self, tmp_path: Path, source: str, said) -> None:
        index = '[[tool.uv.index]]\nname = "ours"\nurl = "https://me:secret@packages.example/simple"\nexplicit = true\n'
        text = refusal(tmp_path, {"pyproject.toml": f"{UV}[tool.uv.sources]\ntoml = {source}\n{index}"})
        assert all(word in text for word in [*said, "[tool.harness]", "install"])
        assert "secret" not in text

    def test_the_only_index_of_a_run_may_be_the_sources(self, tmp_path: Path) -> None:
        index = '[[tool.uv.index]]\nname = "ours"\nurl = "https://x.example/simple/"\nexplicit = true\n'
        files = {"pyproject.toml": f'{UV}[tool.uv.sources]\ntoml = {{index = "ours"}}\n{index}'}
        assert "Toml[fast]" in commands(tmp_path, files, ["https://me:pw@x.example/simple"])
        assert "toml" in refusal(tmp_path, files, ["https://x.example/simple", "https://y.example/simple"])

    def test_a_build_gets_them_beside_the_project(self, tmp_path: Path) -> None:
        text = '[project]\nname = "x"\ndynamic = ["dependencies"]\n[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        assert commands(tmp_path, {"pyproject.toml": text}) == "pip install . 'toml @ file:///project/libs/toml'"

    def test_a_source_counts_for_a_requirements_file_too(self, tmp_path: Path) -> None:
        text = UV + '[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        said = refusal(tmp_path, {"pyproject.toml": text, "requirements.txt": "-r more.txt\n", "more.txt": "toml==1\n"})
        assert "more.txt names toml" in said
        plan(project(tmp_path, {"more.txt": "toml @ file:///project/libs/toml\n"}), None)


class TestOthers:
    @pytest.mark.parametrize(
        ("table", "word"),
        [
            ('toml = {path = "../toml", develop = true}', "../toml"),
            ('toml = {version = "^1", source = "ours"}', "https://packages.example/simple"),
            ('toml = [{version = "1", python = "<3", source = "ours"}, {path = "../x"}]', "markers"),
        ],
    )
    def test_poetrys_sources_out_of_reach_are_refused(self, tmp_path: Path, table: str, word: str) -> None:
        text = (
            '[build-system]\nrequires = ["poetry-core"]\n[tool.poetry]\nname = "x"\n'
            f'[tool.poetry.dependencies]\n{table}\n[[tool.poetry.source]]\nname = "ours"\npriority = "explicit"\n'
            'url = "https://packages.example/simple"\n'
        )
        said = refusal(tmp_path, {"pyproject.toml": text})
        assert "toml" in said
        assert word in said

    def test_poetrys_own_build_follows_what_is_in_reach(self, tmp_path: Path) -> None:
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
    def test_an_index_for_all_packages_has_to_be_one_of_the_runs(self, tmp_path: Path, table: str) -> None:
        files = {"pyproject.toml": f'[project]\nname = "x"\ndependencies = ["django"]\n{table}'}
        said = refusal(tmp_path, files)
        assert "https://packages.example/simple" in said
        assert "pip_index_url" in said
        assert "u:p" not in said
        assert commands(tmp_path, files, ["https://packages.example/simple"]) == "pip install django"

    def test_the_public_index_is_nothing_special(self, tmp_path: Path) -> None:
        files = {"pyproject.toml": UV + '[[tool.uv.index]]\nurl = "https://pypi.org/simple"\n'}
        assert commands(tmp_path, files).startswith("pip install")

    @pytest.mark.parametrize(
        "requirement",
        ["shared @ file:///elsewhere/shared", "shared@file:../shared", "shared @ file:///${PROJECT_ROOT}/../shared"],
    )
    def test_a_direct_reference_out_of_reach_is_refused(self, tmp_path: Path, requirement: str) -> None:
        said = refusal(tmp_path, {"pyproject.toml": f'[project]\nname = "x"\ndependencies = ["{requirement}"]\n'})
        assert "outside of the project" in said

    @pytest.mark.parametrize("root", ["file:///${PROJECT_ROOT}", "{root:uri}"])
    def test_what_packaging_tools_call_their_root_is_the_project_in_the_image(self, tmp_path: Path, root: str) -> None:
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
    def test_what_lies_outside_is_refused_before_pip_looks_elsewhere(self, tmp_path: Path, line: str) -> None:
        text = refusal(tmp_path, {"requirements.txt": "django\n-r more.txt\n", "more.txt": f"{line}\n"})
        assert line in text
        assert "outside of the project" in text

    def test_the_hint_names_the_folder_that_holds_both(self, tmp_path: Path) -> None:
        project(tmp_path, {"shared/pyproject.toml": ""})
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
    def test_what_pip_itself_follows_is_left_to_pip_with_the_files_that_it_reads(
        self, tmp_path: Path, line: str, reads_all: bool
    ) -> None:
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
    def test_commands_with_other_files_may_read_everything(self, tmp_path: Path, command: str) -> None:
        assert files_read(tmp_path, [command]) is None

    def test_a_lock_with_folders_in_it_needs_the_folders(self, tmp_path: Path) -> None:
        text = UV + '[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        assert files_read(project(tmp_path, {"pyproject.toml": text}), ["uv sync --no-install-project"]) is None


class TestLeftOut:
    def test_files_that_are_not_read_are_named(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "-r requirements/base.txt\n", "requirements/base.txt": "", "docs/x.txt": ""}
        project(tmp_path, {**files, "requirements/mysql.txt": "", "tests/requirements/py3.txt": ""})
        (line,) = undeclared.left_out(tmp_path, None)
        assert "requirements/mysql.txt, tests/requirements/py3.txt." in line
        assert "base.txt" not in line
        assert "[tool.harness] install" in line

    def test_nothing_is_said_where_all_are_read_or_nobody_knows(self, tmp_path: Path) -> None:
        project(tmp_path, {"requirements.txt": "django\n"})
        assert list(undeclared.left_out(tmp_path, None)) == []
        assert list(undeclared.left_out(tmp_path, ["make install"])) == []

    @pytest.mark.parametrize("error", ["ModuleNotFoundError: No module named 'yaml'", "ValueError: not a number"])
    def test_a_module_is_missing_where_an_import_ended_the_run_or_failed_a_module_of_tests(self, error: str) -> None:
        failures = (Failure("error", "ImportError", "Failed to import test module: tests", f"Traceback:\n{error}"),)
        at_import, in_test = (
            AttemptFinished(test, 1, Outcome.ERRORED, 0.0, failures)
            for test in ("unittest.loader._FailedTest.shop.tests", "shop.tests.Tests.test_one")
        )
        events = RunAborted(ExitCode.PROJECT, "", evidence=error), at_import, in_test, RunFinished(1)
        is_missing = error.startswith("ModuleNotFoundError")
        assert [undeclared.lacks_a_module(event) for event in events] == [is_missing, is_missing, False, False]


class TestNothingNamed:
    def said(self, root: Path) -> str:
        error = undeclared.error(root)
        return f"{error.message} {error.hint}"

    @pytest.mark.parametrize(
        ("files", "command"),
        [
            (["Pipfile"], "pipenv install --skip-lock --system --dev"),
            (["Pipfile", "Pipfile.lock"], "pipenv sync --system --dev"),
            (["tests/requirements/postgres.txt"], "pip install -r tests/requirements/postgres.txt"),
            (["test_requirements/django52.txt"], "pip install -r test_requirements/django52.txt"),
            ([], "pip install Django psycopg[binary]"),
        ],
    )
    def test_the_next_step_is_a_key_to_copy(self, tmp_path: Path, files, command: str) -> None:
        root = project(tmp_path / "shop", dict.fromkeys(files, ""))
        root.mkdir(exist_ok=True)
        (root / ".git").mkdir()
        assert command in self.said(root)
        assert "install = [" in self.said(root)

    def test_dependencies_above_are_found_inside_the_repository(self, tmp_path: Path) -> None:
        project(tmp_path, {".git/HEAD": "", "requirements.txt": "django\n"})
        manage = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
        root = project(tmp_path / "backend", {"manage.py": manage})
        assert f"cd {tmp_path} && harness ci backend --settings shop.settings" in self.said(root)
        assert 'PYTHONPATH = "backend"' in self.said(root)
        other = project(tmp_path / "own" / "x", {"../.git/HEAD": "", "manage.py": manage})
        assert "above it" not in self.said(other)
