"""The default installation, the files that commands can read, and the digest of both."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from harness.errors import ProjectError
from harness.host.engines import ENGINES
from harness.host.project import dependencies, installers
from harness.host.project.dependencies import Installation, describe, digest, plan
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
            (["test_requirements/test.txt", "test_requirements/docs.txt"], "-r test_requirements/test.txt"),
            (["test_requirements/django-4.2.txt", "test_requirements/django-5.10.txt", "test_requirements/django-5.9.txt",
              "test_requirements/databases.txt"], "-r test_requirements/django-5.10.txt"),
            (["tests/requirements/py39.txt", "tests/requirements/py310.txt"], "-r tests/requirements/py310.txt"),
            (["tests/requirements/ci.txt"], "-r tests/requirements/ci.txt"),
            (["requirements.in", "requirements/docs.txt", "tests/requirements/optional.txt"], None),
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
        assert (found.commands, found.files) == (("pip install . pytest",), None)
        assert found.declared_in == "pyproject.toml, dependency group test of pyproject.toml"

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


class TestDjango:
    """The Django that was asked for in place of the project's own."""

    def test_pip_prefers_versions_for_it_and_installs_it_last(self, tmp_path: Path) -> None:
        root = write(tmp_path, {"requirements.txt": "django\n"})
        found = plan(root, None, ["six"], ["postgres"], django="5.2")
        assert found.commands == (
            "pip install -r requirements.txt 'Django~=5.2.0' 2>/dev/null || pip install -r requirements.txt",
            "pip install six 'Django~=5.2.0' 2>/dev/null || pip install six",
            installers.django_command("5.2"),
            ENGINES["postgres"].driver.command,
        )
        assert found.files == ("requirements.txt",)
        assert describe(found) == "requirements.txt (no lock; pip installs), and Django 5.2"

    @pytest.mark.parametrize("lock", ["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"])
    def test_the_commands_of_a_lock_stay_as_they_are(self, tmp_path: Path, lock: str) -> None:
        root = write(tmp_path, {lock: "", "pyproject.toml": PYPROJECT, "Pipfile": ""})
        found = plan(root, None, django="5.2")
        assert found.commands == (*plan(root, None).commands, installers.django_command("5.2"))

    @pytest.mark.parametrize(
        ("command", "expected"),
        [
            (
                "pip install -e '.[test]'",
                "pip install -e '.[test]' 'Django~=5.2.0' 2>/dev/null || pip install -e '.[test]'",
            ),
            (
                "python -m pip install 'django>=5' a",
                "python -m pip install 'django>=5' a 'Django~=5.2.0' 2>/dev/null || {}",
            ),
            ("cd a && pip install b", "(cd a && pip install b 'Django~=5.2.0' 2>/dev/null) || ({})"),
            ("uv pip install -r pylock.toml", "{}"),
            ("uv sync --locked", "{}"),
            ("make dependencies", "{}"),
            ("pip install a || true", "{}"),
            ("pip install $PACKAGES", "{}"),
            ("pip install a # for the tests", "{}"),
        ],
    )
    def test_a_configured_command_of_pip_prefers_it_too(self, tmp_path: Path, command: str, expected: str) -> None:
        first, last = plan(write(tmp_path, {}), [command], django="5.2").commands
        assert first == expected.replace("{}", command)
        assert last == installers.django_command("5.2")

    def test_commands_of_no_installation_are_followed_by_it(self, tmp_path: Path) -> None:
        assert plan(write(tmp_path, {}), [], django="5.2").commands == (installers.django_command("5.2"),)

    def test_a_project_that_names_nothing_stays_one(self, tmp_path: Path) -> None:
        assert plan(write(tmp_path, {}), None, django="5.2") == Installation()

    def test_an_index_that_django_must_come_from_is_an_error(self, tmp_path: Path) -> None:
        text = PYPROJECT + "[tool.uv.sources]\ndjango = {index = 'company'}\n"
        with pytest.raises(ProjectError, match="takes Django from the index 'company' alone") as caught:
            plan(write(tmp_path, {"uv.lock": "", "pyproject.toml": text}), None, django="5.2")
        assert "pip_index_url" in caught.value.hint
        assert plan(tmp_path, ["pip install shop"], django="5.2").django == "5.2"


