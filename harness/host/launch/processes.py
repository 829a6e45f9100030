"""Runs the runner, in a container or as a child process of this one: the same conversation over the same three streams.

Owns how the runner is supplied with files, started, connected and ended. ``protocol`` defines the messages, and
``host.run.session`` decides when each is sent. Imports no Django, and Docker only through ``host.docker``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import selectors
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import harness
from harness.errors import ServerError
from harness.host.docker import streams
from harness.host.docker.client import Client
from harness.host.docker.containers import remove_run
from harness.host.docker.runner import RUNNER, RunnerContainer, RunnerSpec
from harness.host.interrupts import uninterrupted
from harness.host.launch.conversation import Ended, Tail, whole_lines
from harness.host.project.files import FOLDER, RUNNER_UID
from harness.protocol.codec import encode_body
from harness.protocol.messages import Message

CODE_FOLDER = "/opt/harness"
ENTRY = "runner/bootstrap.py"
COMMAND = ("python", f"{CODE_FOLDER}/harness/{ENTRY}")
KEEP = "--keep"
"""Asks ``runner.bootstrap`` for a parent that ends the processes which the runner leaves behind; ``END_NOW`` makes that
parent do so at once.
"""
END_NOW = signal.SIGUSR2
END_S = 10.0
STACKS = signal.SIGUSR1
"""The signal by which the runner's process writes its stacks: its parent, or the container's first process, passes it on."""
_POLL_S = 0.2
_OURS = ("__init__.py", "errors.py", "testing.py", "protocol", "runner")


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """The options of the runner's container.

    ``project`` is a tar of the project's files, open at its beginning. ``network`` is the run's own, ``None`` where
    the runner needs no servers. ``stderr`` is called with the runner's standard error as it comes, from another thread.
    """

    run: str
    image: str
    project: IO[bytes]
    network: str | None = None
    command: Sequence[str] = COMMAND
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stderr: Callable[[bytes], None] | None = None


class ContainerRunner:
    """Inside in a container of its own. See ``Conversation``.

    Entering raises ``ServerError`` when the engine refuses.
    """

    def __init__(self, client: Client, options: ContainerOptions) -> None:
        self._client = client
        self._options = options
        self._container = RunnerContainer(
            client,
            RunnerSpec(
                run=options.run,
                image=options.image,
                command=options.command,
                folder=FOLDER,
                user=f"{RUNNER_UID}:{RUNNER_UID}",
                network=options.network,
                environment=options.environment,
            ),
        )
        self._tail = Tail(options.stderr)
        self._writing = threading.Lock()
        self._streams: list[streams.Connection] = []

    def __enter__(self) -> Self:
        try:
            self._begin(init=True)
        except ServerError as error:
            self._remove()
            if "docker-init" not in error.evidence:
                raise
            self._begin(init=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def send(self, message: Message) -> None:
        self.write(encode_body(message).encode())

    def write(self, data: bytes) -> None:
        with self._writing, contextlib.suppress(OSError):
            self._streams[0].write(data)

    def output(self, data: bytes) -> None:
        self._tail.write(data)

    def lines(self) -> Iterator[bytes]:
        return whole_lines(self._stdout())

    def stderr_tail(self) -> str:
        return self._tail.text()

    def close_stdin(self) -> None:
        with self._writing:
            self._streams[0].close()

    def stop(self, grace_s: float) -> None:
        self._container.stop(grace_s)

    def kill(self) -> None:
        self._container.signal(signal.SIGKILL)

    def wait(self, deadline_s: float) -> Ended:
        state = self._container.wait(deadline_s)
        # the engine reports 128 plus the signal's number, as a shell does
        return Ended(state.code if state.code <= 128 else 128 - state.code, state.oom_killed)

    def is_stopped(self) -> bool:
        return self._container.is_stopped()

    def stacks(self) -> str:
        return self._tail.answer(lambda: self._container.signal(STACKS))

    def fetch(self, path: str) -> bytes:
        return self._container.fetch(path)

    def _begin(self, *, init: bool) -> None:
        with uninterrupted():  # an interrupted request still makes the container, after the clean-up
            self._container.create(init=init)
        try:
            self._options.project.seek(0)
            self._container.put("/", code_tar(CODE_FOLDER))
            self._container.put(FOLDER, self._options.project)
            self._streams = [self._container.attach_input(), self._container.attach_output()]
            self._container.start()
        except BaseException:
            self._remove()
            raise

    def _remove(self) -> None:
        with uninterrupted():
            for stream in self._streams:
                stream.close()
            remove_run(self._client, self._options.run, (RUNNER,))

    def _stdout(self) -> Iterator[bytes]:
        for stream, data in streams.frames(self._streams[1]):
            if stream == streams.STDOUT:
                yield data
            else:
                self._tail.write(data)


@dataclass(frozen=True, slots=True)
class ChildOptions:
    """The options of the runner on this machine: run in *folder*, with *environment* and nothing else. ``stderr`` as above."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    command: Sequence[str] = (sys.executable, str(Path(harness.__file__).parent / ENTRY), KEEP)
    stderr: Callable[[bytes], None] | None = None


