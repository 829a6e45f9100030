import pytest

from harness.runner.sql.known_errors import advice

OF_17 = """extension "{0}" is not available
DETAIL:  Could not open extension control file "/usr/share/postgresql/17/extension/{0}.control": No such file or directory.
HINT:  The extension must first be installed on the system where PostgreSQL is running."""


def test_an_error_of_a_gtid_primary_names_the_option() -> None:
    error = Exception(1785, "Statement violates ...")
    assert 'replication = "position" in [tool.harness.servers.mysql]' in advice(error)


@pytest.mark.parametrize(
    ("text", "package"),
    [
        (OF_17.format("postgis"), "postgresql-17-postgis-3"),
        (OF_17.format("postgis_topology"), "postgresql-17-postgis-3"),
        (OF_17.format("vector"), "postgresql-17-pgvector"),
        (OF_17.format("pg_cron"), "postgresql-17-cron"),
        (
            'could not open extension control file "/usr/share/postgresql/15/extension/hypopg.control": No',
            "postgresql-15-hypopg",
        ),
    ],
)
def test_a_missing_extension_names_its_package(text: str, package: str) -> None:
    assert f'apt = ["{package}"] in [tool.harness.servers.postgres]' in advice(Exception(text))


def test_a_missing_template_is_named() -> None:
    error = Exception('template database "template_postgis" does not exist')
    assert "have no template_postgis: leave TEST['TEMPLATE'] out" in advice(error)


@pytest.mark.parametrize("error", [Exception(1146, "no such table"), Exception(), Exception("no extension")])
def test_other_errors_have_no_advice(error: Exception) -> None:
    assert advice(error) == ""
