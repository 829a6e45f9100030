"""The times at which the migration being applied is reported."""

from types import SimpleNamespace

from harness.protocol.events import PhaseProgressed
from harness.runner.databases.migration_errors import Progress


def test_the_migration_at_hand_is_told_every_two_seconds() -> None:
    now, told = [0.0], []
    progress = Progress(told.append, lambda: now[0])
    connection = SimpleNamespace(alias="default")

    def step(at: float, migration: str) -> None:
        now[0] = at
        progress.step(connection, migration)

    progress.plan(connection, 4)
    step(0.1, "shop.0001")
    step(2.1, "shop.0002")
    step(2.2, "shop.0003")
    assert told == [PhaseProgressed("template", "default: migration shop.0002", 2, 4)]
    now[0] = 4.0
    progress.tick()
    assert len(told) == 1
    now[0] = 4.2  # a long one that began just after another was told is told with a later statement of its own
    progress.tick()
    progress.tick()
    assert told[1:] == [PhaseProgressed("template", "default: migration shop.0003", 3, 4)]


def test_each_database_counts_its_own_migrations() -> None:
    told: list[PhaseProgressed] = []
    clock = iter(range(0, 1000, 10))
    progress = Progress(told.append, lambda: float(next(clock)))
    for alias, migrations in {"default": 2, "other": 1}.items():
        connection = SimpleNamespace(alias=alias)
        progress.plan(connection, migrations)
        for _ in range(migrations):
            progress.step(connection, "shop.0001")
    assert [(event.step, event.n, event.total) for event in told] == [
        ("default: migration shop.0001", 1, 2),
        ("default: migration shop.0001", 2, 2),
        ("other: migration shop.0001", 1, 1),
    ]
