"""Precedence, provenance, and what is said about each thing that can be wrong."""

import dataclasses
from pathlib import Path

import pytest

from harness.errors import ExitCode, HarnessError, ProjectError, UsageError
from harness.host.config import load as config_module
from harness.host.config.command_line import django_args
from harness.host.config.databases import DbSpec
from harness.host.config.options import OPTIONS, Config, explain
from harness.host.config.servers import ServerConfig

KNOWN = {"postgres": ("15", "17", "18"), "mysql": ("8.4", "9.7")}
MANAGE_PY = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'


@pytest.fixture
def project(tmp_path: Path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "manage.py").write_text(MANAGE_PY)
    return folder


def load(project: Path, toml: str = "", environ: dict[str, str] | None = None, **cli: object) -> Config:
    if toml:
        (project / "pyproject.toml").write_text(toml)
    return config_module.load({"project": str(project), **cli}, environ or {}, project.parent, known=KNOWN)


def refuse(project: Path, toml: str = "", environ: dict[str, str] | None = None, **cli: object) -> HarnessError:
    with pytest.raises(HarnessError) as caught:
        load(project, toml, environ, **cli)
    assert caught.value.hint, "every error has a next step"
    return caught.value


# --- the table and the dataclass


def test_every_option_has_one_field_and_every_field_one_option() -> None:
    derived = {"sources", "pythons", "artifacts_root", "given"}
    assert {option.key for option in OPTIONS} == {field.name for field in dataclasses.fields(Config)} - derived


def test_keys_variables_and_flags_are_unique() -> None:
    for names in (
        [option.key for option in OPTIONS],
        [option.variable for option in OPTIONS if option.variable],
        [flag for option in OPTIONS for flag in option.flags],
    ):
        assert len(names) == len(set(names))


def test_every_key_is_a_flag_or_a_variable_or_file_only() -> None:
    for option in OPTIONS:
        assert option.is_file_only != bool(option.variable)
        assert not (option.is_file_only and option.flags)
        assert option.in_file or option.flags


# --- precedence


def test_defaults(project) -> None:
    config = load(project)
    assert config.timeout == 300.0
    assert config.parallel is None
    assert config.runner == "container"
    assert config.python == "3.13"
    assert config.db == ()
    assert config.install is None
    assert django_args(config) == ("--verbosity=1",)
    assert config.source("timeout") == "default"


def test_flags_win_over_variables_over_the_file_over_defaults(project) -> None:
    toml = "[tool.harness]\ntimeout = 60\nretries = 3\nartifacts = 'out'\n"
    environ = {"HARNESS_TIMEOUT": "61", "HARNESS_RETRIES": "4"}
    config = load(project, toml, environ, timeout="62")
    assert (config.timeout, config.source("timeout")) == (62.0, "--timeout")
    assert (config.retries, config.source("retries")) == (4, "HARNESS_RETRIES")
    assert config.source("artifacts") == "pyproject.toml"
    assert (config.mirrors, config.source("mirrors")) == ("auto", "default")


def test_every_key_has_a_source(project) -> None:
    config = load(project)
    for option in OPTIONS:
        assert config.source(option.key)
    with pytest.raises(KeyError):
        config.source("no_such_key")


def test_a_variable_can_switch_off_what_the_file_switches_on(project) -> None:
    config = load(project, "[tool.harness]\nfailfast = true\n", {"HARNESS_FAILFAST": "off"})
    assert config.failfast is False


def test_an_empty_variable_counts_as_absent(project) -> None:
    config = load(project, "[tool.harness]\ntimeout = 60\n", {"HARNESS_TIMEOUT": " "})
    assert config.timeout == 60.0


def test_variables_of_other_names_are_left_alone(project) -> None:
    assert load(project, environ={"HARNESS_NO_DOCKER": "1", "HARNESS_NONSENSE": "x"}).timeout == 300.0


def test_lists_in_variables_are_split_at_white_space(project) -> None:
    config = load(project, environ={"HARNESS_EXCLUDE_TAG": "slow  network\n", "HARNESS_APT": "libxml2 gettext"})
    assert config.exclude_tag == ("slow", "network")
    assert config.apt == ("libxml2", "gettext")


