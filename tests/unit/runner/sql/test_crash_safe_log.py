from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.protocol.results import Statement
from harness.runner.sql.crash_safe_log import CONNECT, CrashSafeLog


@pytest.fixture
def crash_log() -> CrashSafeLog:
    log = CrashSafeLog()
    log.clear()
    return log


def sql_of(statements: Sequence[Statement]) -> list[str]:
    return [statement.sql for statement in statements]


def test_a_statement_without_an_answer_is_waiting(crash_log: CrashSafeLog) -> None:
    crash_log.record_answer(crash_log.record_sent(0.1, "default", "primary", "SELECT 1", None), 0.2)
    crash_log.record_sent(0.3, "default", "primary", "SELECT 2", (7,))
    sent, waiting = crash_log.statements()
    assert sql_of(sent) == ["SELECT 1", "SELECT 2"]
    assert sql_of(waiting) == ["SELECT 2"]
    assert waiting[0].parameters == "(7,)"


def test_an_opening_connection_is_waiting(crash_log: CrashSafeLog) -> None:
    crash_log.record_sent(0.1, "default", "primary", CONNECT, None)
    sent, waiting = crash_log.statements()
    assert sql_of(sent) == sql_of(waiting) == [CONNECT]


def test_an_open_connection_is_no_statement(crash_log: CrashSafeLog) -> None:
    crash_log.record_answer(crash_log.record_sent(0.1, "default", "primary", CONNECT, None), 0.2)
    assert crash_log.statements() == ((), ())
