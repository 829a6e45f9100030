"""The error for a clone that the server refuses: the server's message, its statement, and a hint that does not guess."""

import contextlib

import pytest
from django.db.utils import OperationalError

from harness.errors import ServerError
from harness.runner.databases import clones


class Refused(Exception):
    sqlstate = ""


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch):
    """Makes cloning fail with a Django error caused by *error* of the driver, and returns the harness's error."""
    monkeypatch.setattr(clones, "server_connection", lambda alias: contextlib.closing(Connection()).thing)

    def clone(error, *args):
        with (
            pytest.raises(ServerError) as caught,
            clones._cloning(clones.TestDatabase("default", "test_shop"), 2),
        ):
            raise OperationalError(*args) from error
        return caught.value

    return clone


class Connection:
    def close(self) -> None:
        pass


def test_the_statement_is_the_evidence(refuse) -> None:
    refused = Refused()
    refused.add_note("CREATE TABLE x")
    error = refuse(refused, 6125, "Failed to add the foreign key constraint.")
    assert "test_shop_2" in error.message
    assert "Failed to add the foreign key constraint." in error.message
    assert error.evidence == "CREATE TABLE x"
    assert "connected" not in error.hint
    assert "report it" in error.hint


def test_a_lock_is_spoken_of_where_the_server_speaks_of_one(refuse) -> None:
    assert "holds a lock" in refuse(Refused(), 1205, "Lock wait timeout exceeded; try restarting transaction").hint
    in_use = Refused()
    in_use.sqlstate = "55006"
    assert "still connected" in refuse(in_use, 'source database "test_shop" is being accessed by other users').hint
