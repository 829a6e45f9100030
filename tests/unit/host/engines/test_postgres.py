"""PostgreSQL, as the host describes it."""

import re
import shlex

import pytest

from harness.host import engines
from harness.host.engines import Boot
from harness.host.engines.postgres import POSTGRES, environment, user
from harness.host.images import recipe


def text_of(name: str) -> str:
    """The file *name* of the recipe, as the image has it."""
    return dict(recipe.load("postgres").files)[name].decode()


def test_the_versions_that_users_can_ask_for() -> None:
    assert engines.KNOWN["postgres"] == ("15", "17", "18")
    assert POSTGRES.default_version == "17"
    assert {each.version: (each.image, each.suite) for each in POSTGRES.releases} == {
        "15": ("postgres:15", "bookworm"),
        "17": ("postgres:17", "trixie"),
        "18": ("postgres:18", "sid"),
    }
    with pytest.raises(KeyError):
        POSTGRES.release("9.6")


def test_an_engine_is_found_by_the_vendor_of_djangos_backend() -> None:
    assert engines.for_vendor("postgresql") is POSTGRES
    assert engines.for_vendor("oracle") is None


def test_a_primary_gets_its_users_and_a_replica_its_primary() -> None:
    primary = environment(Boot("primary", "secret", ("shop", 'Web "User"')))
    replica = environment(Boot("replica", "secret", ("shop",), "default"))
    assert primary["HARNESS_ROLE"] == "primary"
    assert primary["HARNESS_USERS"] == 'shop\nWeb "User"'
    assert "HARNESS_PRIMARY" not in primary
    assert (replica["HARNESS_ROLE"], replica["HARNESS_PRIMARY"]) == ("replica", "default")
    assert "HARNESS_USERS" not in replica
    assert primary["HARNESS_PASSWORD"] == replica["HARNESS_PASSWORD"] == "secret"


def test_the_entry_script_reads_the_variables_of_a_server() -> None:
    given = {**environment(Boot("primary", "s")), **environment(Boot("replica", "s", (), "p"))}
    assert set(given) == set(re.findall(r"HARNESS_[A-Z]+", text_of("entry.sh") + text_of("server.sh")))


def test_the_entry_script_prints_the_line_of_a_ready_server() -> None:
    (printed,) = re.findall(r'echo "(harness: ready)"', text_of("entry.sh"))
    assert POSTGRES.ready.search(f"a line\n{printed}\n")
    assert not POSTGRES.ready.search("STATEMENT:  SELECT 'harness: ready'")


def test_the_password_is_not_in_a_boots_representation() -> None:
    assert "secret" not in repr(Boot("primary", "secret"))


@pytest.mark.parametrize("name", ["shop", "Web User", 'a"b', "größe", "x" * 63])
def test_users_that_postgresql_takes_are_kept(name: str) -> None:
    assert user(name) == name


@pytest.mark.parametrize("name", ["", "pg_monitor", "public", "none", "x" * 64, "ö" * 32, "two\nlines"])
def test_users_that_it_would_not_take_are_ours(name: str) -> None:
    assert user(name) == "harness"


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
def test_options_of_the_project_are_kept(key: str) -> None:
    assert key not in POSTGRES.server_options


def test_the_recipe_holds_what_its_dockerfile_copies() -> None:
    files = {path for path, _ in recipe.load("postgres").files}
    (copied,) = re.findall(r"^COPY (.+) /opt/harness/$", text_of("Dockerfile"), re.MULTILINE)
    assert set(shlex.split(copied)) <= files
    assert "debian.Dockerfile" in files
