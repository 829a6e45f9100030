"""PostgreSQL, as the host describes it."""

import re

import pytest

from harness.host.engines.postgres import POSTGRES


@pytest.mark.parametrize("name", ["shop", "Web User", 'a"b', "größe", "x" * 63])
def test_users_that_postgresql_accepts_stay(name: str) -> None:
    assert POSTGRES.user(name) == name


@pytest.mark.parametrize("name", ["pg_monitor", "public", "none", "x" * 64, "ö" * 32, "two\nlines"])
def test_users_that_it_refuses_are_replaced(name: str) -> None:
    assert POSTGRES.user(name) == "harness"


@pytest.mark.parametrize("name", ["test_shop", "a=b", "it's", "back\\slash", "two words"])
def test_a_schema_dump_takes_any_name_of_a_database(name: str) -> None:
    command = POSTGRES.dump_schema(name)
    assert command[:2] == ("pg_dump", "--schema-only")
    (dbname,) = [word.removeprefix("--dbname=") for word in command if word.startswith("--dbname=")]
    # libpq's quoting of a value is a shell's double quoting with single quotes
    assert re.sub(r"\\(.)", r"\1", dbname.removeprefix("dbname='").removesuffix("'")) == name


def test_the_token_of_a_dump_is_noise() -> None:
    dump = "\\restrict aBc123\n\nSET x = 1;\nSELECT '\\restrict';\n\\unrestrict aBc123\n"
    assert POSTGRES.schema_noise.sub("", dump) == "\nSET x = 1;\nSELECT '\\restrict';\n"


def test_the_exact_version_is_in_the_log() -> None:
    line = "2026-01-01 LOG:  starting PostgreSQL 17.11 (Debian 17.11-0+deb13u1) on x86_64-pc-linux-gnu"
    found = POSTGRES.version_line.search(line)
    assert found is not None
    assert found[1] == "17.11"


@pytest.mark.parametrize("key", ["service", "passfile", "sslmode", "sslrootcert", "host", "port", "assume_role"])
def test_options_that_name_the_old_server_are_dropped(key: str) -> None:
    assert key in POSTGRES.server_options


@pytest.mark.parametrize("key", ["options", "pool", "isolation_level", "server_side_binding", "connect_timeout"])
def test_options_of_the_project_stay(key: str) -> None:
    assert key not in POSTGRES.server_options


def test_a_new_database_gets_its_name_and_owner_as_words() -> None:
    assert POSTGRES.create_database('a"b', "it's")[-3:] == ("sh", 'a"b', "it's")
