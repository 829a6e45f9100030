"""The choice of databases in memory: all that fit, with a notice for those that do not."""

from harness.host.config.databases import DbSpec
from harness.host.config.servers import ServerConfig
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL
from harness.host.planning.placement import DATABASES_BYTES, RUNNER_BYTES, place
from harness.host.planning.plan import make_plan
from harness.protocol.topology import Alias, TestOptions, Topology

PLENTY = 64 << 30


def alias(name: str, host: str, mirror: str | None = None) -> Alias:
    return Alias(
        name, "django.db.backends.mysql", "mysql", "shop", host, "", "u", f"test_{name}", TestOptions(mirror=mirror)
    )


PAIR = make_plan(Topology((alias("default", "a"), alias("replica", "b", "default"))), (DbSpec("mysql"),)).servers
TWO = make_plan(
    Topology((alias("default", "a"), alias("replica", "b", "default"), alias("other", "c"))),
    (DbSpec("mysql", None, "default"), DbSpec("mariadb", None, "other")),
).servers
NEEDED = 2 * (MYSQL.memory_bytes + DATABASES_BYTES)


def test_databases_that_fit_are_in_memory_without_a_notice() -> None:
    placed = place(PAIR, {}, PLENTY)
    assert (placed.on_disk, placed.sizes, placed.notices) == (frozenset(), {}, ())


def test_an_engine_of_unknown_memory_counts_as_large_enough() -> None:
    assert place(PAIR, {}, 0).on_disk == frozenset()


def test_a_notice_names_the_machine_that_lacks_the_memory() -> None:
    there, here = (place(PAIR, {}, 1 << 20, is_local=is_local).notices[0].text for is_local in (False, True))
    assert "on the engine's disk" in there
    assert "on this machine's disk" in here
    assert "/dev/shm has 1 MB free" in here


def test_the_last_byte_counts() -> None:
    assert place(PAIR, {}, NEEDED + RUNNER_BYTES).on_disk == frozenset()
    assert place(PAIR, {}, NEEDED + RUNNER_BYTES - 1).on_disk == {"mysql"}


def test_databases_that_do_not_fit_are_on_disk_with_a_notice() -> None:
    placed = place(PAIR, {}, 1 << 30)
    (notice,) = placed.notices
    assert notice.code == "databases-on-disk"
    for part in ("mysql:", f"{NEEDED >> 20} MB", "1024 MB", "memory_size", "[tool.harness.servers.mysql]"):
        assert part in notice.text


def test_a_size_is_passed_on_and_counts_for_each_server() -> None:
    configs = {"mysql": ServerConfig(memory_size=2 << 30)}
    assert place(PAIR, configs, PLENTY).sizes == {"mysql": 2 << 30}
    placed = place(PAIR, configs, 4 << 30)
    assert (set(placed.on_disk), dict(placed.sizes)) == ({"mysql"}, {})


def test_a_configured_disk_gives_no_notice_and_takes_no_memory() -> None:
    placed = place(PAIR, {"mysql": ServerConfig(in_memory=False)}, 1 << 30)
    assert (set(placed.on_disk), placed.notices) == ({"mysql"}, ())


def test_the_largest_engine_goes_to_disk_first() -> None:
    alone = MARIADB.memory_bytes + DATABASES_BYTES + RUNNER_BYTES
    assert place(TWO, {}, alone).on_disk == {"mysql"}
    assert place(TWO, {}, alone - 1).on_disk == {"mysql", "mariadb"}
    assert len(place(TWO, {}, alone - 1).notices) == 2