class TestTools:
    def test_a_lock_decides_and_the_line_says_why(self, tmp_path: Path) -> None:
        files = {"uv.lock": "", "poetry.lock": "", "requirements.txt": "", "pyproject.toml": PYPROJECT}
        found = plan(write(tmp_path, files), None)
        assert any(
            "uv sync --locked --inexact --no-install-project --group dev --extra tests" in each
            for each in found.commands
        )
        assert describe(found) == "uv.lock (a lock; uv installs; not read: poetry.lock)"
        assert found.files == ("poetry.lock", "pyproject.toml", "uv.lock")

    def test_requirements_of_tests_go_with_a_lock_without_any(self, tmp_path: Path) -> None:
        files = {"uv.lock": "", "pyproject.toml": "", "requirements-test.txt": "-r more.txt\n", "more.txt": "attrs\n"}
        found = plan(write(tmp_path, files), None)
        assert found.commands[-1] == "pip install -r requirements-test.txt"
        assert found.files == ("more.txt", "pyproject.toml", "requirements-test.txt", "uv.lock")
        assert found.declared_in == "uv.lock, requirements-test.txt"

    def test_a_package_in_a_folder_needs_all_files(self, tmp_path: Path) -> None:
        text = PYPROJECT + '[tool.uv.sources]\ntoml = {path = "libs/toml"}\n'
        found = plan(write(tmp_path, {"pyproject.toml": text}), None)
        assert found.files is None
        assert found.declared_in == "[tool.uv] of pyproject.toml"

    @pytest.mark.parametrize(
        "files",
        [
            {"pyproject.toml": PYPROJECT + '[tool.uv.sources]\na = {path = "../a"}\n'},
            {"pyproject.toml": PYPROJECT + '[tool.poetry.group.x.dependencies]\na = {path = "../a", develop = true}\n'},
            {
                "pyproject.toml": PYPROJECT
                + '[tool.pdm.dev-dependencies]\nx = ["-e file:///${PROJECT_ROOT}/../a#egg=a"]\n'
            },
            {"Pipfile": '[packages]\na = {path = "../a", editable = true}\n'},
            {"Pipfile.lock": "{}", "Pipfile": '[dev-packages]\na = {path = "../a"}\n'},
        ],
    )
    def test_a_package_outside_is_refused(self, tmp_path: Path, files: dict[str, str]) -> None:
        project = tmp_path / "project"
        write(tmp_path, {"a/setup.py": "", **{f"project/{name}": text for name, text in files.items()}})
        with pytest.raises(ProjectError, match=r"names \.\./a, which is outside of the project") as caught:
            plan(project, None)
        assert 'root = ".."' in caught.value.hint
        assert plan(project, None, root=tmp_path).files is None

    def test_an_index_of_uv_holds_for_requirements_files(self, tmp_path: Path) -> None:
        files = {"pyproject.toml": '[tool.uv]\nindex-url = "https://x.example"\n', "requirements.txt": "django\n"}
        found = plan(write(tmp_path, files), None)
        assert any("uv/bin/uv pip install -r requirements.txt " in each for each in found.commands)
        assert found.files == ("pyproject.toml", "requirements.txt")


class TestRepository:
    def test_the_folder_above_names_the_dependencies(self, tmp_path: Path) -> None:
        write(tmp_path, {".git/HEAD": "", "requirements.txt": "-r more.txt\n", "more.txt": "", "backend/manage.py": ""})
        found = plan(tmp_path / "backend", None)
        assert found.commands == ("cd /home/runner/repository && pip install -r requirements.txt",)
        assert (found.base, found.files) == (tmp_path, ("more.txt", "requirements.txt"))
        assert found.declared_in == f"requirements.txt in {tmp_path}"

    def test_a_folder_above_the_repository_does_not_count(self, tmp_path: Path) -> None:
        write(tmp_path, {"shop/.git/HEAD": "", "requirements.txt": "django\n", "shop/manage.py": ""})
        assert plan(tmp_path / "shop", None) == Installation()

    def test_a_member_is_installed_by_the_lock_of_its_workspace(self, tmp_path: Path) -> None:
        workspace = '[tool.uv.workspace]\nmembers = ["apps/*"]\n'
        write(
            tmp_path,
            {".git/HEAD": "", "uv.lock": "", "pyproject.toml": workspace, "apps/web/pyproject.toml": PYPROJECT},
        )
        found = plan(tmp_path / "apps" / "web", None)
        assert all(each.startswith("cd /home/runner/repository/apps/web && ") for each in found.commands)
        assert any("uv sync --locked" in each and "--group dev" in each for each in found.commands)
        assert (found.base, found.files) == (tmp_path, None)


