"""A few random suites on PostgreSQL with a real replica; ``python -m tests.random_suites`` runs any number of them."""

from pathlib import Path

import pytest

from tests.random_suites.running import compare, postgres

pytestmark = pytest.mark.docker

SEEDS = (14, 32, 59)


def test_random_suites_on_a_replica_agree_with_plain_django(tmp_path: Path) -> None:
    with postgres() as server:
        found = {seed: compare(seed, "postgres", tmp_path / str(seed), server) for seed in SEEDS}
    assert {seed: lines for seed, lines in found.items() if lines} == {}
