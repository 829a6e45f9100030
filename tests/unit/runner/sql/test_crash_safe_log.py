from __future__ import annotations

import pytest

from harness.runner.sql.crash_safe_log import CONNECT, Trail


@pytest.fixture
def trail():
    trail = Trail()
    trail.clear()
    return trail


def sql(statements):
    return [statement.sql for statement in statements]


def test_a_statement_without_an_answer_is_waiting(trail) -> None:
    trail.ended(trail.sends(0.1, "default", "primary", "SELECT 1", None), 0.2)
    trail.sends(0.3, "default", "primary", "SELECT 2", (7,))
    sent, waiting = trail.statements()
    assert sql(sent) == ["SELECT 1", "SELECT 2"]
    assert sql(waiting) == ["SELECT 2"]
    assert waiting[0].parameters == "(7,)"


def test_an_opening_connection_is_waiting(trail) -> None:
    trail.sends(0.1, "default", "primary", CONNECT, None)
    assert tuple(map(sql, trail.statements())) == ([CONNECT], [CONNECT])


def test_an_open_connection_is_no_statement(trail) -> None:
    trail.ended(trail.sends(0.1, "default", "primary", CONNECT, None), 0.2)
    assert trail.statements() == ((), ())
