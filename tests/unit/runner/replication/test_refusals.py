from types import SimpleNamespace
from typing import Any

import pytest

from harness.runner.replication.refusals import explain, is_refused_write


def raised(*args: Any, **attributes: Any) -> Exception:
    driver = type("DriverError", (Exception,), attributes)(*args)
    error = Exception(*args)
    error.__cause__ = driver
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised("cannot execute INSERT in a read-only transaction", sqlstate="25006"), True),
        (raised("cannot execute INSERT in a read-only transaction", pgcode="25006"), True),
        (raised("duplicate key", sqlstate="23505"), False),
        (raised(1290, "The MySQL server is running with the --super-read-only option"), True),
        (raised(1792, "Cannot execute statement in a READ ONLY transaction"), True),
        (raised(1062, "Duplicate entry"), False),
        (raised("attempt to write a readonly database"), True),
        (raised(SimpleNamespace()), False),
        (raised(), False),
        (ValueError("a driver's"), False),
    ],
)
def test_is_refused_write(error: Exception, *, expected: bool) -> None:
    assert is_refused_write(error) is expected


def test_a_refused_write_names_alias_statement_and_line() -> None:
    error = raised(1290, "read-only")
    explain("replica", "default", "INSERT  INTO t\nVALUES (1)", error)
    (note,) = error.__notes__
    assert "'replica' is a mirror of 'default'" in note
    assert "Sent by tests/unit/runner/replication/test_refusals.py:" in note
    assert "in test_a_refused_write_names_alias_statement_and_line: INSERT INTO t VALUES (1)" in note
    assert ".using('default')" in note


def test_another_error_gets_no_note() -> None:
    error = raised(1062, "Duplicate entry")
    explain("replica", "default", "INSERT INTO t VALUES (1)", error)
    assert not hasattr(error, "__notes__")
