"""The proxy of the replicas: what a primary sends is delayed or held back, and everything else passes at once."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from harness.errors import ServerError
from harness.host.lag.control import LagProxy, start_process
from tests.waiting import wait_for

LAG_S = 0.15
LONG_S = 600
"""A lag after which nothing arrives in time: no test depends on the speed of the machine."""


class Pair:
    """A connection through the proxy: the end of the primary, and that of the replica."""

    def __init__(self, proxy: LagProxy) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = proxy.listen("replica", "127.0.0.1", 0, ("127.0.0.1", listener.getsockname()[1]))
            self.replica = socket.create_connection(("127.0.0.1", port))
            self.primary, _ = listener.accept()
        for end in (self.primary, self.replica):
            end.settimeout(60)

    def took_s(self) -> float:
        """The seconds that a line of the primary takes to arrive."""
        start = time.monotonic()
        self.primary.sendall(b"row\n")
        assert self.replica.recv(100) == b"row\n"
        return time.monotonic() - start

    def is_silent(self) -> bool:
        self.replica.settimeout(LAG_S)
        try:
            return not self.replica.recv(100)
        except TimeoutError:
            return True
        finally:
            self.replica.settimeout(60)


@pytest.fixture
def ends() -> list[str]:
    return []


@pytest.fixture
def proxy(ends: list[str]) -> Iterator[LagProxy]:
    with closing(start_process(ends.append)) as proxy:
        yield proxy


@pytest.fixture
def pair(proxy: LagProxy) -> Iterator[Pair]:
    pair = Pair(proxy)
    yield pair
    pair.primary.close()
    pair.replica.close()


def test_all_passes_at_once_at_first(pair: Pair) -> None:
    assert pair.took_s() < LONG_S


def test_a_lag_delays_what_the_primary_sends(proxy: LagProxy, pair: Pair) -> None:
    proxy.lag("replica", LAG_S)
    assert pair.took_s() >= LAG_S


def test_a_shorter_lag_is_in_force_for_what_is_on_its_way(proxy: LagProxy, pair: Pair) -> None:
    proxy.lag("replica", LONG_S)
    pair.primary.sendall(b"row")
    assert pair.is_silent()
    proxy.lag("replica", 0)
    assert pair.replica.recv(100) == b"row"


def test_the_longest_lag_of_all_holders_counts(proxy: LagProxy, pair: Pair) -> None:
    proxy.lag("replica", LONG_S, "slot 1")
    proxy.lag("replica", LONG_S, "slot 2")
    proxy.lag("replica", 0, "slot 1")
    pair.primary.sendall(b"row")
    assert pair.is_silent()
    proxy.lag("replica", 0, "slot 2")
    assert pair.replica.recv(100) == b"row"


def test_a_lag_does_not_delay_what_the_replica_sends(proxy: LagProxy, pair: Pair) -> None:
    proxy.lag("replica", LONG_S)
    pair.replica.sendall(b"position\n")
    assert pair.primary.recv(100) == b"position\n"


def test_nothing_arrives_while_frozen_and_all_after_it(proxy: LagProxy, pair: Pair) -> None:
    proxy.freeze("replica")
    for row in (b"1", b"2", b"3"):
        pair.primary.sendall(row)
    assert pair.is_silent()
    proxy.thaw("replica")
    arrived = b""
    while len(arrived) < 3:
        arrived += pair.replica.recv(100)
    assert arrived == b"123"


def test_more_than_the_proxy_holds_back(proxy: LagProxy, pair: Pair) -> None:
    size = 80 << 20
    proxy.freeze("replica")
    sender = threading.Thread(target=pair.primary.sendall, args=(bytes(size),))
    sender.start()
    proxy.thaw("replica")
    received = 0
    while received < size:
        received += len(pair.replica.recv(1 << 20))
    sender.join()


def test_the_end_of_a_connection_comes_after_its_bytes(proxy: LagProxy, pair: Pair) -> None:
    proxy.lag("replica", LAG_S)
    pair.primary.sendall(b"last")
    pair.primary.close()
    assert (pair.replica.recv(100), pair.replica.recv(100)) == (b"last", b"")


def test_a_replica_that_closes_is_gone_for_the_primary(pair: Pair) -> None:
    pair.replica.close()
    assert pair.primary.recv(100) == b""


def test_a_wrong_command_is_an_error_and_not_the_end(proxy: LagProxy, pair: Pair) -> None:
    with pytest.raises(ServerError, match="refused freeze other"):
        proxy.freeze("other")
    assert pair.took_s() < LONG_S


def test_a_killed_proxy_is_reported_and_refuses_commands(ends: list[str]) -> None:
    with closing(start_process(ends.append)) as proxy:
        os.kill(int(proxy.id.rpartition(" ")[2]), signal.SIGKILL)
        with pytest.raises(ServerError, match="has ended"):
            proxy.freeze("replica")
        wait_for(lambda: ends == [proxy.id], "the end is reported")


def test_a_proxy_that_is_closed_is_not_reported(ends: list[str], proxy: LagProxy) -> None:
    proxy.close()
    proxy.close()
    assert ends == []
