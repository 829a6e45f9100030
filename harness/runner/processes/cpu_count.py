"""Counts the cores that this process may use: by its affinity, and by the CPU quota of its control group."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available(cgroup: Path = CGROUP) -> int:
    """The number of cores, at least 1. A quota of one and a half cores counts as two."""
    affinity = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return max(1, min(affinity, math.ceil(quota))) if quota else affinity


def _quota(cgroup: Path) -> float | None:
    """The CPU quota of the control group (version 2 or 1) in cores; ``None`` without a quota."""
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit_us = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text())
        period_us = int((cgroup / "cpu" / "cpu.cfs_period_us").read_text())
        return limit_us / period_us if limit_us > 0 else None
    except (OSError, ValueError):
        return None
