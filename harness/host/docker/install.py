"""Installs into an image: runs commands in a container, and commits it as a new image.

Owns the container and its end. ``host.images`` decides which commands run, with which variables and files.
"""

from __future__ import annotations

import contextlib
import io
import secrets
import signal
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import docker
from docker.types import Mount

from harness.errors import HarnessError, ProjectError, ServerError
from harness.host.docker import containers, streams, watchdog
from harness.host.docker.build_log import BuildLog
from harness.host.docker.errors import FAILURES, explanation
from harness.host.docker.images import label_changes
from harness.protocol import naming

DEADLINE_S = 3600
"""The longest duration, in seconds, of an installation; its container then ends by itself."""

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID")
"""The capabilities that apt needs as root: owners and modes of files, and a user of its own for downloads. Other
commands are not root's.
"""

HINT = (
    "The last lines of its output are part of this message. [tool.harness] install names the commands, apt the system's"
    " packages that they need; pip's indexes, certificates and proxies are those of your own pip."
)

RUNNER_ID = 10001
"""The user and the group of the commands, as the runner's Dockerfile makes them."""

KILLED = 128 + signal.SIGKILL
END_SHOWS_S = 2.0
"""The longest time, in seconds, until the engine reports the end of a container whose processes are gone."""

_CANCELLED = "The installation was cancelled."


@dataclass(frozen=True, slots=True)
class Command:
    """One command of an installation, for a shell in its folder.

    ``advise`` gives the next step for the output of one that failed, if it is known; else empty text. ``failure`` is the
    message of its failure; empty for the default, which has its text.
    """

    text: str
    user: str = "runner"
    advise: Callable[[str], str] = lambda _output: ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """*commands* that run in *folder*, and make the image *tag* of the image *source*.

    ``project_files`` are those of ``project_root`` that the commands can read, and lie in ``project_folder``. Before they
    are there, ``preparation`` runs, if there is one: *source* is then the result of an earlier installation. If
    ``condition`` fails there, the commands do not run, and there is no image. ``cache`` is the volume with the downloads of
    earlier installations, in ``cache_folder``; empty for none. It is made with ``cache_labels`` if it does not exist.
    ``declared_in`` names the source of the commands, for people. ``files`` are those of this machine that the commands
    need, by their path in the container; they lie in the volume ``files_folder``, and ``variables`` are those of each
    command's process alone, so the image keeps neither.
    """

    source: str
    tag: str
    labels: Mapping[str, str]
    commands: Sequence[Command]
    declared_in: str
    folder: str
    files_folder: str
    project_root: Path = Path()
    project_folder: str = ""
    project_files: Sequence[str] = ()
    preparation: Command | None = None
    condition: Command | None = None
    cache: str = ""
    cache_folder: str = ""
    cache_labels: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