class TestRoot:
    """The files of a folder above the project are copied, so the project may use them."""

    FILES: Mapping[str, str] = MappingProxyType({"shared/setup.py": "", "common.txt": "-r deep.txt\n", "deep.txt": ""})

    def test_commands_run_in_the_projects_folder(self, tmp_path: Path) -> None:
        write(tmp_path, {**self.FILES, "apps/shop/requirements.txt": "-r ../../common.txt\n"})
        found = plan(tmp_path / "apps" / "shop", None, ["PyMySQL"], root=tmp_path)
        assert found.commands == (
            "cd apps/shop && pip install -r requirements.txt",
            "cd apps/shop && pip install PyMySQL",
        )
        assert (found.base, found.files) == (None, ("apps/shop/requirements.txt", "common.txt", "deep.txt"))

    def test_a_package_beside_the_project_needs_all_files(self, tmp_path: Path) -> None:
        write(tmp_path, {**self.FILES, "shop/requirements.txt": "-e ../shared\n"})
        found = plan(tmp_path / "shop", None, root=tmp_path)
        assert (found.base, found.files) == (None, None)

    @pytest.mark.parametrize("text", ["[tool.uv.sources]\na = {}\n", "[tool.poetry.group.x.dependencies]\na = {}\n"])
    def test_a_table_may_name_a_folder_beside_the_project(self, tmp_path: Path, text: str) -> None:
        text = PYPROJECT + text.replace("{}", '{path = "../shared"}')
        write(tmp_path, {**self.FILES, "shop/pyproject.toml": text})
        found = plan(tmp_path / "shop", None, root=tmp_path)
        assert all(each.startswith("cd shop && ") for each in found.commands)
        with pytest.raises(ProjectError, match="outside of root"):
            plan(write(tmp_path / "shop", {"pyproject.toml": text.replace("../", "../../")}), None, root=tmp_path)

    def test_configured_commands_run_in_the_projects_folder(self, tmp_path: Path) -> None:
        write(tmp_path, {**self.FILES, "shop/manage.py": ""})
        found = plan(tmp_path / "shop", ["pip install -r ../common.txt"], root=tmp_path)
        assert found.commands == ("cd shop && pip install -r ../common.txt",)
        assert found.files == ("common.txt", "deep.txt")

    def test_the_dependencies_of_root_need_no_second_folder(self, tmp_path: Path) -> None:
        write(tmp_path, {**self.FILES, "requirements.txt": "./shared\n", "apps/shop/manage.py": ""})
        found = plan(tmp_path / "apps" / "shop", None, root=tmp_path)
        assert found.commands == ("pip install -r requirements.txt",)
        assert (found.base, found.files) == (None, None)
        assert found.declared_in == f"requirements.txt in {tmp_path}"

    def test_a_member_of_its_workspace(self, tmp_path: Path) -> None:
        workspace = '[tool.uv.workspace]\nmembers = ["apps/*"]\n'
        write(tmp_path, {"uv.lock": "", "pyproject.toml": workspace, "apps/web/pyproject.toml": PYPROJECT})
        found = plan(tmp_path / "apps" / "web", None, root=tmp_path)
        assert all(each.startswith("cd apps/web && ") for each in found.commands)
        assert (found.base, found.files) == (None, None)


class TestAdditions:
    def test_further_requirements_come_last(self, tmp_path: Path) -> None:
        root = write(tmp_path, {"requirements.txt": "django\n"})
        found = plan(root, None, ["psycopg[binary]"])
        assert found.commands == ("pip install -r requirements.txt", "pip install 'psycopg[binary]'")
        assert found.files == ("requirements.txt",)
        assert plan(root, ["make"], ["attrs"]).commands == ("make", "pip install attrs")
        assert plan(root, None, ["./plugin"]).files is None

    @pytest.mark.parametrize(
        ("engine", "text", "package"),
        [
            ("postgres", "django\n", "psycopg[binary]"),
            ("mysql", "django\npsycopg\n", "mysqlclient"),
            ("mariadb", "django\n", "mysqlclient"),
            ("postgres", "psycopg2-binary\n", ""),
            ("mysql", "PyMySQL\n", ""),
            ("sqlite", "django\n", ""),
        ],
    )
    def test_a_driver_that_no_file_names_is_added(self, tmp_path: Path, engine: str, text: str, package: str) -> None:
        found = plan(write(tmp_path, {"requirements.txt": text}), None, (), [engine])
        assert len(found.commands) == (2 if package else 1)
        assert [package in each for each in found.notices] == ([True] if package else [])
        assert not package or package in found.commands[1]

    def test_a_driver_in_a_lock_or_in_the_commands_counts(self, tmp_path: Path) -> None:
        root = write(tmp_path, {"uv.lock": 'name = "psycopg"\n', "pyproject.toml": PYPROJECT.replace("psycopg", "x")})
        assert plan(root, None, (), ["postgres"]).notices == ()
        assert plan(root, ["pip install mysqlclient"], (), ["mysql"]).notices == ()
        assert plan(root, None, ["mysqlclient"], ["mysql"]).notices == ()


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
