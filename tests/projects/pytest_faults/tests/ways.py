"""The ways in which a test or a fixture can end its process, or never end."""

import os
import signal
import sys
import time

import pytest


def exits():
    sys.exit(3)


def hangs():
    time.sleep(1000)


def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def ends_pytest():
    pytest.exit("by a fixture")
