import dataclasses
from pathlib import Path

from harness.host.config.options import OPTIONS, Config, explain
from tests.unit.host.config.conftest import load


class TestOptions:
    def test_every_field_is_an_option_or_derived(self) -> None:
        derived = {"sources", "pythons", "artifacts_root", "given", "script"}
        assert {option.key for option in OPTIONS} == {field.name for field in dataclasses.fields(Config)} - derived

    def test_keys_variables_and_flags_are_unique(self) -> None:
        for names in (
            [option.key for option in OPTIONS],
            [option.variable for option in OPTIONS if option.variable],
            [flag for option in OPTIONS for flag in option.flags],
        ):
            assert len(names) == len(set(names))

    def test_every_key_has_a_variable_unless_it_cannot(self) -> None:
        for option in OPTIONS:
            assert option.is_file_only != bool(option.variable)
            assert not (option.is_file_only and option.flags)
            assert option.in_file or option.flags


class TestNegated:
    def test_the_flag_switches_off_and_the_key_both_ways(self, project: Path) -> None:
        assert load(project, "").cache
        assert not load(project, "", cache=False).cache
        assert not load(project, "cache = false").cache
        assert load(project, "cache = false", cache=False).sources["cache"] == "--no-cache"


class TestExplain:
    def test_it_names_every_key_and_its_source(self, project: Path) -> None:
        rows = explain(load(project, "timeout = 60", shuffle="7", db=("postgres:17",)))
        assert [key for key, _, _ in rows] == [option.key for option in OPTIONS]
        assert ("timeout", "60.0", "pyproject.toml") in rows
        assert ("shuffle", "7", "--shuffle") in rows
        assert ("db", "postgres:17", "--db") in rows
        assert ("install", "-", "default") in rows

    def test_secrets_are_neither_in_it_nor_in_the_repr(self, project: Path) -> None:
        config = load(
            project,
            """
            env = { SECRET_KEY = "hush" }
            pip_index_url = "https://me:hush@packages.example/simple"
            pip_extra_index_urls = ["https://me:hush@packages.example/simple"]
            http_proxy = "http://me:hush@proxy.example"
            """,
        )
        rows = explain(config)
        assert "hush" not in repr(config)
        assert "hush" not in repr(rows)
        assert ("env", "SECRET_KEY=***", "pyproject.toml") in rows
        assert ("pip_index_url", "***", "pyproject.toml") in rows