class ChildRunner:
    """Inside as a child process, in a session and a process group of its own. See ``Conversation``.

    When it ends, its parent (``runner.processes.supervisor``) ends all processes that it started and left behind.
    """

    def __init__(self, options: ChildOptions) -> None:
        self._options = options
        self._tail = Tail(options.stderr)
        self._writing = threading.Lock()
        self._reaping = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(
                self._options.command,
                cwd=self._options.folder,
                env=self._options.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(
                f"{self._options.command[0]} could not be started on this machine.",
                hint="--runner container runs the tests in a container.",
                evidence=str(error),
            ) from error
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._reap, self._read_stderr)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_stdin()
        self.kill()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def send(self, message: Message) -> None:
        self.write(encode_body(message).encode())

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def output(self, data: bytes) -> None:
        self._tail.write(data)

    def lines(self) -> Iterator[bytes]:
        return whole_lines(self._read(self._process.stdout))

    def stderr_tail(self) -> str:
        return self._tail.text()

    def close_stdin(self) -> None:
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError):
            self._process.stdin.close()

    def stop(self, grace_s: float) -> None:
        with self._reaping:
            if not self._ended.is_set():
                self._process.terminate()
        if not self._ended.wait(grace_s):
            self.kill()

    def wait(self, deadline_s: float) -> Ended:
        if not self._ended.wait(deadline_s):
            raise ServerError(
                f"The process that runs the tests had not ended after {deadline_s:g} s.", evidence=self.stderr_tail()
            )
        for thread in self._threads:
            thread.join()  # so that its last output is in the tail
        return Ended(self._process.returncode)

    def is_stopped(self) -> bool:
        about = {int(path.name): _stat(path) for path in Path("/proc").glob("[0-9]*")}
        ours = str(self._process.pid).encode()
        return about.get(self._process.pid, _GONE)[0] == b"T" or (b"T", ours) in about.values()

    def stacks(self) -> str:
        return self._tail.answer(lambda: self._process.send_signal(STACKS))

    def fetch(self, path: str) -> bytes:
        whole = self._options.folder / path
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(whole, arcname=whole.name)
        return buffer.getvalue()

    def _reap(self) -> None:
        # wait without collecting: until it is collected its number is not reused, and its group can be signalled
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._ended.set()

    def kill(self) -> None:
        if KEEP in self._options.command:
            with self._reaping:
                if not self._ended.is_set():
                    self._process.send_signal(END_NOW)
            self._ended.wait(END_S)
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        with self._reaping:
            if not self._ended.is_set():
                self._signal(number)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read_stderr(self) -> None:
        for data in self._read(self._process.stderr):
            self._tail.write(data)

    def _read(self, stream: IO[bytes] | None) -> Iterator[bytes]:
        """The output on *stream* until its end, or until the process has ended and nothing more comes.

        A test's daemon that left the group can hold the stream open for ever.
        """
        assert stream is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while True:
                ended = self._ended.is_set()
                if selector.select(_POLL_S):
                    data = os.read(stream.fileno(), 1 << 16)
                    if not data:
                        return
                    yield data
                elif ended:
                    return


_GONE = (b"", b"")


def _stat(folder: Path) -> tuple[bytes, bytes]:
    """State and parent of the process with the folder *folder* in ``/proc``."""
    try:
        state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):  # the process has ended
        return _GONE
    return state, parent


@cache
def code_tar(folder: str) -> bytes:
    """The code of the runner, as a tar that unpacks into *folder*: owned by root, writable by nobody else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in _code_files():
            member = tarfile.TarInfo(f"{folder.strip('/')}/{name}")
            content = path.read_bytes()
            member.size = len(content)
            member.mode = 0o644
            member.mtime = int(path.stat().st_mtime)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _code_files() -> Iterator[tuple[str, Path]]:
    """Every file that the runner needs, with its path below the folder that the interpreter searches."""
    package = Path(harness.__file__).parent
    tblib = importlib.util.find_spec("tblib")
    assert tblib is not None
    assert tblib.origin is not None
    for root in (*(package / name for name in _OURS), Path(tblib.origin).parent):
        top = root.parent if root.name == "tblib" else package.parent
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            yield path.relative_to(top).as_posix(), path
