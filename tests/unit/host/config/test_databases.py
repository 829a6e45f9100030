from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.databases import DbSpec
from tests.unit.host.config.conftest import load, refuse, text_of


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
def test_a_backend_is_read(project: Path, text: str, spec: DbSpec) -> None:
    assert load(project, db=(text,)).db == (spec,)


@pytest.mark.parametrize("text", ["default=postgres:15", "postgres"])
def test_a_backend_prints_as_it_is_written(project: Path, text: str) -> None:
    assert str(load(project, db=(text,)).db[0]) == text


def test_an_alias_has_a_backend_beside_that_of_the_others(project: Path) -> None:
    config = load(project, db=("postgres:17", "catalog=postgres:15"))
    assert config.db == (DbSpec("postgres", "17"), DbSpec("postgres", "15", "catalog"))


def test_several_backends_are_runs_in_their_order(project: Path) -> None:
    config = load(project, 'db = ["sqlite", "postgres:18", "postgres", "mysql"]')
    assert [str(spec) for spec in config.db] == ["sqlite", "postgres:18", "postgres", "mysql"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgrs", ("--db", "'postgrs'", "Did you mean 'postgres'?", "postgres 15, 17, 18; mysql 9.7")),
        ("oracle", ("--db", "'oracle'", "postgres 15, 17, 18")),
        ("postgres:9", ("--db", "version '9' of postgres", "postgres 15, 17, 18")),
        ("postgres:", ("version ''", "postgres 15, 17, 18")),
        ("sqllite", ("'sqllite'", "Did you mean 'sqlite'?", "mariadb 10.11, 11.8; sqlite")),
        ("sqlite:3", ("'sqlite:3'", "version of SQLite", "write sqlite")),
        ("a=sqlite:", ("'a=sqlite:'", "write sqlite")),
        ("=postgres", ("no alias", "ALIAS=ENGINE:VERSION")),
        ("", ("--db",)),
    ],
)
def test_an_unknown_backend_is_refused(project: Path, text: str, words: tuple[str, ...]) -> None:
    error = refuse(project, db=(text,))
    assert error.exit_code == ExitCode.USAGE
    for word in words:
        assert word in text_of(error)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("postgres:17", "postgres:17"), "the same backend twice: postgres:17."),
        (("postgres", "sqlite", "postgres:17"), "the same backend twice: postgres and postgres:17."),
        (("postgres:17", "postgresql"), "the same backend twice: postgres:17 and postgres."),
        (("sqlite", "sqlite3"), "the same backend twice: sqlite."),
        (("default=postgres:15", "default=postgres:17"), "default=postgres:15 and default=postgres:17"),
    ],
)
def test_one_backend_or_alias_twice_is_refused(project: Path, texts: tuple[str, ...], message: str) -> None:
    error = refuse(project, db=texts)
    assert error.exit_code == ExitCode.USAGE
    assert message in error.message