def test_a_list_from_a_flag_replaces_that_of_the_file(project) -> None:
    config = load(project, '[tool.harness]\ntag = ["a", "b"]\nlabels = ["x"]\n', tag=("c",), labels=("y", "z"))
    assert config.tag == ("c",)
    assert config.labels == ("y", "z")


def test_the_project_comes_from_its_variable_too(project) -> None:
    config = config_module.load({}, {"HARNESS_PROJECT": "shop"}, project.parent, known=KNOWN)
    assert (config.project, config.source("project")) == (project, "HARNESS_PROJECT")


def test_the_default_project_is_the_current_directory(project) -> None:
    config = config_module.load({}, {}, project, known=KNOWN)
    assert config.project == project


# --- paths


def test_paths_of_flags_variables_and_defaults_start_at_the_current_directory(project) -> None:
    here = project.parent
    assert load(project).artifacts == here / ".harness"
    assert load(project, artifacts="out").artifacts == here / "out"
    assert load(project, environ={"HARNESS_CA_CERTIFICATES": "ca.pem"}).ca_certificates == here / "ca.pem"


def test_paths_of_the_file_start_at_its_folder(project) -> None:
    toml = """[tool.harness]
    artifacts = "out"
    ca_certificates = "certs/ca.pem"
    pip_find_links = ["wheels", "https://packages.example/simple", "/srv/wheels"]
    """
    config = load(project, toml)
    assert config.artifacts == project / "out"
    assert config.ca_certificates == project / "certs/ca.pem"
    assert config.pip_find_links == (str(project / "wheels"), "https://packages.example/simple", "/srv/wheels")


def test_home_in_a_path_of_the_file(project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jo")
    assert load(project, "[tool.harness]\nca_certificates = '~/ca.pem'\n").ca_certificates == Path("/home/jo/ca.pem")


# --- kinds of values


@pytest.mark.parametrize(
    ("given", "args"),
    [(True, ["--shuffle"]), (False, []), (0, ["--shuffle=0"]), (1, ["--shuffle=1"]), (-7, ["--shuffle=-7"])],
)
def test_shuffle_in_the_file(project, given: bool | int, args) -> None:
    config = load(project, f"[tool.harness]\nshuffle = {str(given).lower()}\n")
    assert list(django_args(config)) == [*args, "--verbosity=1"]


@pytest.mark.parametrize(
    ("text", "args"), [("true", ["--shuffle"]), ("off", []), ("1", ["--shuffle=1"]), ("42", ["--shuffle=42"])]
)
def test_shuffle_as_text(project, text: str, args) -> None:
    assert list(django_args(load(project, shuffle=text))) == [*args, "--verbosity=1"]


def test_parallel(project) -> None:
    assert load(project, "[tool.harness]\nparallel = 'auto'\n", parallel="4").parallel == 4
    assert load(project, "[tool.harness]\nparallel = 3\n").parallel == 3
    assert load(project, "[tool.harness]\nparallel = 3\n", parallel="auto").parallel is None


def test_djangos_own_options(project) -> None:
    toml = """[tool.harness]
    keepdb = true
    name_patterns = ["*cart*"]
    pattern = "check_*.py"
    top_level_directory = "src"
    durations = 0
    verbosity = 3
    """
    config = load(project, toml, reverse=True, debug_sql=True, buffer=True, timing=True)
    assert config.durations == 0
    assert " ".join(django_args(config)) == (
        "--keepdb --reverse -k=*cart* --pattern=check_*.py --top-level-directory=src --debug-sql --buffer --timing "
        "--verbosity=3"
    )


def test_the_environment_of_the_tests(project) -> None:
    toml = '[tool.harness]\nenv = { SECRET_KEY = "test", A = "" }\npass_env = ["SECRET_KEY", "TOKEN", "ABSENT"]\n'
    config = load(project, toml, {"TOKEN": "t", "OTHER": "o"})
    assert config.env == {"SECRET_KEY": "test", "A": "", "TOKEN": "t"}
    assert load(project, environ={"SECRET_KEY": "mine"}).env["SECRET_KEY"] == "mine"


def test_two_loads_share_nothing(project) -> None:
    toml = '[tool.harness]\npass_env = ["TOKEN"]\n'
    load(project, toml, {"TOKEN": "t"})
    assert load(project).env == {}


# --- --python


def test_a_run_takes_the_first_python_of_a_list(project) -> None:
    config = load(project, '[tool.harness]\npython = ["3.12", "3.13"]\n')
    assert (config.python, config.pythons) == ("3.12", ("3.12", "3.13"))


def test_a_python_that_is_given_replaces_the_list(project) -> None:
    config = load(project, '[tool.harness]\npython = ["3.12", "3.13"]\n', python="3.14")
    assert (config.python, config.pythons) == ("3.14", ("3.14",))


# --- --db


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("postgres", DbSpec("postgres")),
        ("postgresql", DbSpec("postgres")),
        ("postgres:17", DbSpec("postgres", "17")),
        ("default=postgres:15", DbSpec("postgres", "15", "default")),
        ("a=b:c=postgres", DbSpec("postgres", None, "a=b:c")),
        ("sqlite", DbSpec("sqlite")),
        ("sqlite3", DbSpec("sqlite")),
        ("analytics=sqlite", DbSpec("sqlite", None, "analytics")),
    ],
)
def test_a_backend(project, text: str, spec) -> None:
    assert load(project, db=(text,)).db == (spec,)


