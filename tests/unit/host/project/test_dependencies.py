"""The default installation, the files that commands can read, and the digest of both."""

from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.host.project import dependencies
from harness.host.project.dependencies import Installation, digest, files_read, plan
from tests.unit.host.project.conftest import write

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "Django_Shop"
dependencies = ["django>=5.2", "psycopg[binary]; python_version >= '3.11'"]
[project.optional-dependencies]
postgres = ["psycopg-pool"]
docs = ["sphinx"]
tests = ["factory-boy", "django-shop[postgres,tests]"]
[dependency-groups]
lint = ["ruff"]
dev = [{include-group = "lint"}, "ipython"]
"""

SETUP_CFG = "[metadata]\nname = shop\n[options.extras_require]\ndocs = sphinx\ntest =\n    pytest\n"


class TestRequirementsFiles:
    @pytest.mark.parametrize(
        ("files", "arguments"),
        [
            (["requirements.txt"], "-r requirements.txt"),
            (["requirements.txt", "requirements-dev.txt", "requirements-ci.txt"], "-r requirements.txt -r requirements-ci.txt"),
            (["requirements.txt", "requirements_dev.txt"], "-r requirements.txt -r requirements_dev.txt"),
            (["requirements/base.txt", "requirements/ci.txt"], "-r requirements/base.txt -r requirements/ci.txt"),
            (["requirements/production.txt"], "-r requirements/production.txt"),
            (["test-requirements.txt"], "-r test-requirements.txt"),
            (["requirements.txt", "tests/requirements.txt"], "-r requirements.txt -r tests/requirements.txt"),
            (["requirements.in", "requirements/docs.txt"], None),
            ([], None),
        ],
    )  # fmt: skip
    def test_requirements_files_are_the_default(self, tmp_path: Path, files: list[str], arguments: str | None) -> None:
        found = plan(write(tmp_path, dict.fromkeys(files, "django\n")), None)
        assert found.commands == ((f"pip install {arguments}",) if arguments else ())
        if arguments:
            assert found.files == tuple(sorted(arguments.replace("-r ", "").split()))
            assert found.declared_in == ", ".join(arguments.replace("-r ", "").split())

    def test_test_requirements_go_with_those_of_the_package(self, tmp_path: Path) -> None:
        files = {"pyproject.toml": PYPROJECT, "requirements-test.txt": "factory-boy\n"}
        (command,) = plan(write(tmp_path, files), None).commands
        assert command.startswith("pip install 'django>=5.2' ")
        assert command.endswith(" -r requirements-test.txt")


class TestPackages:
    def test_dependencies_are_installed_without_the_package(self, tmp_path: Path) -> None:
        found = plan(write(tmp_path, {"pyproject.toml": PYPROJECT}), None)
        assert found.commands == (
            "pip install 'django>=5.2' 'psycopg[binary]; python_version >= '\"'\"'3.11'\"'\"'' factory-boy psycopg-pool",
        )
        assert found.files == ()
        assert found.declared_in == "pyproject.toml, extra tests of pyproject.toml"

    def test_dynamic_dependencies_need_the_whole_project(self, tmp_path: Path) -> None:
        text = '[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n[dependency-groups]\ntest = ["pytest"]\n'
        found = plan(write(tmp_path, {"pyproject.toml": text}), None)
        assert found == Installation(
            ("pip install . pytest",), None, "pyproject.toml, dependency group test of pyproject.toml"
        )

    def test_a_dynamic_version_alone_needs_no_build(self, tmp_path: Path) -> None:
        text = '[project]\nname = "x"\ndynamic = ["version"]\ndependencies = ["django"]\n'
        assert plan(write(tmp_path, {"pyproject.toml": text}), None).commands == ("pip install django",)

    @pytest.mark.parametrize(
        ("files", "command"),
        [
            ({"setup.py": ""}, "pip install ."),
            ({"setup.py": "", "setup.cfg": "[flake8]\n"}, "pip install ."),
            ({"setup.cfg": SETUP_CFG}, "pip install '.[test]'"),
            ({"setup.cfg": SETUP_CFG, "requirements-test.txt": ""}, "pip install . -r requirements-test.txt"),
            (
                {"pyproject.toml": '[build-system]\nrequires = ["poetry-core"]\n[tool.poetry]\nname = "x"\n'},
                "pip install .",
            ),
        ],
    )
    def test_older_packages_are_installed_as_a_whole(self, tmp_path: Path, files: dict[str, str], command: str) -> None:
        found = plan(write(tmp_path, files), None)
        assert found.commands == (command,)
        assert found.files is None

    @pytest.mark.parametrize("files", [{"setup.cfg": "[flake8]\n"}, {"pyproject.toml": "[tool.ruff]\n"}])
    def test_files_that_configure_tools_name_nothing(self, tmp_path: Path, files: dict[str, str]) -> None:
        assert plan(write(tmp_path, files), None) == Installation()

    @pytest.mark.parametrize("name", ["pyproject.toml", "setup.cfg"])
    def test_an_invalid_packaging_file_is_an_error(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ProjectError) as caught:
            plan(write(tmp_path, {name: "[broken\nx"}), None)
        assert name in caught.value.message
        assert "[tool.harness] install" in caught.value.hint


class TestDependencyGroups:
    def test_a_group_wins_over_an_extra_less_about_tests(self, tmp_path: Path) -> None:
        text = PYPROJECT.replace("dev =", "Test =").replace("tests =", "dev =").replace(",tests]", "]")
        assert (
            plan(write(tmp_path, {"pyproject.toml": text.replace("Test =", "test =")}), None)
            .commands[0]
            .endswith(" ruff ipython")
        )

    def test_a_group_includes_another(self, tmp_path: Path) -> None:
        assert plan(write(tmp_path, {"pyproject.toml": GROUPS}), None).commands == ("pip install a b",)

    @pytest.mark.parametrize("lint", ['{include-group = "test"}', '{include-group = "gone"}', '{path = "x"}', "3"])
    def test_a_wrong_group_is_an_error_if_it_is_needed(self, tmp_path: Path, lint: str) -> None:
        files = {"pyproject.toml": GROUPS.replace('"b"', lint)}
        with pytest.raises(ProjectError, match="dependency group test of") as caught:
            plan(write(tmp_path, files), None)
        assert "[dependency-groups]" in caught.value.hint
        assert caught.value.evidence
        files["requirements-test.txt"] = "a\n"
        assert plan(write(tmp_path, files), None).commands == ("pip install -r requirements-test.txt",)


GROUPS = '[dependency-groups]\ntest = ["a", {include-group = "Lint"}]\nlint = ["b"]\n'


class TestConfiguredCommands:
    def test_they_are_taken_unchanged(self, tmp_path: Path) -> None:
        files = {"requirements.txt": "django\n", "requirements/ci.txt": "-r base.txt\n", "requirements/base.txt": ""}
        found = plan(write(tmp_path, files), ["pip install -r requirements/ci.txt"])
        assert found.commands == ("pip install -r requirements/ci.txt",)
        assert found.files == ("requirements/base.txt", "requirements/ci.txt")
        assert found.declared_in == "[tool.harness] install"

    def test_an_empty_list_installs_nothing(self, tmp_path: Path) -> None:
        assert plan(write(tmp_path, {"requirements.txt": "django\n"}), []).commands == ()


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


BEFORE = (Installation(("pip install -r r.txt",)), {"r.txt": b"1"}, "harness-runner:3.13-0", ("libxml2",))


class TestDigest:
    @pytest.mark.parametrize(
        "after",
        [
            (Installation(("pip install -U -r r.txt",)), *BEFORE[1:]),
            (BEFORE[0], {"r.txt": b"2"}, *BEFORE[2:]),
            (BEFORE[0], {"s.txt": b"1"}, *BEFORE[2:]),
            (*BEFORE[:2], "harness-runner:3.13-1", BEFORE[3]),
            (*BEFORE[:3], ("libxslt1.1",)),
        ],
    )
    def test_it_changes_with_each_part(
        self, after: tuple[Installation, dict[str, bytes], str, tuple[str, ...]]
    ) -> None:
        assert digest(*after) != digest(*BEFORE)

    def test_it_is_stable(self) -> None:
        assert digest(*BEFORE) == digest(*BEFORE)
        assert len(digest(*BEFORE)) == 12


def test_packages_of_the_system_are_quoted() -> None:
    assert " -- libxml2 'a b' && " in dependencies.apt_command(["libxml2", "a b"])
