"""Builds the test databases of a project in a process of its own, and says their key and their content.

The processes are forked from one that has imported Django, so that a case costs little more than its migrations.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import django.contrib.auth.management
import django.core.management.commands.migrate
import django.test.utils
from django.db import connections

from harness.protocol.messages import Route
from harness.protocol.seed_events import SeedWanted
from harness.runner.seeds import contents, key
from harness.runner.seeds.facts.collect import Collector, OwnSetUp


@dataclass(frozen=True)
class Built:
    """The event that a runner sends for the project, and the content of each test database by its alias."""

    wanted: SeedWanted
    databases: dict[str, contents.Contents]


@contextlib.contextmanager
def builder() -> Iterator[Any]:
    """Yields a pool, each of whose tasks has a process of its own: ``pool.apply(build, (folder,))``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Pool(1, maxtasksperchild=1) as pool:
        yield pool


def build(folder: Path, variables: Mapping[str, str]) -> Built:
    """The project in *folder*, with *variables* in the environment, built from nothing. Called in a process of its own."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True  # two edits of a file in one second would be one to Python
    os.environ.update(variables)
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    routes = [Route(alias, None, str(connections[alias].settings_dict["ENGINE"]), "") for alias in connections]
    collector = Collector(routes, str(folder), OwnSetUp(), math.inf)
    wanted = key.wanted(collector.facts(), 1)
    config = django.test.utils.setup_databases(0, False)
    assert key.wanted(collector.facts(), 1) == wanted, "the making of the databases has changed the key"
    found = {alias: contents.read(connections[alias]) for alias in connections}
    django.test.utils.teardown_databases(config, 0)
    return Built(wanted, found)