def test_a_backend_prints_as_it_is_written() -> None:
    assert str(DbSpec("postgres", "15", "default")) == "default=postgres:15"
    assert str(DbSpec("postgres")) == "postgres"


def test_a_backend_for_one_alias_beside_that_for_the_others(project) -> None:
    config = load(project, db=("postgres:17", "catalog=postgres:15"))
    assert config.db == (DbSpec("postgres", "17"), DbSpec("postgres", "15", "catalog"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgrs", ("--db", "'postgrs'", "Did you mean 'postgres'?", "postgres 15, 17, 18; mysql 8.4, 9.7")),
        ("oracle", ("--db", "'oracle'", "postgres 15, 17, 18")),
        ("postgres:9", ("--db", "version '9' of postgres", "postgres 15, 17, 18")),
        ("postgres:", ("version ''", "postgres 15, 17, 18")),
        ("sqllite", ("'sqllite'", "Did you mean 'sqlite'?", "mysql 8.4, 9.7; sqlite")),
        ("sqlite:3", ("'sqlite:3'", "version of SQLite", "write sqlite")),
        ("a=sqlite:", ("'a=sqlite:'", "write sqlite")),
        ("=postgres", ("no alias", "ALIAS=ENGINE:VERSION")),
        ("", ("--db",)),
    ],
)
def test_an_unknown_backend(project, text: str, words) -> None:
    error = refuse(project, db=(text,))
    assert error.exit_code == ExitCode.USAGE
    for word in words:
        assert word in f"{error.message} {error.hint}"


def test_several_backends_are_a_run_each_in_their_order(project) -> None:
    config = load(project, '[tool.harness]\ndb = ["sqlite", "postgres:18", "postgres", "mysql"]\n')
    assert [str(spec) for spec in config.db] == ["sqlite", "postgres:18", "postgres", "mysql"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("postgres:17", "postgres:17"), "the same backend twice: postgres:17."),
        (("postgres", "sqlite", "postgres:17"), "the same backend twice: postgres and postgres:17."),
        (("postgres:17", "postgresql"), "the same backend twice: postgres:17 and postgres."),
        (("sqlite", "sqlite3"), "the same backend twice: sqlite."),
    ],
)
def test_the_same_backend_twice(project, texts, said: str) -> None:
    error = refuse(project, db=texts)
    assert error.exit_code == ExitCode.USAGE
    assert said in error.message


def test_two_backends_for_one_alias(project) -> None:
    error = refuse(project, '[tool.harness]\ndb = ["default=postgres:15", "default=postgres:17"]\n')
    assert error.exit_code == ExitCode.USAGE
    assert "default=postgres:15 and default=postgres:17" in error.message


# --- servers


def test_a_server_whose_databases_are_on_disk(project) -> None:
    toml = "[tool.harness.servers.postgres]\nin_memory = false\n"
    assert load(project, toml).servers == {"postgres": ServerConfig(in_memory=False)}


