"""Values of flags, variables and files, and the errors for wrong ones."""

from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.command_line import django_args
from harness.protocol.messages import Lag
from tests.unit.host.config.conftest import load, refuse


class TestGoodValues:
    @pytest.mark.parametrize(
        ("toml", "args"),
        [("true", ["--shuffle"]), ("false", []), ("0", ["--shuffle=0"]), ("1", ["--shuffle=1"]), ("-7", ["--shuffle=-7"])],
    )  # fmt: skip
    def test_shuffle_in_the_file(self, project: Path, toml: str, args: list[str]) -> None:
        assert list(django_args(load(project, f"shuffle = {toml}"))) == [*args, "--verbosity=1"]

    @pytest.mark.parametrize(
        ("text", "args"), [("true", ["--shuffle"]), ("off", []), ("1", ["--shuffle=1"]), ("42", ["--shuffle=42"])]
    )
    def test_shuffle_as_text(self, project: Path, text: str, args: list[str]) -> None:
        assert list(django_args(load(project, shuffle=text))) == [*args, "--verbosity=1"]

    def test_parallel(self, project: Path) -> None:
        assert load(project, "parallel = 'auto'", parallel="4").parallel == 4
        assert load(project, "parallel = 3").parallel == 3
        assert load(project, "parallel = 3", parallel="auto").parallel is None

    @pytest.mark.parametrize(
        ("text", "lag", "shown"),
        [
            ("sync", Lag(), "sync"),
            ("natural", Lag("natural"), "natural"),
            ("frozen", Lag("frozen"), "frozen"),
            ("500ms", Lag("delayed", 0.5), "500ms"),
            ("2s", Lag("delayed", 2.0), "2000ms"),
            ("0.25s", Lag("delayed", 0.25), "250ms"),
            ("20s", Lag("delayed", 20.0), "20000ms"),
        ],
    )
    def test_replica_lag(self, project: Path, text: str, lag: Lag, shown: str) -> None:
        assert load(project, f"replica_lag = {text!r}").replica_lag == lag
        config = load(project, environ={"HARNESS_REPLICA_LAG": text})
        assert (config.replica_lag, str(config.replica_lag)) == (lag, shown)

    def test_lists_in_variables_are_split_at_white_space(self, project: Path) -> None:
        config = load(project, environ={"HARNESS_EXCLUDE_TAG": "slow  network\n", "HARNESS_APT": "libxml2 gettext"})
        assert config.exclude_tag == ("slow", "network")
        assert config.apt == ("libxml2", "gettext")

    def test_a_variable_switches_off_an_option_of_the_file(self, project: Path) -> None:
        assert load(project, "failfast = true", {"HARNESS_FAILFAST": "off"}).failfast is False


