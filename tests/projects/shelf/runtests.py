#!/usr/bin/env python
"""Runs the tests of the library, as many libraries do it. The folder for uploads lasts as long as the tests."""

import argparse
import sys
import tempfile

import django
from django.test.runner import DiscoverRunner
from shelf.server import configure


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", default="sqlite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configure(arguments.database, MEDIA_ROOT=folder)
        django.setup()
        failures = DiscoverRunner(exclude_tags=["slow"]).run_tests(["tests"])
        failures += DiscoverRunner().run_tests(["checks.all_of_it"])
    sys.exit(failures)


if __name__ == "__main__":
    main()