def test_the_memory_of_a_servers_databases_and_how_its_replicas_follow(project) -> None:
    toml = '[tool.harness.servers.mysql]\nmemory_size = "2g"\nreplication = "position"\n'
    assert load(project, toml).servers == {"mysql": ServerConfig(memory_size=2 << 30, replication="position")}


@pytest.mark.parametrize(("text", "size"), [("64m", 64 << 20), ("2G", 2 << 30), ("512mb", 512 << 20), ("9k", 9 << 10)])
def test_sizes_are_written_as_docker_takes_them(project, text: str, size) -> None:
    toml = f'[tool.harness.servers.mysql]\nmemory_size = "{text}"\n'
    assert load(project, toml).servers["mysql"].memory_size == size


@pytest.mark.parametrize("value", ["'2'", "2", "'0m'", "'-1g'", "'2t'", "'1.5g'", "true"])
def test_what_is_no_size_of_memory(project, value: str) -> None:
    error = refuse(project, f"[tool.harness.servers.mysql]\nmemory_size = {value}\n")
    assert error.exit_code == ExitCode.USAGE
    assert 'expected a size such as "512m" or "2g"' in error.message
    assert "servers.mysql.memory_size in" in error.message


def test_a_size_of_memory_for_what_is_on_disk(project) -> None:
    error = refuse(project, "[tool.harness.servers.mysql]\nin_memory = false\nmemory_size = '1g'\n")
    assert "memory_size" in error.message
    assert "in_memory = false" in error.message


def test_only_mysql_follows_by_position(project) -> None:
    error = refuse(project, "[tool.harness.servers.postgres]\nreplication = 'position'\n")
    assert error.exit_code == ExitCode.USAGE
    assert "servers.postgres.replication" in error.message


def test_the_image_of_a_server(project) -> None:
    toml = '[tool.harness.servers.postgres]\nimage = "postgis/postgis:17-3.5"\n'
    assert load(project, toml).servers == {"postgres": ServerConfig(image="postgis/postgis:17-3.5")}


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[tool.harness.servers.postgress]\n", ("'postgress'", "Did you mean 'postgres'?")),
        ("[tool.harness.servers.postgres]\nimgae = 'x'\n", ("'imgae'", "servers.postgres in", "Did you mean 'image'?")),
        ("[tool.harness.servers.postgres]\nimage = 3\n", ("servers.postgres.image in", "a string", "3, an integer")),
        (
            "[tool.harness.servers.postgres]\nin_memory = 'no'\n",
            ("servers.postgres.in_memory in", "true or false", "'no', a string"),
        ),
        (
            "[tool.harness.servers.mysql]\nreplication = 'file'\n",
            ("servers.mysql.replication in", "one of gtid, position", "'file'", "MyISAM"),
        ),
        ("[tool.harness.servers]\npostgres = 'x'\n", ("servers.postgres in", "a table", "'x', a string")),
        ("[tool.harness]\nservers = 'x'\n", ("servers in", "a table", "'x', a string")),
    ],
)
def test_a_wrong_table_of_servers(project, toml: str, words) -> None:
    error = refuse(project, toml)
    assert error.exit_code == ExitCode.USAGE
    for word in words:
        assert word in f"{error.message} {error.hint}"
    assert str(project / "pyproject.toml") in error.message


# --- wrong keys and values


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [("timeot", "timeout"), ("fail-on-flaky", "fail_on_flaky"), ("tags", "tag"), ("PYTHON", "python")],
)
def test_an_unknown_key_gets_the_nearest(project, key: str, suggestion: str) -> None:
    error = refuse(project, f"[tool.harness]\n{key} = 1\n")
    assert error.exit_code == ExitCode.USAGE
    assert repr(key) in error.message
    assert str(project / "pyproject.toml") in error.message
    assert error.hint == f"Did you mean {suggestion!r}?"


def test_an_unknown_key_like_no_other_gets_all_of_them(project) -> None:
    error = refuse(project, "[tool.harness]\nxyzzy = 1\n")
    assert "timeout" in error.hint
    assert "junit_strict" in error.hint


