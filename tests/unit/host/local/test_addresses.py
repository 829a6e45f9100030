"""Addresses of local servers: each its own, the same each time, and free."""

import ipaddress
import socket

from hypothesis import given
from hypothesis import strategies as st

from harness.host.local.addresses import address_of, free_endpoint

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


class TestAddress:
    @given(NAMES, NAMES)
    def test_it_is_one_of_the_loopback_network_and_not_the_systems(self, run: str, host: str) -> None:
        address = ipaddress.ip_address(address_of(run, host))
        assert address in ipaddress.ip_network("127.0.0.0/8")
        assert address not in ipaddress.ip_network("127.0.0.0/16")
        assert str(address).rpartition(".")[2] not in ("0", "255")

    def test_two_servers_and_two_runs_have_different_ones(self) -> None:
        names = [("a", "default"), ("a", "replica"), ("b", "default"), ("ad", "efault")]
        assert len({address_of(*each) for each in names}) == len(names)
        assert address_of("a", "default") == address_of("a", "default")


class TestEndpoint:
    def test_it_has_the_engines_port_where_that_is_free(self) -> None:
        assert free_endpoint("run", "default", 54399) == (address_of("run", "default"), 54399)

    def test_another_port_where_a_server_listens_on_all_addresses(self) -> None:
        with socket.socket() as everywhere:
            everywhere.bind(("", 0))
            everywhere.listen()
            taken = everywhere.getsockname()[1]
            address, port = free_endpoint("run", "default", taken)
        assert address == address_of("run", "default")
        assert port not in (taken, 0)
