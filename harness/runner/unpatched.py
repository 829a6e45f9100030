"""The functions of the standard library that the harness calls while tests run, as they were before the project was imported.

A test may patch ``time.monotonic`` or ``os.getpid``, count their calls, or freeze time for good. Code that runs between the first
test's beginning and the last one's end calls these instead; ``tests/unit/runner/test_unpatched.py`` checks the modules for it.

The functions are attributes of classes, because freezegun replaces every *module's* attribute that is a real function of time.
Only ``perf_counter`` tells the time: time-machine changes the other clocks themselves, below Python.
"""

from __future__ import annotations

import _socket
import faulthandler as _faulthandler
import fcntl as _fcntl
import io as _io
import json as _json
import mmap as _mmap
import os as _os
import resource as _resource
import select as _select
import selectors as _selectors
import signal as _signal
import threading as _threading
import time as _time
import traceback as _traceback


class time:
    perf_counter = _time.perf_counter
    sleep = _time.sleep


STARTED_AT = _time.time() - _time.perf_counter()
"""The time at which ``perf_counter`` was 0, in seconds since the epoch."""


def epoch_s() -> float:
    """The time in seconds since the epoch, whatever clock a test has set."""
    return STARTED_AT + time.perf_counter()


class os:
    WIFSTOPPED = _os.WIFSTOPPED
    _exit = _os._exit
    chdir = _os.chdir
    close = _os.close
    dup2 = _os.dup2
    fork = _os.fork
    ftruncate = _os.ftruncate
    getpid = _os.getpid
    kill = _os.kill
    killpg = _os.killpg
    listdir = _os.listdir
    lseek = _os.lseek
    memfd_create = _os.memfd_create
    open = _os.open
    pipe2 = _os.pipe2
    pread = _os.pread
    read = _os.read
    readv = _os.readv
    set_blocking = _os.set_blocking
    setpgid = _os.setpgid
    umask = _os.umask
    waitpid = _os.waitpid
    waitstatus_to_exitcode = _os.waitstatus_to_exitcode
    write = _os.write
    writev = _os.writev


class signal:
    pthread_sigmask = _signal.pthread_sigmask
    set_wakeup_fd = _signal.set_wakeup_fd
    setitimer = _signal.setitimer
    signal = _signal.signal


Socket = _socket.socket
"""The C base class of Python's sockets: a test may replace methods of the Python class, for every socket there is."""


class socket:
    socketpair = _socket.socketpair


class select:
    select = _select.select


class selectors:
    DefaultSelector = _selectors.DefaultSelector


class fcntl:
    fcntl = _fcntl.fcntl


class resource:
    getrlimit = _resource.getrlimit


class mmap:
    mmap = _mmap.mmap


class threading:
    Lock = _threading.Lock
    local = _threading.local


class faulthandler:
    enable = _faulthandler.enable
    register = _faulthandler.register


class json:
    dumps = _json.dumps
    loads = _json.loads


class io:
    TextIOWrapper = _io.TextIOWrapper
    flush = _io.TextIOWrapper.flush
    open = _io.open


class traceback:
    TracebackException = _traceback.TracebackException
    extract_tb = _traceback.extract_tb
    format_exception = _traceback.format_exception
    format_exception_only = _traceback.format_exception_only
    format_list = _traceback.format_list
    format_tb = _traceback.format_tb
    walk_tb = _traceback.walk_tb
