"""Precedence, provenance, paths, and values that depend on each other."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ExitCode, ProjectError
from harness.host.config.command_line import django_args
from harness.host.config.load import load as load_config
from harness.host.config.options import OPTIONS
from tests.unit.host.config.conftest import load, refuse


class TestPrecedence:
    def test_defaults(self, project: Path) -> None:
        config = load(project)
        assert config.timeout == 300.0
        assert config.parallel is None
        assert config.runner == "container"
        assert config.python == "3.13"
        assert config.db == ()
        assert config.install is None
        assert django_args(config) == ("--verbosity=1",)
        assert config.sources["timeout"] == "default"

    def test_flag_over_variable_over_file_over_default(self, project: Path) -> None:
        toml = "timeout = 60\nretries = 3\nartifacts = 'out'"
        config = load(project, toml, {"HARNESS_TIMEOUT": "61", "HARNESS_RETRIES": "4"}, timeout="62")
        assert (config.timeout, config.sources["timeout"]) == (62.0, "--timeout")
        assert (config.retries, config.sources["retries"]) == (4, "HARNESS_RETRIES")
        assert config.sources["artifacts"] == "pyproject.toml"
        assert (config.mirrors, config.sources["mirrors"]) == ("auto", "default")

    def test_every_key_has_a_source(self, project: Path) -> None:
        config = load(project)
        assert set(config.sources) == {option.key for option in OPTIONS}
        assert all(config.sources.values())

    def test_an_empty_variable_counts_as_absent(self, project: Path) -> None:
        assert load(project, "timeout = 60", {"HARNESS_TIMEOUT": " "}).timeout == 60.0

    def test_unknown_variables_are_ignored(self, project: Path) -> None:
        assert load(project, environ={"HARNESS_NO_DOCKER": "1", "HARNESS_NONSENSE": "x"}).timeout == 300.0

    def test_a_list_of_a_flag_replaces_that_of_the_file(self, project: Path) -> None:
        config = load(project, 'tag = ["a", "b"]\nlabels = ["x"]', tag=("c",), labels=("y", "z"))
        assert config.tag == ("c",)
        assert config.labels == ("y", "z")

    def test_two_loads_share_nothing(self, project: Path) -> None:
        load(project, 'pass_env = ["TOKEN"]', {"TOKEN": "t"})
        assert load(project).env == {}

    def test_a_run_takes_the_first_python_of_a_list(self, project: Path) -> None:
        config = load(project, 'python = ["3.12", "3.13"]')
        assert (config.python, config.pythons) == ("3.12", ("3.12", "3.13"))
        config = load(project, python="3.14")
        assert (config.python, config.pythons) == ("3.14", ("3.14",))


class TestProject:
    def test_it_comes_from_its_variable_too(self, project: Path) -> None:
        config = load_config({}, {"HARNESS_PROJECT": "shop"}, project.parent)
        assert (config.project, config.sources["project"]) == (project, "HARNESS_PROJECT")

    def test_the_default_is_the_current_directory(self, project: Path) -> None:
        assert load_config({}, {}, project).project == project

    def test_a_missing_folder_is_an_error(self, project: Path) -> None:
        with pytest.raises(ProjectError) as caught:
            load_config({"project": "gone"}, {}, project)
        assert str(project / "gone") in caught.value.message
        assert "--project" in caught.value.hint

    def test_a_folder_without_django_is_an_error(self, project: Path) -> None:
        (project / "manage.py").unlink()
        error = refuse(project)
        assert error.exit_code == ExitCode.PROJECT
        assert f"{project} is not a Django project" in error.message

    def test_no_settings_are_needed_for_a_report(self, project: Path) -> None:
        (project / "manage.py").unlink()
        config = load_config({}, {}, project, need_settings=False)
        assert (config.settings, config.sources["settings"]) == (None, "default")


class TestBootstrap:
    def test_it_takes_the_place_of_manage_py(self, project: Path) -> None:
        (project / "runtests.py").write_text("")
        config = load(project, 'bootstrap = "runtests.py --fast"')
        assert (config.bootstrap, config.script, config.settings) == ("runtests.py --fast", "", None)
        assert config.sources["bootstrap"] == "pyproject.toml"

    def test_it_needs_no_manage_py(self, project: Path) -> None:
        (project / "manage.py").unlink()
        assert load(project, 'bootstrap = "runtests:configure"').bootstrap == "runtests:configure"

    def test_settings_of_a_variable_or_a_flag_are_kept(self, project: Path) -> None:
        toml = 'bootstrap = "django-admin test"'
        assert load(project, toml, {"DJANGO_SETTINGS_MODULE": "shop.other"}).settings == "shop.other"
        assert load(project, f'{toml}\nenv = {{ DJANGO_SETTINGS_MODULE = "shop.env" }}').settings == "shop.env"
        assert load(project, toml, settings="shop.flag").settings == "shop.flag"

    def test_a_manage_py_one_level_down_does_not_count(self, project: Path) -> None:
        (project / "manage.py").rename(project / "runtests.py")
        (project / "server").mkdir()
        (project / "server" / "manage.py").write_text("")
        assert load(project, 'bootstrap = "runtests.py"').workdir == ""

    def test_a_file_that_is_not_there_is_wrong(self, project: Path) -> None:
        error = refuse(project, 'bootstrap = "runtests.py"')
        assert error.exit_code == ExitCode.USAGE
        assert "there is no such file" in error.message


class TestPaths:
    def test_of_flags_variables_and_defaults(self, project: Path) -> None:
        here = project.parent
        assert load(project).artifacts == here / ".harness"
        assert load(project, artifacts="out").artifacts == here / "out"
        assert load(project, environ={"HARNESS_CA_CERTIFICATES": "ca.pem"}).ca_certificates == here / "ca.pem"

    def test_of_the_file_start_at_its_folder(self, project: Path) -> None:
        toml = """
        artifacts = "out"
        ca_certificates = "certs/ca.pem"
        pip_find_links = ["wheels", "https://packages.example/simple", "/srv/wheels"]
        """
        config = load(project, toml)
        assert config.artifacts == project / "out"
        assert config.ca_certificates == project / "certs/ca.pem"
        assert config.pip_find_links == (str(project / "wheels"), "https://packages.example/simple", "/srv/wheels")

    def test_the_home_folder_in_the_file(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/jo")
        assert load(project, "ca_certificates = '~/ca.pem'").ca_certificates == Path("/home/jo/ca.pem")


class TestFile:
    @pytest.mark.parametrize("content", ["[tool.harness\n", "[tool.harness]\ntimeout = \n", "\udcff"])
    def test_invalid_toml_is_an_error(self, project: Path, content: str) -> None:
        (project / "pyproject.toml").write_bytes(content.encode(errors="surrogateescape"))
        error = refuse(project)
        assert error.exit_code == ExitCode.USAGE
        assert str(project / "pyproject.toml") in error.message
        assert error.evidence

    @pytest.mark.parametrize("content", ["tool = 3\n", "[tool]\nharness = 3\n", "[[tool.harness]]\n"])
    def test_a_section_has_to_be_a_table(self, project: Path, content: str) -> None:
        (project / "pyproject.toml").write_text(content)
        error = refuse(project)
        assert error.exit_code == ExitCode.USAGE
        assert "[tool.harness]" in error.message

    def test_the_section_may_be_missing(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[project]\nname = "shop"\n[tool.other]\nx = 1\n')
        assert load(project).timeout == 300.0


class TestDependentValues:
    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ("repeat = 3\nretries = 1", "--repeat searches"),
            ("network = 'isolated'\nrunner = 'host'", "cannot be isolated"),
        ],
    )
    def test_a_contradiction_is_refused(self, project: Path, toml: str, words: str) -> None:
        error = refuse(project, toml)
        assert error.exit_code == ExitCode.USAGE
        assert words in error.message

    def test_the_environment_of_the_tests(self, project: Path) -> None:
        toml = 'env = { SECRET_KEY = "test", A = "" }\npass_env = ["SECRET_KEY", "TOKEN", "ABSENT"]'
        config = load(project, toml, {"TOKEN": "t", "OTHER": "o"})
        assert config.env == {"SECRET_KEY": "test", "A": "", "TOKEN": "t"}
        assert load(project, environ={"SECRET_KEY": "mine"}).env["SECRET_KEY"] == "mine"

    def test_places_of_the_settings_module(self, project: Path) -> None:
        toml = "settings = 'of.file'"
        environ = {"DJANGO_SETTINGS_MODULE": "of.django", "HARNESS_SETTINGS": "of.variable"}
        configs = [
            load(project),
            load(project, environ={"DJANGO_SETTINGS_MODULE": "of.django"}),
            load(project, toml, {"DJANGO_SETTINGS_MODULE": "of.django"}),
            load(project, environ=environ),
            load(project, environ=environ, settings="of.flag"),
        ]
        assert [(config.settings, config.sources["settings"]) for config in configs] == [
            ("shop.settings", "manage.py"),
            ("of.django", "DJANGO_SETTINGS_MODULE"),
            ("of.file", "pyproject.toml"),
            ("of.variable", "HARNESS_SETTINGS"),
            ("of.flag", "--settings"),
        ]

    def test_the_settings_module_of_the_tests_environment(self, project: Path) -> None:
        config = load(project, 'env = { DJANGO_SETTINGS_MODULE = "of.env" }')
        assert (config.settings, config.sources["settings"]) == ("of.env", "DJANGO_SETTINGS_MODULE")


class TestRoot:
    """``root``: the folder around the project whose files the tests get."""

    def test_without_it_the_projects_files_alone(self, project: Path) -> None:
        config = load(project)
        assert (config.root, config.sources["root"]) == (project, "default")

    def test_it_is_seen_from_the_file(self, project: Path) -> None:
        config = load(project, 'root = ".."')
        assert (config.root, config.project) == (project.parent, project)
        assert load(project, 'root = "."').root == project

    def test_the_variable_is_seen_from_the_current_folder(self, project: Path) -> None:
        assert load(project, environ={"HARNESS_ROOT": "."}).root == project.parent

    @pytest.mark.parametrize(
        ("root", "problem"),
        [("../none", "is no folder"), ("lib", "does not hold the project"), ("/", "is the whole machine")],
    )
    def test_one_that_cannot_serve_is_refused(self, project: Path, root: str, problem: str) -> None:
        (project / "lib").mkdir()
        error = refuse(project, f'root = "{root}"')
        assert error.exit_code == ExitCode.USAGE
        assert repr(root) in error.message
        assert problem in error.message

    def test_a_folder_below_with_a_table_of_its_own_is_the_project(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.harness]\nroot = ".."\n')
        config = load_config({}, {}, project.parent)
        assert (config.project, config.root, config.sources["project"]) == (project, project.parent, "manage.py")


class TestServers:
    @pytest.mark.parametrize("given", [{"server_kind": "local"}, {}])
    def test_local_ones_are_reached_by_tests_on_this_machine(self, project: Path, given: dict[str, Any]) -> None:
        config = load(project, "" if given else 'server_kind = "local"', **given)
        assert config.runner == "host"
        assert config.sources["runner"] == ("--servers" if given else "pyproject.toml")

    def test_a_variable_chooses_them_too(self, project: Path) -> None:
        assert load(project, "", {"HARNESS_SERVERS": "local"}).server_kind == "local"

    def test_a_container_does_not_reach_them(self, project: Path) -> None:
        error = refuse(project, 'runner = "container"', server_kind="local")
        assert "the runner is a container (pyproject.toml)" in error.message
        assert "--runner host" in error.hint

    def test_they_have_no_isolated_network(self, project: Path) -> None:
        assert "isolated" in refuse(project, 'network = "isolated"', server_kind="local").message

    def test_a_word_in_place_of_the_tables_names_the_key(self, project: Path) -> None:
        error = refuse(project, 'servers = "local"')
        assert "expected a table" in error.message
        assert "server_kind" in error.hint
