"""The texts about the sessions of a test that is out of time."""

from harness.runner.servers.sessions import ServerSession, describe

WAITING = ServerSession(7, "active", 3.96, "Lock transactionid", (6,), "UPDATE shop_account\nSET balance = 2")
HOLDING = ServerSession(6, "idle in transaction", 4.0, "", (), "UPDATE shop_account SET balance = 1")


def test_a_session_is_shown_with_its_wait_and_its_blocker() -> None:
    assert describe("default (test_shop_1), as its server sees it:", [HOLDING, WAITING]).splitlines()[:7] == [
        "default (test_shop_1), as its server sees it:",
        "  session 6: idle in transaction for 4.0 s",
        "    UPDATE shop_account SET balance = 1",
        "  session 7: active for 4.0 s, waits for Lock transactionid, held up by 6",
        "    UPDATE shop_account",
        "    SET balance = 2",
        "  Deadlock between two connections of this test: session 7 waits for what session 6 holds, and that one is idle in"
        " transaction: it will only go on when the test does.",
    ]


def test_two_waiting_sessions_are_no_deadlock_of_the_test() -> None:
    other = ServerSession(6, "active", 4.0, "Lock transactionid", (7,), "UPDATE a")
    assert "Deadlock" not in describe("", [other, WAITING])


def test_a_wait_for_a_foreign_session_is_no_deadlock() -> None:
    assert "Deadlock" not in describe("", [WAITING])


def test_a_long_statement_is_cut() -> None:
    long = ServerSession(1, "active", 0.0, "", (), "x" * 10_000)
    assert len(describe("", [long])) < 3000


def test_of_many_sessions_active_ones_come_first() -> None:
    idle = [ServerSession(number, "idle", 0.1, "", (), "") for number in range(100, 400)]
    lines = describe("title", [*idle, HOLDING, WAITING]).splitlines()
    assert [line.partition(":")[0] for line in lines if line.startswith("  session")][:3] == [
        "  session 6",
        "  session 7",
        "  session 100",
    ]
    assert "  and 282 more: 302 sessions in all, 300 of them idle" in lines
    assert len(lines) < 30
    assert "Deadlock" in lines[-1]
