"""Makes a fork of pytest's process a worker of its own: its capture, temporary folders, fixtures and plugins."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ..workers.output_capture import Capture
from . import pytest_internals

_NOT_IN_WORKERS = ("lfplugin", "nfplugin", "stepwiseplugin")
"""Plugins that write the results of a whole run into files."""


def become_worker(session: pytest.Session, slot: int, workers: int, capture: Capture, own_plugin: object) -> None:
    """Undo what this process shares with the one from which it was forked. *own_plugin* is the coordinator's."""
    config: Any = session.config
    manager = config.pluginmanager
    pytest_internals.restart_capture(config, capture)
    pytest_internals.replace_reporter(config)
    pytest_internals.silence_live_log(config)
    pytest_internals.use_stacks_file(config, capture.stacks.fd)
    for plugin in [own_plugin, *map(manager.getplugin, _NOT_IN_WORKERS), *_junit_writers(manager)]:
        if plugin is not None and manager.is_registered(plugin):
            manager.unregister(plugin)
    pytest_internals.forget_set_up(session)
    pytest_internals.forget_warnings(config)
    name = worker_name(slot)
    pytest_internals.use_temporary_folder(config, f"popen-{name}")
    for item in session.items:
        pytest_internals.give_fixture(item, "worker_id", name)
    config.workerinput = {
        "workerid": name,
        "workercount": workers,
        "testrunuid": testrun_uid(config),
        "mainargv": list(config.invocation_params.args),
    }
    config.workeroutput = {}
    os.environ["PYTEST_XDIST_WORKER"] = name
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(workers)
    os.environ["PYTEST_XDIST_TESTRUNUID"] = testrun_uid(config)


def worker_name(slot: int) -> str:
    """The name that pytest-xdist gives the worker of *slot*: projects recognise it, and count from 0."""
    return f"gw{slot - 1}"


def testrun_uid(config: Any) -> str:
    return str(getattr(config, "harness_testrun_uid", ""))


def _junit_writers(manager: Any) -> list[Any]:
    return [plugin for plugin in manager.get_plugins() if type(plugin).__name__ == "LogXML"]
