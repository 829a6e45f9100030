from collections.abc import Callable

import pytest
from django.db.utils import OperationalError

from harness.errors import ServerError
from harness.runner.databases import clones

Refuse = Callable[..., ServerError]


class Refused(Exception):
    sqlstate = ""


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """A function that fails a cloning by a driver's error and Django's, and returns the harness's error."""
    monkeypatch.setattr(clones, "server_connection", lambda alias: Connection())

    def clone(error: BaseException, *args: object) -> ServerError:
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


def test_the_statement_is_the_evidence(refuse: Refuse) -> None:
    refused = Refused()
    refused.add_note("CREATE TABLE x")
    error = refuse(refused, 6125, "Failed to add the foreign key constraint.")
    assert "test_shop_2" in error.message
    assert "Failed to add the foreign key constraint." in error.message
    assert error.evidence == "CREATE TABLE x"
    assert "connected" not in error.hint
    assert "report it" in error.hint


def test_the_hint_names_a_lock_when_the_server_does(refuse: Refuse) -> None:
    assert "holds a lock" in refuse(Refused(), 1205, "Lock wait timeout exceeded; try restarting transaction").hint
    in_use = Refused()
    in_use.sqlstate = "55006"
    assert "still connected" in refuse(in_use, 'source database "test_shop" is being accessed by other users').hint
