"""Workers that die while they start: the first of each slot, or, where ``FAULTS_EVERY_START`` is set, every one."""

import os
from pathlib import Path

from django.test.runner import DiscoverRunner, ParallelTestSuite

from config.settings import *  # noqa: F403 - settings are made of settings

TEST_RUNNER = "config.dying_starts.Runner"


def init_worker(counter, *_args, **_kwargs):
    mark = Path("/tmp") / f"started-{counter.value}"
    if os.environ.get("FAULTS_EVERY_START") or not mark.exists():
        mark.touch()
        os._exit(7)


class Suite(ParallelTestSuite):
    init_worker = init_worker


class Runner(DiscoverRunner):
    parallel_test_suite = Suite