class TestWrongValues:
    @pytest.mark.parametrize(
        ("toml", "words"),
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
            ("replica_lag = 'slow'", ("natural, frozen, or a duration", "'slow'")),
            ("replica_lag = 'delayed'", ("a duration", "'delayed'")),
            ("replica_lag = '0ms'", ("a duration", "'0ms'")),
            ("replica_lag = '500'", ("a duration", "'500'")),
            ("replica_lag = '-1s'", ("a duration", "'-1s'")),
            ("replica_lag = '1m'", ("a duration", "'1m'")),
            ("replica_lag = '21s'", ("at most 20s", "'21s'")),
            ("replica_lag = 0.5", ("a duration", "0.5, a float")),
            ("fail_on_flaky = 1", ("true or false", "1, an integer")),
            ("runner = 'docker'", ("one of container, host", "'docker'")),
            ("parallel = 0", ("1 or more", "0")),
            ("parallel = '4'", ("1 or more", "'4', a string")),
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
            ("artifacts = ' '", ("artifacts in", "a path", "' '")),
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
    def test_in_the_file(self, project: Path, toml: str, words: tuple[str, ...]) -> None:
        error = refuse(project, toml)
        assert error.exit_code == ExitCode.USAGE
        for word in (*words, str(project / "pyproject.toml")):
            assert word in error.message

    @pytest.mark.parametrize(
        ("key", "text", "words"),
        [
            ("timeout", "soon", ("--timeout", "seconds", "'soon'")),
            ("timeout", "-1", ("--timeout", "-1")),
            ("timeout", "nan", ("--timeout", "nan")),
            ("retries", "two", ("--retries", "'two'")),
            ("parallel", "many", ("--parallel", "'many'")),
            ("shuffle", "maybe", ("--shuffle", "'maybe'")),
            ("shuffle", "", ("--shuffle", "''")),
            ("verbosity", "9", ("--verbosity", "9")),
            ("mirrors", "both", ("--mirrors", "auto, strict, primary, replica", "'both'")),
        ],
    )
    def test_in_a_flag(self, project: Path, key: str, text: str, words: tuple[str, ...]) -> None:
        error = refuse(project, "", None, **{key: text})
        assert error.exit_code == ExitCode.USAGE
        for word in words:
            assert word in error.message

    def test_in_a_variable(self, project: Path) -> None:
        error = refuse(project, environ={"HARNESS_FAIL_ON_FLAKY": "perhaps"})
        assert "HARNESS_FAIL_ON_FLAKY: expected true or false; seen 'perhaps'" in error.message


class TestUnknownKeys:
    @pytest.mark.parametrize(
        ("key", "suggestion"),
        [("timeot", "timeout"), ("fail-on-flaky", "fail_on_flaky"), ("tags", "tag"), ("PYTHON", "python")],
    )
    def test_the_nearest_key_is_suggested(self, project: Path, key: str, suggestion: str) -> None:
        error = refuse(project, f"{key} = 1")
        assert error.exit_code == ExitCode.USAGE
        assert repr(key) in error.message
        assert str(project / "pyproject.toml") in error.message
        assert error.hint == f"Did you mean {suggestion!r}?"

    def test_without_a_near_key_all_are_listed(self, project: Path) -> None:
        error = refuse(project, "xyzzy = 1")
        assert "timeout" in error.hint
        assert "junit_strict" in error.hint

    def test_the_project_cannot_be_named_in_its_own_file(self, project: Path) -> None:
        assert "--project" in refuse(project, "project = '.'").hint


class TestReplicaLag:
    @pytest.mark.parametrize("lag", ["500ms", "frozen"])
    def test_kept_servers_have_none(self, project: Path, lag: str) -> None:
        error = refuse(project, f"replica_lag = {lag!r}", keepdb=True)
        assert f"--replica-lag {lag}" in error.message
        assert error.exit_code is ExitCode.USAGE

    @pytest.mark.parametrize("lag", ["sync", "natural"])
    def test_kept_servers_serve_where_nothing_is_held_up(self, project: Path, lag: str) -> None:
        assert load(project, f"replica_lag = {lag!r}", keepdb=True).keepdb


class TestLagCheck:
    def test_duration(self, project: Path) -> None:
        assert load(project).lag_check is None
        assert load(project, "lag_check = '500ms'").lag_check == 0.5
        assert "a duration such as" in refuse(project, "lag_check = 'natural'").message

    def test_it_is_no_check_where_all_replicas_are_late(self, project: Path) -> None:
        error = refuse(project, "lag_check = '1s'\nreplica_lag = 'natural'")
        assert "--replica-lag natural" in error.message

    def test_kept_servers_have_no_lag(self, project: Path) -> None:
        assert "--lag-check needs" in refuse(project, "lag_check = '1s'", keepdb=True).message

    def test_nothing_fails_on_a_lag_that_is_not_checked(self, project: Path) -> None:
        assert "--lag-check 500ms" in refuse(project, "fail_on_lag = true").hint

    def test_servers_are_ready_to_be_late(self, project: Path) -> None:
        assert not load(project).needs_lag_proxy
        assert load(project, "lag_check = '1s'").needs_lag_proxy
