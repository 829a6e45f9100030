import os
from pathlib import Path

import pytest

from harness.runner.processes import cpu_count

AFFINITY = len(os.sched_getaffinity(0))


def test_without_control_groups_it_is_the_affinity(tmp_path: Path) -> None:
    assert cpu_count.available(tmp_path) == AFFINITY


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", AFFINITY),
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("150000 100000", min(2, AFFINITY)),
        ("6400000 100000", min(64, AFFINITY)),
        ("", AFFINITY),
        ("much", AFFINITY),
    ],
)
def test_the_quota_of_version_2_counts(tmp_path: Path, limit: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{limit}\n")
    assert cpu_count.available(tmp_path) == expected


@pytest.mark.parametrize(
    ("quota", "expected"), [("-1", AFFINITY), ("100000", 1), ("120000", min(2, AFFINITY)), ("1000", 1)]
)
def test_the_quota_of_version_1_counts(tmp_path: Path, quota: str, expected: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_count.available(tmp_path) == expected


def test_there_is_a_core_on_this_machine() -> None:
    assert 1 <= cpu_count.available() <= AFFINITY
