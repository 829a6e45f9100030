"""The runner in a container of its own, with the code that it needs. Speaks to Docker through ``host.docker`` alone."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import signal
import tarfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Self

import harness
from harness.errors import ServerError
from harness.host.docker import streams
from harness.host.docker.client import Client
from harness.host.docker.containers import remove_run
from harness.host.docker.runner import RUNNER, RunnerContainer, RunnerSpec
from harness.host.interrupts import uninterrupted
from harness.host.launch import distribution
from harness.host.launch.conversation import ENTRY, Ended, Runner

FOLDER = "/opt/harness"
COMMAND = ("python", f"{FOLDER}/{ENTRY}")
_OURS = ("__init__.py", "errors.py", "testing.py", "protocol", "runner")


class ContainerRunner(Runner):
    """The runner in a container. Entering raises ``ServerError`` when the engine refuses.

    *files* is a tar of all that it needs, from the root: ``code_tar``, ``distribution_tar`` and the project's files.
    """

    def __init__(
        self,
        client: Client,
        spec: RunnerSpec,
        files: IO[bytes],
        on_stderr: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(on_stderr)
        self._client = client
        self._spec = spec
        self._files = files
        self._container = RunnerContainer(client, spec)
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

    def close_stdin(self) -> None:
        with self._writing:
            self._streams[0].close()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def wait(self, deadline_s: float) -> Ended:
        code, oom_killed = self._container.wait(deadline_s)
        # the engine reports 128 plus the signal's number, as a shell does
        return Ended(code if code <= 128 else 128 - code, oom_killed)

    def is_stopped(self) -> bool:
        return self._container.is_stopped()

    def archive(self, path: str) -> Iterable[bytes] | None:
        return self._container.get(path if path.startswith("/") else f"{self._spec.folder}/{path}")

    def _signal(self, signum: int) -> None:
        self._container.signal(signum)

    def _start(self, *, init: bool) -> None:
        try:
            with uninterrupted():  # an interrupted request still makes the container, after the clean-up
                self._container.create(init=init)
            self._files.seek(0)
            self._container.put("/", self._files)  # one call: each starts a process of the engine
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


@cache
def code_tar(folder: str) -> bytes:
    """A tar with every file that the runner needs, for *folder*. It has no end: another tar may follow."""
    files = ((name, path.read_bytes(), int(path.stat().st_mtime)) for name, path in _code_files())
    return folder_tar(folder, files, has_end=False)


def distribution_tar(project: Path, root: Path) -> bytes:
    """A tar with the files of ``distribution.files_of``. It has no end: another tar may follow."""
    files = ((name, text.encode(), 0) for name, text in distribution.files_of(project, root).items())
    return folder_tar(distribution.FOLDER, files, has_end=False)


def folder_tar(folder: str, files: Iterable[tuple[str, bytes, int]], *, has_end: bool = True) -> bytes:
    """A tar that unpacks into *folder*: owned by root, and read-only for everybody else.

    *files* have their paths in the folder, their contents, and their times of change in seconds of the epoch.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content, changed in files:
            member = tarfile.TarInfo(f"{folder.strip('/')}/{name}")
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            member.mtime = changed
            tar.addfile(member, io.BytesIO(content))
        size = buffer.tell()
    return buffer.getvalue() if has_end else buffer.getvalue()[:size]


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
