"""Real signals to this process, and where they are raised."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Never

import pytest

from harness.errors import ExitCode, Interrupted
from harness.host.interrupts import SIGNALS, ignore_further, interruptible, submit, uninterrupted
from tests.signals import default_signals

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _heeding() -> Iterator[None]:
    with default_signals():
        yield


def send(signum: int) -> None:
    """It has been handled when this returns: Python does so between two steps of the main thread."""
    os.kill(os.getpid(), signum)


class TestInterruptible:
    @pytest.mark.parametrize(
        ("signum", "code"),
        [
            (signal.SIGINT, ExitCode.SIGINT),
            (signal.SIGTERM, ExitCode.SIGTERM),
            (signal.SIGHUP, ExitCode.SIGTERM),
        ],
    )
    def test_a_signal_is_an_exception(self, signum: int, code: ExitCode) -> None:
        before = [signal.getsignal(each) for each in SIGNALS]
        with pytest.raises(Interrupted, match=signal.Signals(signum).name) as caught, interruptible():
            send(signum)
        assert caught.value.exit_code == code
        assert [signal.getsignal(each) for each in SIGNALS] == before

    def test_two_signals_are_raised_and_the_first_gives_the_code(self) -> None:
        codes = []
        with interruptible():
            for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
                try:
                    send(signum)
                except Interrupted as error:
                    codes.append(error.exit_code)
        assert codes == [ExitCode.SIGINT, ExitCode.SIGINT]

    def test_nothing_is_raised_while_reports_are_written(self) -> None:
        with interruptible():
            ignore_further()
            send(signal.SIGTERM)
            send(signal.SIGINT)

    def test_a_hangup_that_is_ignored_stays_so(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with interruptible():
                send(signal.SIGHUP)
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_a_signal_after_the_end_has_no_effect(self) -> None:
        script = (
            "import atexit, os, signal, sys; from harness.cli import main; sys.argv[1:] = ['--version']\n"
            "atexit.register(lambda: [os.kill(os.getpid(), signum) for signum in (signal.SIGINT, signal.SIGTERM)])\n"
            "sys.exit(main())"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


class TestUninterrupted:
    def test_the_block_ends_first(self) -> None:
        done: list[str] = []

        def work() -> None:
            with uninterrupted():
                with uninterrupted():
                    send(signal.SIGTERM)
                    done.append("inner")
                done.append("outer")

        with pytest.raises(Interrupted), interruptible():
            work()
        assert done == ["inner", "outer"]

    def test_an_error_of_the_block_is_the_context(self) -> None:
        def work() -> Never:
            with uninterrupted():
                send(signal.SIGTERM)
                raise ValueError

        with pytest.raises(Interrupted) as caught, interruptible():
            work()
        assert isinstance(caught.value.__context__, ValueError)

    def test_a_block_of_another_thread_delays_nothing(self) -> None:
        entered, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with uninterrupted():
                entered.set()
                leave.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        entered.wait()
        try:
            with pytest.raises(Interrupted), interruptible():
                send(signal.SIGTERM)
        finally:
            leave.set()
            thread.join()

    def test_a_pool_has_its_job_before_a_signal_is_raised(self) -> None:
        class Hit(ThreadPoolExecutor):
            def submit(self, *args: Any, **kwargs: Any) -> Any:
                send(signal.SIGTERM)
                return super().submit(*args, **kwargs)

        done: list[str] = []
        with Hit(1) as pool, pytest.raises(Interrupted), interruptible():
            submit(pool, done.append, "it")
        assert done == ["it"]