@pytest.mark.parametrize(
    ("lines", "words"),
    [("repeat = 3\nretries = 1", "--repeat hunts"), ("network = 'isolated'\nrunner = 'host'", "cannot be isolated")],
)
def test_values_that_contradict_each_other_are_refused(project, lines: str, words: str) -> None:
    error = refuse(project, f"[tool.harness]\n{lines}\n")
    assert error.exit_code == ExitCode.USAGE
    assert words in error.message


def test_the_project_cannot_be_named_in_its_own_file(project) -> None:
    assert "--project" in refuse(project, "[tool.harness]\nproject = '.'\n").hint


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("timeout = 'soon'", ("timeout in", "seconds", "'soon', a string")),
        ("timeout = '60'", ("timeout in", "'60', a string")),
        ("timeout = true", ("timeout in", "True, a boolean")),
        ("timeout = 0", ("above 0", "0, an integer")),
        ("timeout = inf", ("above 0", "inf, a float")),
        ("timeout = nan", ("above 0", "nan, a float")),
        ("retries = -1", ("retries in", "0 or more", "-1")),
        ("retries = 1.5", ("retries in", "1.5, a float")),
        ("retries = true", ("retries in", "True")),
        ("fail_on_flaky = 1", ("true or false", "1, an integer")),
        ("runner = 'docker'", ("one of container, host", "'docker'")),
        ("parallel = 0", ("1 or more", "0")),
        ("parallel = 'all'", ("auto", "'all'")),
        ("parallel = true", ("auto", "True")),
        ("shuffle = 'yes'", ("seed", "'yes'")),
        ("verbosity = 4", ("0, 1, 2 or 3", "4")),
        ("python = 3.13", ('"3.13"', "3.13, a float")),
        ("python = ['3.13', '3']", ('"3.13"', "seen '3', a string")),
        ("python = []", ("a list of them", "seen [], an array")),
        ("python = ['3.13', '3.13']", ("a list of them", "an array")),
        ("python = '2.7'", ('"3.13"', "'2.7'")),
        ("settings = ''", ("settings in", "a string", "''")),
        ("db = 'postgres'", ("db in", "a list of strings", "'postgres', a string")),
        ("tag = ['a', 3]", ("tag[1] in", "3, an integer")),
        ("install = ['']", ("install[0] in", "''")),
        ("env = { DEBUG = 1 }", ("env.DEBUG in", "1, an integer")),
        ("timeouts = { 'shop.*' = 0 }", ("timeouts.shop.* in", "above 0", "0, an integer")),
        ("timeouts = 5", ("timeouts in", "a table of seconds", "5, an integer")),
        ("repeat = 0", ("repeat in", "1 or more", "0, an integer")),
        ("network = 'none'", ("one of open, isolated", "'none'")),
        ("env = []", ("env in", "a table of strings", "[], an array")),
        ("servers = 1979-05-27", ("servers in", "a table", "1979")),
    ],
)
def test_a_wrong_value_in_the_file(project, line: str, words) -> None:
    error = refuse(project, f"[tool.harness]\n{line}\n")
    assert error.exit_code == ExitCode.USAGE
    for word in (*words, str(project / "pyproject.toml")):
        assert word in error.message


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("timeout", "soon", ("--timeout", "seconds", "'soon'")),
        ("timeout", "-1", ("--timeout", "-1")),
        ("retries", "two", ("--retries", "'two'")),
        ("parallel", "many", ("--parallel", "'many'")),
        ("shuffle", "maybe", ("--shuffle", "'maybe'")),
        ("verbosity", "9", ("--verbosity", "9")),
        ("mirrors", "both", ("--mirrors", "auto, primary, replica", "'both'")),
    ],
)
def test_a_wrong_value_of_a_flag(project, key: str, text: str, words) -> None:
    error = refuse(project, **{key: text})
    assert error.exit_code == ExitCode.USAGE
    for word in words:
        assert word in error.message


def test_a_wrong_value_of_a_variable_is_called_by_its_name(project) -> None:
    error = refuse(project, environ={"HARNESS_FAIL_ON_FLAKY": "perhaps"})
    assert "HARNESS_FAIL_ON_FLAKY: expected true or false; seen 'perhaps'" in error.message


