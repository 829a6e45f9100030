"""The libraries that a wheel's programs need."""

from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.local.binaries import libraries
from harness.host.local.binaries.machine import Machine
from harness.host.local.binaries.wheels import wheels_of

(WHEEL,) = wheels_of("15")
DEBIAN = Machine(installer="apt-get", distribution="debian", suite="bookworm", libc="glibc 2.36")


@pytest.mark.parametrize(
    ("machine", "names", "words"),
    [
        (
            DEBIAN,
            ["libssl.so.3", "libcrypto.so.3"],
            "or these libraries: sudo apt-get update && sudo apt-get",
        ),
        (DEBIAN, ["libunheard.so.1"], "or these libraries: the packages of your system that have them."),
        (Machine(installer="dnf"), ["libxml2.so.2"], "or these libraries: the packages of your system that have them."),
        (DEBIAN, [], "Install PostgreSQL 15 itself, so that postgres is in PATH."),
    ],
)
def test_the_next_step_brings_what_is_missing(machine: Machine, names: list[str], words: str) -> None:
    error = libraries.error(WHEEL, names, "cannot execute", machine)
    assert error.exit_code is ExitCode.SERVERS
    assert words in error.hint
    assert all(name in error.message for name in names)
    assert error.evidence == ("" if names else "cannot execute")


def test_the_loader_names_what_is_missing() -> None:
    assert libraries.lacking([Path("/bin/sh")], {}) == []
