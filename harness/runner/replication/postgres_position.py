"""Positions of PostgreSQL servers, in bytes of their write-ahead log (LSN)."""

from __future__ import annotations

from typing import Any

from ...errors import ServerError
from .. import unpatched

CHECK_EVERY_S = 0.5
"""Seconds of a wait between checks that the replica still replays: one that does not never arrives."""

CONNECT_S = 10.0
"""Seconds that a replica that has lost its primary may take to find it again; it tries every five seconds."""


def parse_lsn(text: str) -> int:
    """A ``pg_lsn`` as a number of bytes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


class NotReceivingError(ServerError):
    """A replica that has no connection to its primary, at the moment or for good."""


class WalStream:
    """Positions and waits of PostgreSQL, for ``catch_up.Link``. All cursors are the driver's."""

    def position(self, cursor: Any) -> int:
        """The flush LSN of the primary behind *cursor*."""
        # a commit returns when it is flushed: later WAL is not committed yet, and may stay unflushed for long
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        return parse_lsn(cursor.fetchone()[0])

    def is_covered(self, wanted: int, reached: int) -> bool:
        return wanted <= reached

    def wait(self, cursor: Any, wanted: int, deadline_s: float, primary: str) -> int | None:
        """The replay LSN of the replica behind *cursor*, once it is *wanted* or more; ``None`` if it is no replica."""
        began = unpatched.time.perf_counter()
        check_at = began + CHECK_EVERY_S
        pause = 0.0005
        while True:
            cursor.execute("SELECT pg_last_wal_replay_lsn()::text")
            text = cursor.fetchone()[0]
            if text is None:
                return None
            replayed = parse_lsn(text)
            if replayed >= wanted:
                return replayed
            waited = unpatched.time.perf_counter() - began
            if unpatched.time.perf_counter() > check_at:
                check_at += CHECK_EVERY_S
                self._raise_if_stopped(cursor, primary, has_lost=waited > CONNECT_S)
            if waited > deadline_s:
                raise ServerError(
                    f"The replica of {primary!r} did not catch up within {deadline_s:g} s.",
                    hint="Look at its log in the artifacts: something on it may hold back the replay.",
                    evidence=f"primary at byte {wanted}, replica at byte {replayed} of the WAL",
                )
            unpatched.time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def check(self, cursor: Any, primary: str) -> None:
        """Raise ``ServerError`` if the replay of the replica behind *cursor* has been paused; a replay that fails ends the
        replica.

        Raises ``NotReceivingError`` for a replica that has lost its primary, for now at least.
        """
        self._raise_if_stopped(cursor, primary, has_lost=True)

    def _raise_if_stopped(self, cursor: Any, primary: str, *, has_lost: bool) -> None:
        cursor.execute(
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END,"
            " EXISTS (SELECT FROM pg_stat_wal_receiver)"
        )
        is_paused, receives = cursor.fetchone()
        if is_paused or (has_lost and not receives):
            what, error = ("applying", ServerError) if is_paused else ("receiving", NotReceivingError)
            raise error(
                f"The replica of {primary!r} has stopped {what} what its primary sends.",
                hint="Its log is in the artifacts. pg_wal_replay_pause() does that, and a role or a slot that was taken away.",
            )
