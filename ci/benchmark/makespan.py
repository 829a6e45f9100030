"""Figure ``makespan``: how long the classes of a second run take together, beside the least that the same classes can take.

The tests sleep, so that other load on the machine counts as little as it can. Both values are those of ``summary.json``.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from ci.benchmark.empty import MANAGE, SETTINGS
from ci.benchmark.figures import Aim, Comparison
from ci.benchmark.ground import WORKERS, Ground, environment, harness_command
from ci.benchmark.race import Sides, timed

SEED = 14
SHORT_CLASSES = 40
MAKESPAN = Comparison(
    "makespan",
    f"the classes of a suite on {WORKERS} slots, ordered by the times of the run before",
    "a fair share of them for each slot, or the longest of them",
    aim=Aim(ratio=1.05),
)
HEAD = "import time\n\nfrom django.test import TestCase, TransactionTestCase\n"


def module() -> str:
    """Short classes, then one that is longer than a fair share, then two that flush and cannot be split."""
    source = random.Random(SEED)  # noqa: S311 - lengths of tests
    classes = [
        ("TestCase", [min(source.paretovariate(1.5) * 0.02, 0.5) for _ in range(source.randint(1, 5))])
        for _ in range(SHORT_CLASSES)
    ]
    classes += [("TestCase", [0.1] * 100), ("TransactionTestCase", [0.5, 0.5]), ("TransactionTestCase", [0.2] * 3)]
    text = HEAD
    for number, (base, times) in enumerate(classes):
        text += f"\n\nclass Class{number:02}Tests({base}):\n"
        text += "\n".join(f"    def test_{n:02}(self):\n        time.sleep({s:.3f})\n" for n, s in enumerate(times))
    return text


@contextlib.contextmanager
def makespan(ground: Ground) -> Iterator[Sides]:
    """Ours is the makespan of a run, theirs the ideal of the newest one."""
    folder, artifacts = ground.work / "makespan", ground.work / "makespan-artifacts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in (("manage.py", MANAGE), ("settings.py", SETTINGS), ("tests.py", module())):
        (folder / name).write_text(content)
    env = environment(HARNESS_CACHE=str(folder / "cache"))
    options = ["--runner=host", f"--parallel={WORKERS}", f"--project={folder}", f"--artifacts={artifacts}"]

    def run() -> float:
        timed(harness_command(*options), folder, env)
        return _schedule(artifacts)["makespan"]

    run()  # measures the times by which the next one is ordered
    yield Sides(run, lambda: _schedule(artifacts)["ideal"])


def _schedule(artifacts: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((artifacts / "summary.json").read_bytes())["schedule"]
    return found
