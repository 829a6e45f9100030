"""Tests that patch what runs them. As in ``test_workers``: each may lie about itself, and about no other."""

import builtins
import contextlib
import json
import os
import socket
import stat
import time

import pytest
from _pytest import runner
from _pytest.config import Config


def event(**fields):
    return json.dumps(fields).encode() + b"\n"


PASSED = {"type": "AttemptFinished", "test": "tests/test_attacks.py::VictimTests::test_1", "n": 1, "outcome": "PASSED", "duration": 0.1}


class SocketTests:
    """an event of another test on the worker's socket"""

    expected = {"test_1": "ERRORED", "test_2_after": "PASSED"}
    shows = {"test_1": "a line on a worker's socket that its worker cannot have written"}

    def test_1(self):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    os.write(int(name), event(**PASSED))

    def test_2_after(self):
        pass


class PatchTests:
    """a test that patches time, os, json and sockets for good"""

    expected = {"test_1_patches": "PASSED", "test_2_after": "PASSED", "test_3_fails": "FAILED"}

    def test_1_patches(self):
        def refuse(*_args, **_options):
            raise RuntimeError("patched")

        time.time = time.monotonic = time.sleep = refuse
        os.write = os.getpid = os._exit = os.read = refuse
        json.dumps = json.loads = refuse
        socket.socket.sendall = socket.socket = refuse
        builtins.open = refuse

    def test_2_after(self):
        pass

    def test_3_fails(self):
        pytest.fail("honest")


class ProtocolTests:
    """a test that replaces pytest's protocol for the rest of its worker"""

    expected = {"test_1_replaces": "PASSED", "test_2_after": "FAILED"}

    def test_1_replaces(self, request):
        class Plugin:
            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_protocol(self, item, nextitem):
                return True

        request.config.pluginmanager.register(Plugin(), "silent")

    def test_2_after(self):
        pytest.fail("honest")


class UnregisteredTests:
    """a test that takes away the plugin that keeps the reports"""

    expected = {"test_1": "ERRORED", "test_2_after": "FAILED"}

    def test_1(self, request):
        manager = request.config.pluginmanager
        for plugin in list(manager.get_plugins()):
            if type(plugin).__name__ == "Reports":
                manager.unregister(plugin)

    def test_2_after(self):
        pytest.fail("honest")


class InternalsTests:
    """a test that breaks a function of pytest that runs tests"""

    expected = {"test_1": "ERRORED", "test_2_after": "PASSED", "test_3_after": "PASSED"}
    shows = {"test_1": "RuntimeError: broken"}

    def test_1(self):
        def broken(*_args, **_options):
            raise RuntimeError("broken")

        runner.call_and_report = broken

    def test_2_after(self):
        pass

    def test_3_after(self):
        pass


class VictimTests:
    """the test that all of these were about"""

    expected = {"test_1": "FAILED"}

    def test_1(self):
        pytest.fail("honest")
