"""A runner class that takes its time after the last test."""

import time

from django.test.runner import DiscoverRunner

from config.settings import *  # noqa: F403 - settings are made of settings

TEST_RUNNER = "config.slow_end.Runner"


class Runner(DiscoverRunner):
    def teardown_databases(self, *args, **kwargs):
        time.sleep(60)  # it is stopped meanwhile, and ended
        return super().teardown_databases(*args, **kwargs)
