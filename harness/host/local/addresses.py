"""The addresses of local servers: each has one of its own in the loopback network, where the system has more than 127.0.0.1."""

from __future__ import annotations

import hashlib
import socket

LOCALHOST = "127.0.0.1"


def address_of(run: str, host: str) -> str:
    """An address of the loopback network for the server *host* of *run*, the same each time. Not one of 127.0.0.0/16, where
    systems have their own: 127.0.0.1, 127.0.0.53, 127.0.1.1.
    """
    digest = hashlib.sha256(f"{run}\0{host}".encode()).digest()
    return f"127.{1 + digest[0] % 254}.{digest[1]}.{1 + digest[2] % 254}"


def free_endpoint(run: str, host: str, port: int) -> tuple[str, int]:
    """The address and a free port for a server: *port*, the engine's own, unless another process listens on it everywhere."""
    for address, wanted in ((address_of(run, host), port), (address_of(run, host), 0), (LOCALHOST, 0)):
        if found := _free_port(address, wanted):
            return address, found
    raise OSError(f"No port is free on {LOCALHOST}.")


def _free_port(address: str, port: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers set it
        try:
            probe.bind((address, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])