class Installer:
    """Installs on one engine, several installations at once. ``close`` ends those under way, from any thread."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._api = client.api
        self._containers: set[str] = set()
        self._closed = False

    def close(self) -> None:
        """End the installations under way and remove their containers. Safe to call twice."""
        self._closed = True
        for container in tuple(self._containers):
            self._remove(container)

    def install(self, installation: Installation, project: IO[bytes], log: BuildLog) -> bool:
        """Run the commands after unpacking the tar *project*, and commit the image; *log* takes the output.

        Returns whether the condition held; if not, nothing is committed. A command that fails ends the installation with
        ``ProjectError``. Raises ``ServerError`` when the engine refuses or fails, and after ``close``.
        """
        try:
            with self._container(installation) as container, self._ended_container(container, log):
                if installation.preparation:
                    self._run(container, installation, installation.preparation, log)
                self._api.put_archive(container, "/", project)
                self._copy_files(container, installation)
                if installation.preparation and installation.condition:
                    try:
                        self._run(container, installation, installation.condition, log)
                    except ProjectError:
                        return False
                for command in installation.commands:
                    log.announce(f"$ {command.text}")
                    self._run(container, installation, command, log)
                self._commit(container, installation)
        except FAILURES as error:
            raise log.failure(explanation(error)) from error
        return True

    def _run(self, container: str, installation: Installation, command: Command, log: BuildLog) -> None:
        """Run *command* to its end. Raises ``ProjectError`` if it fails."""
        code = self._execute(container, installation, command, log)
        if self._closed:
            raise ServerError(_CANCELLED)
        if code == KILLED:
            self._await_end(container)
        if code:
            output = "\n".join(log.tail)
            text = (
                f"The project's dependencies could not be installed: {log.redact(command.text)!r} exited with {code}."
            )
            raise ProjectError(
                command.failure or text,
                hint=command.advise(output) or HINT,
                evidence=output,
            )

    @contextlib.contextmanager
    def _container(self, installation: Installation) -> Iterator[str]:
        run = secrets.token_hex(4)
        is_for_root = any(command.user == "root" for command in installation.commands)
        mounts = [Mount(target=installation.files_folder, source=None, type="volume")]
        if installation.cache:
            labels = dict(installation.cache_labels)
            mounts.append(Mount(installation.cache_folder, installation.cache, type="volume", labels=labels))
        host_config = self._api.create_host_config(
            mounts=mounts,
            cap_drop=["ALL"],
            cap_add=list(CAPABILITIES) if is_for_root else [],
            security_opt=["no-new-privileges"],
        )
        # the watchdog removes the container if this process is killed
        with watchdog.watched(run):
            created = self._api.create_container(
                installation.source,
                # its standard input ends with our connection, and the container ends with its input
                command=containers.under_shell(["timeout", str(DEADLINE_S), "cat"]),
                entrypoint=[],
                stdin_open=True,
                # without new privileges, a root command cannot have more of them than the first process
                user="root" if is_for_root else "",
                name=naming.container(run, "install"),
                labels=containers.labels(run, "install"),
                host_config=host_config,
            )
            container = str(created["Id"])
            self._containers.add(container)
            try:
                if self._closed:
                    raise ServerError(_CANCELLED)
                with contextlib.closing(streams.open_input(self._api, container)):
                    self._api.start(container)
                    yield container
            finally:
                self._remove(container)

    @contextlib.contextmanager
    def _ended_container(self, container: str, log: BuildLog) -> Iterator[None]:
        """Report a failure within as the container's end, if *container* has ended by itself."""
        try:
            yield
        except (HarnessError, *FAILURES):
            if not self._closed:
                containers.check_running(self._client, container, f"The image {log.title} could not be built", log.tail)
            raise

    def _await_end(self, container: str) -> None:
        """Wait until the engine reports the end of *container*, if all of it was killed."""
        deadline = time.monotonic() + END_SHOWS_S
        while time.monotonic() < deadline and containers.state_of(self._client, container).is_running:
            time.sleep(0.1)

    def _remove(self, container: str) -> None:
        # the container may be going already: by itself, or because another thread closes the installer
        with contextlib.suppress(*FAILURES):
            self._api.remove_container(container, v=True, force=True)
        self._containers.discard(container)

    def _copy_files(self, container: str, installation: Installation) -> None:
        if installation.cache:
            self._api.put_archive(container, "/", _folder_of_runner(installation.cache_folder))
        with tempfile.TemporaryFile() as archive:
            with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
                for place, path in installation.files.items():
                    name = Path(place).relative_to(installation.files_folder).as_posix()
                    tar.add(path.resolve(), arcname=name, filter=_readable)
            archive.seek(0)
            self._api.put_archive(container, installation.files_folder, archive)

    def _execute(self, container: str, installation: Installation, command: Command, log: BuildLog) -> int:
        created = self._api.exec_create(
            container,
            ["sh", "-c", command.text],
            environment=dict(installation.variables),
            user=command.user,
            workdir=installation.folder,
        )
        attached = self._api.exec_start(created["Id"], socket=True)
        with contextlib.closing(streams.Connection(attached)) as connection:
            log.read(data for _, data in streams.frames(connection))
        code = self._api.exec_inspect(created["Id"])["ExitCode"]
        return 1 if code is None else int(code)

    def _commit(self, container: str, installation: Installation) -> None:
        repository, _, version = installation.tag.partition(":")
        changes = [
            'CMD ["python3"]',
            "USER runner",
            f"WORKDIR {installation.folder}",
            # without the labels of this container's run, which the image would inherit
            *label_changes({**installation.labels, **dict.fromkeys(containers.labels("", ""), "")}),
        ]
        self._api.commit(container, repository=repository, tag=version, changes="\n".join(changes))


def _folder_of_runner(folder: str) -> bytes:
    """A tar that gives *folder* to the user of the commands: the engine makes a volume as root's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(folder.strip("/"))
        member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, 0o755, RUNNER_ID, RUNNER_ID
        tar.addfile(member)
    return buffer.getvalue()


def _readable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.isdir() else 0o644
    return member
