import contextlib
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
            clones._session("default", "The clone 'test_shop_2' could not be made"),
        ):
            raise OperationalError(*args) from error
        return caught.value

    return clone


class Connection:
    wrap_database_errors = contextlib.nullcontext()

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


def test_a_server_that_refuses_the_session_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_session(_alias: str) -> None:
        raise OperationalError(2003, "Can't connect to server on 'default'")

    monkeypatch.setattr(clones, "server_connection", refuse_session)
    with (
        pytest.raises(ServerError, match=r"could not be read: .*Can't connect"),
        clones._session("default", "The template 'test_shop' could not be read"),
    ):
        pass
