from types import SimpleNamespace

from harness.protocol.events import PhaseProgressed
from harness.runner.databases.migration_errors import Progress


def test_a_migration_is_reported_every_two_seconds() -> None:
    now, reported = [0.0], list[PhaseProgressed]()
    progress = Progress(reported.append, lambda: now[0])
    connection = SimpleNamespace(alias="default")

    def step(at: float, migration: str) -> None:
        now[0] = at
        progress.step(connection, migration)

    progress.plan(connection, 4)
    step(0.1, "shop.0001")
    step(2.1, "shop.0002")
    step(2.2, "shop.0003")
    assert reported == [PhaseProgressed("template", "default: migration shop.0002", 2, 4)]
    now[0] = 4.0
    progress.tick()
    assert len(reported) == 1
    now[0] = 4.2  # a migration that begins just after a report is reported with a later statement
    progress.tick()
    progress.tick()
    assert reported[1:] == [PhaseProgressed("template", "default: migration shop.0003", 3, 4)]


def test_each_database_counts_its_own_migrations() -> None:
    reported: list[PhaseProgressed] = []
    clock = iter(range(0, 1000, 10))
    progress = Progress(reported.append, lambda: float(next(clock)))
    for alias, migrations in {"default": 2, "other": 1}.items():
        connection = SimpleNamespace(alias=alias)
        progress.plan(connection, migrations)
        for _ in range(migrations):
            progress.step(connection, "shop.0001")
    assert [(event.step, event.n, event.total) for event in reported] == [
        ("default: migration shop.0001", 1, 2),
        ("default: migration shop.0001", 2, 2),
        ("other: migration shop.0001", 1, 1),
    ]
