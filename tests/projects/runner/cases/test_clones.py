"""Two classes at a time, each on a clone of its own."""

import os
import time
from pathlib import Path

from django.db import connections
from django.test import TransactionTestCase

from shop.models import Item

FOLDER = Path(os.environ.get("RUNNER_DIR", ""))


class MeetingTests:
    databases = {"default", "other"}

    def test_others_are_not_seen(self):
        for alias in self.databases:
            Item.objects.using(alias).create(name=type(self).__name__)
        self.meet()
        for alias in self.databases:
            names = set(Item.objects.using(alias).values_list("name", flat=True)) - {"migrated"}
            self.assertEqual(names, {type(self).__name__})
            print(alias, os.path.basename(connections[alias].settings_dict["NAME"]))
        self.fail("to be shown")

    def meet(self):
        """Return when both classes have written."""
        (FOLDER / type(self).__name__).touch()
        deadline = time.monotonic() + 60
        while not all((FOLDER / name).exists() for name in ("OneTests", "TwoTests")):
            self.assertLess(time.monotonic(), deadline, "the other class does not run at the same time")
            time.sleep(0.01)


class OneTests(MeetingTests, TransactionTestCase):
    pass


class TwoTests(MeetingTests, TransactionTestCase):
    pass
