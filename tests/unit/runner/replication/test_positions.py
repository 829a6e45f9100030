import pytest

from harness.runner.replication import positions
from harness.runner.replication.positions import GtidPositions, Health, dialect_of, health_of


@pytest.mark.parametrize(
    ("version", "mode", "expected"),
    [
        ("11.8.6-MariaDB-0+deb13u1 from Debian-log", "", positions.MARIADB),
        ("10.11.14-MariaDB-log", "", positions.MARIADB),
        ("9.7.4-2", "ON", positions.MYSQL),
        ("8.0.36", "ON_PERMISSIVE", positions.MYSQL),
        ("9.7.4-2", "OFF", positions.MYSQL_FILES),
        ("8.4.0", "off", positions.MYSQL_FILES),
        ("8.0.36", "OFF", positions.MYSQL_FILES_OLD),
    ],
)
def test_the_version_decides_the_dialect(version: str, mode: str, expected: positions.Dialect) -> None:
    assert dialect_of(version, mode) == expected


def test_a_replica_that_runs_has_not_stopped() -> None:
    status = {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Replica_SQL_Running_State": "waiting"}
    assert health_of(status) == Health("", "", "waiting")


def test_a_replica_that_connects_has_not_stopped() -> None:
    assert not health_of({"Slave_IO_Running": "Connecting", "Slave_SQL_Running": "Yes"}).stopped


def test_mariadb_reports_the_statement() -> None:
    status = {
        "Slave_IO_Running": "Yes",
        "Slave_SQL_Running": "No",
        "Last_SQL_Errno": 1051,
        "Last_SQL_Error": "Error 'Unknown table' on query. Query: 'DROP TABLE x'",
    }
    expected = "error 1051: Error 'Unknown table' on query. Query: 'DROP TABLE x'"
    assert health_of(status) == Health("applying", expected, "")


def test_errors_of_mysqls_workers_come_first() -> None:
    status = {"Replica_SQL_Running": "No", "Last_SQL_Errno": 3030, "Last_SQL_Error": "a worker has failed"}
    health = health_of(status, [(1146, "Query: 'DROP TABLE x'")])
    assert health.error == "error 1146: Query: 'DROP TABLE x'\nerror 3030: a worker has failed"


def test_a_replica_that_no_longer_receives_has_stopped() -> None:
    status = {"Replica_IO_Running": "No", "Replica_SQL_Running": "Yes", "Last_IO_Error": "Got fatal error 1236"}
    assert health_of(status) == Health("receiving", "Got fatal error 1236", "")


def test_the_position_of_an_empty_primary_is_covered() -> None:
    gtids = GtidPositions()
    assert gtids.is_covered(("",), ("0-1-1",))
    assert gtids.is_covered(("0-1-2",), ("0-1-2",))
    assert not gtids.is_covered(("0-1-3",), ("0-1-2",))
