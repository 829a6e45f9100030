"""The runner as a child process of this one."""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import harness
from harness.errors import ServerError
from harness.host.launch.conversation import ENTRY, Ended, Runner

KEEP = "--keep"
"""Asks ``runner.bootstrap`` for a parent that ends the processes which the runner leaves behind; ``END_NOW`` makes that
parent do so at once.
"""
END_NOW = signal.SIGUSR2
END_S = 10.0
COMMAND = (sys.executable, str(Path(harness.__file__).parents[1] / ENTRY), KEEP)
_POLL_S = 0.2
_GONE = (b"", b"")


class ChildRunner(Runner):
    """The runner as a child process, in a session and a process group of its own.

    It runs in *folder* with *environment* and nothing else. When it ends, its parent (``runner.processes.supervisor``) ends
    all processes that it has left behind.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        command: Sequence[str] = COMMAND,
        on_stderr: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(on_stderr)
        self._folder = folder
        self._environment = environment
        self._command = command
        self._reaping = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(
                f"{self._command[0]} could not be started on this machine.",
                hint="--runner container runs the tests in a container.",
                evidence=str(error),
            ) from error
        self._reaper = threading.Thread(target=self._reap, daemon=True)
        self._reaper.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close_stdin()
        self.kill()
        self._reaper.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def close_stdin(self) -> None:
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError):
            self._process.stdin.close()

    def kill(self) -> None:
        if KEEP in self._command:
            self._signal(END_NOW)
            self._ended.wait(END_S)
        with self._reaping:
            if not self._ended.is_set():
                self._kill_group()

    def wait(self, deadline_s: float) -> Ended:
        if not self._ended.wait(deadline_s):
            raise ServerError(
                f"The process that runs the tests had not ended after {deadline_s:g} s.", evidence=self.stderr.text()
            )
        return Ended(self._process.returncode)

    def is_stopped(self) -> bool:
        states = {int(path.name): _state_and_parent(path) for path in Path("/proc").glob("[0-9]*")}
        ours = str(self._process.pid).encode()
        return states.get(self._process.pid, _GONE)[0] == b"T" or (b"T", ours) in states.values()

    def archive(self, path: str) -> Iterable[bytes] | None:
        place = self._folder / path
        if not place.exists():
            return None
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as tar:
            tar.add(place, arcname=place.name)
        return [whole.getvalue()]

    def _signal(self, signum: int) -> None:
        with self._reaping:
            if not self._ended.is_set():
                self._process.send_signal(signum)

    def _reap(self) -> None:
        # wait without collecting: until it is collected its number is not reused, and its group can be signalled
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            self._kill_group()
            self._process.wait()
            self._ended.set()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _stdout(self) -> Iterator[bytes]:
        # until the end of both streams, or until the process has ended and nothing more comes: a test's daemon that left the
        # group can hold a stream open for ever
        with selectors.DefaultSelector() as selector:
            for stream in (self._process.stdout, self._process.stderr):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                has_ended = self._ended.is_set()
                ready = selector.select(_POLL_S)
                for key, _ in ready:
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._process.stdout:
                        yield data
                    else:
                        self.stderr.write(data)
                if has_ended and not ready:
                    return


def _state_and_parent(folder: Path) -> tuple[bytes, bytes]:
    """State and parent of the process with the folder *folder* in ``/proc``; ``_GONE`` if it has ended."""
    try:
        state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return _GONE
    return state, parent
