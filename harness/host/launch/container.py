"""The runner in a container of its own. Speaks to Docker through ``host.docker`` alone."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import IO, Self

from harness.errors import ServerError
from harness.host.docker import streams
from harness.host.docker.client import Client
from harness.host.docker.containers import remove_run
from harness.host.docker.runner import RUNNER, RunnerContainer, RunnerSpec
from harness.host.interrupts import uninterrupted
from harness.host.launch.code_archive import ENTRY, FOLDER, code_tar
from harness.host.launch.conversation import STACKS, Ended
from harness.host.launch.output import Tail, whole_lines

COMMAND = ("python", f"{FOLDER}/{ENTRY}")


class ContainerRunner:
    """The runner in a container. See ``conversation.Runner``. Entering raises ``ServerError`` when the engine refuses.

    *project* is a tar of the project's files, for ``spec.folder``. *on_stderr* is called with the standard error as it
    comes, from another thread.
    """

    def __init__(
        self, client: Client, spec: RunnerSpec, project: IO[bytes], on_stderr: Callable[[bytes], None] | None = None
    ) -> None:
        self.stderr = Tail(on_stderr)
        self._client = client
        self._spec = spec
        self._project = project
        self._container = RunnerContainer(client, spec)
        self._writing = threading.Lock()
        self._streams: list[streams.Connection] = []

    def __enter__(self) -> Self:
        try:
            self._start(init=True)
        except ServerError as error:
            if "docker-init" not in error.evidence:
                raise
            self._start(init=False)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._remove()

    def write(self, data: bytes) -> None:
        with self._writing, contextlib.suppress(OSError):
            self._streams[0].write(data)

    def lines(self) -> Iterator[bytes]:
        return whole_lines(self._stdout())

    def close_stdin(self) -> None:
        with self._writing:
            self._streams[0].close()

    def kill(self) -> None:
        self._container.signal(signal.SIGKILL)

    def wait(self, deadline_s: float) -> Ended:
        state = self._container.wait(deadline_s)
        # the engine reports 128 plus the signal's number, as a shell does
        return Ended(state.code if state.code <= 128 else 128 - state.code, state.oom_killed)

    def is_stopped(self) -> bool:
        return self._container.is_stopped()

    def stacks(self) -> str:
        return self.stderr.answer(lambda: self._container.signal(STACKS))

    def _start(self, *, init: bool) -> None:
        try:
            with uninterrupted():  # an interrupted request still makes the container, after the clean-up
                self._container.create(init=init)
            self._project.seek(0)
            self._container.put("/", code_tar(FOLDER))
            self._container.put(self._spec.folder, self._project)
            self._streams = [self._container.attach_input(), self._container.attach_output()]
            self._container.start()
        except BaseException:
            self._remove()
            raise

    def _remove(self) -> None:
        with uninterrupted():
            for stream in self._streams:
                stream.close()
            remove_run(self._client, self._spec.run, (RUNNER,))

    def _stdout(self) -> Iterator[bytes]:
        for stream, data in streams.frames(self._streams[1]):
            if stream == streams.STDOUT:
                yield data
            else:
                self.stderr.write(data)
