"""A few random suites on SQLite; ``python -m tests.random_suites`` runs any number of them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.random_suites.running import compare

SEEDS = range(1, 9)


def test_random_suites_come_to_what_plain_django_says(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = dict(
            zip(SEEDS, pool.map(lambda seed: compare(seed, "sqlite", tmp_path / str(seed)), SEEDS), strict=True)
        )
    assert {seed: lines for seed, lines in found.items() if lines} == {}