@pytest.mark.parametrize("content", ["[tool.harness\n", "[tool.harness]\ntimeout = \n", "\udcff"])
def test_a_file_that_is_no_toml(project, content: str) -> None:
    (project / "pyproject.toml").write_bytes(content.encode(errors="surrogateescape"))
    error = refuse(project)
    assert error.exit_code == ExitCode.USAGE
    assert str(project / "pyproject.toml") in error.message
    assert error.evidence


@pytest.mark.parametrize("content", ["tool = 3\n", "[tool]\nharness = 3\n", "[[tool.harness]]\n"])
def test_a_section_that_is_no_table(project, content: str) -> None:
    error = refuse(project, content)
    assert error.exit_code == ExitCode.USAGE
    assert "[tool.harness]" in error.message


def test_a_file_without_the_section(project) -> None:
    assert load(project, '[project]\nname = "shop"\n[tool.other]\nx = 1\n').timeout == 300.0


# --- the settings module


def test_where_settings_come_from(project) -> None:
    toml = "[tool.harness]\nsettings = 'of.file'\n"
    environ = {"DJANGO_SETTINGS_MODULE": "of.django", "HARNESS_SETTINGS": "of.variable"}
    seen = [
        load(project),
        load(project, environ={"DJANGO_SETTINGS_MODULE": "of.django"}),
        load(project, toml, {"DJANGO_SETTINGS_MODULE": "of.django"}),
        load(project, environ=environ),
        load(project, environ=environ, settings="of.flag"),
    ]
    assert [(config.settings, config.source("settings")) for config in seen] == [
        ("shop.settings", "manage.py"),
        ("of.django", "DJANGO_SETTINGS_MODULE"),
        ("of.file", "pyproject.toml"),
        ("of.variable", "HARNESS_SETTINGS"),
        ("of.flag", "--settings"),
    ]


def test_settings_named_in_the_environment_of_the_tests(project) -> None:
    config = load(project, '[tool.harness]\nenv = { DJANGO_SETTINGS_MODULE = "of.env" }\n')
    assert (config.settings, config.source("settings")) == ("of.env", "DJANGO_SETTINGS_MODULE")


def test_no_folder(project) -> None:
    with pytest.raises(ProjectError) as caught:
        config_module.load({"project": "gone"}, {}, project, known=KNOWN)
    assert str(project / "gone") in caught.value.message
    assert "--project" in caught.value.hint


def test_not_a_django_project(project) -> None:
    (project / "manage.py").unlink()
    error = refuse(project)
    assert error.exit_code == ExitCode.PROJECT
    assert f"{project} is not a Django project" in error.message


def test_an_unused_project_is_not_asked_for_its_settings(project) -> None:
    (project / "manage.py").unlink()
    config = config_module.load({}, {}, project, known=KNOWN, need_settings=False)
    assert (config.settings, config.source("settings")) == (None, "default")


# --- what is shown


def test_explain_names_every_key_and_its_source(project) -> None:
    rows = explain(load(project, "[tool.harness]\ntimeout = 60\n", shuffle="7", db=("postgres:17",)))
    assert [key for key, _, _ in rows] == [option.key for option in OPTIONS]
    assert ("timeout", "60.0", "pyproject.toml") in rows
    assert ("shuffle", "7", "--shuffle") in rows
    assert ("db", "postgres:17", "--db") in rows
    assert ("install", "-", "default") in rows


def test_secrets_are_neither_explained_nor_in_the_repr(project) -> None:
    toml = """[tool.harness]
    env = { SECRET_KEY = "hush" }
    pip_index_url = "https://me:hush@packages.example/simple"
    pip_extra_index_urls = ["https://me:hush@packages.example/simple"]
    http_proxy = "http://me:hush@proxy.example"
    """
    config = load(project, toml)
    rows = explain(config)
    assert "hush" not in repr(config)
    assert "hush" not in repr(rows)
    assert ("env", "SECRET_KEY=***", "pyproject.toml") in rows
    assert ("pip_index_url", "***", "pyproject.toml") in rows


def test_a_usage_error_owns_its_exit_code(project) -> None:
    assert isinstance(refuse(project, timeout="x"), UsageError)
