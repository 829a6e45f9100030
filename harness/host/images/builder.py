"""Builds images, installs into them, lists and removes them.

Owns the requests to the engine and the reading of its answers. ``host.images.specs`` decides which image is made
from which origin; ``origins`` beside this module gets the origins.
"""

from __future__ import annotations

import contextlib
import io
import re
import secrets
import signal
import tarfile
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import docker
import docker.errors
from docker.types import Mount
from docker.utils.socket import frames_iter

from harness.errors import HarnessError, ServerError
from harness.host.docker import containers, streams, watchdog
from harness.host.docker.errors import EVIDENCE_LINES, FAILURES, explanation, failed_build, failed_install, refused
from harness.host.images import specs
from harness.host.images.base_images import Origins, label_changes
from harness.host.images.build_environment import FILES_FOLDER, BuildEnvironment
from harness.host.images.recipe import Tell
from harness.host.images.specs import Image
from harness.host.project.files import FOLDER
from harness.protocol import naming

SILENCE_S = 900
"""The longest silence, in seconds, of a build under way."""

INSTALL_DEADLINE_S = 3600
"""The longest duration, in seconds, of installing a project's dependencies; its container then ends by itself."""

INSTALL_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID")
"""The capabilities that apt needs as root: owners and modes of files, and a user of its own for downloads. Other
commands are not root's.
"""

KILLED = 128 + signal.SIGKILL
END_SHOWS_S = 2.0
"""The longest time, in seconds, until the engine reports the end of a container whose processes are gone."""

NOT_WANTED = "The images were no longer wanted."

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of an installation, for a shell in the project's folder.

    ``advise`` gives the next step for the output of one that failed, if it is known; else empty text.
    """

    text: str
    user: str = "runner"
    advise: Callable[[str], str] = lambda _output: ""


class Workshop:
    """Makes images on one engine. ``close`` ends installations under way, from any thread.

    *environment* is called once, when it is first needed, from any thread. Every method raises ``ServerError`` with the
    end of the output when the engine refuses or fails.
    """

    def __init__(
        self, client: docker.DockerClient, tell: Tell, environment: Callable[[], BuildEnvironment] = BuildEnvironment
    ) -> None:
        self.origins = Origins(client, tell)
        self.tell = tell
        self._api = client.api
        self._read_environment = environment
        self._environment: BuildEnvironment | None = None
        self._reading = threading.Lock()
        self._client = client
        self._has_told = False
        self._containers: set[str] = set()
        self._closed = False

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the installations under way and remove their containers. Safe to call twice."""
        self._closed = True
        for container in tuple(self._containers):
            self._remove_container(container)

    @property
    def environment(self) -> BuildEnvironment:
        """The settings by which builds reach packages. Notices about missing ones are shown once."""
        known = self.known_environment
        with self._reading:
            if not self._has_told:
                self._has_told = True
                for notice in known.notices:
                    self.tell("pip", notice)
        return known

    @property
    def known_environment(self) -> BuildEnvironment:
        """The same without showing notices: for finding out whether anything has to be made."""
        with self._reading:
            if self._environment is None:
                self._environment = self._read_environment()
            return self._environment

    def ours(self) -> tuple[Image, ...]:
        """Every image that the harness made here, tagged or not, without images that were built on them."""
        try:
            listing = self._api.images(filters={"label": specs.NAME_LABEL})
        except FAILURES as error:
            raise refused("The engine could not list its images", error) from error
        found = []
        for entry in listing:
            tags = tuple(tag for tag in entry.get("RepoTags") or () if not tag.startswith("<none>"))
            if not tags or any(map(specs.is_ours, tags)):
                found.append(Image(entry["Id"], tags, entry.get("Labels") or {}, entry["Created"], entry["Size"]))
        return tuple(found)

    def remove(self, image: Image) -> str:
        """Remove *image*, or only our tag if it has foreign tags. Returns the reason of a failure, empty if it was removed."""
        foreign = [tag for tag in image.tags if not specs.is_ours(tag)]
        references = [tag for tag in image.tags if specs.is_ours(tag)] if foreign else [*image.tags, image.id]
        for reference in references:
            try:
                self._api.remove_image(reference)
            except docker.errors.ImageNotFound:
                continue
            except FAILURES as error:
                return explanation(error)
        return ""

    def build(
        self,
        title: str,
        tag: str,
        context: bytes,
        dockerfile: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> str:
        """Build *context* as *tag* and return the image's id. *title* is the image's name for people."""
        environment = self.environment
        tail: deque[str] = deque(maxlen=EVIDENCE_LINES)
        outcome: dict[str, str] = {}
        try:
            stream = self._api.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                dockerfile=dockerfile,
                tag=tag,
                buildargs={**environment.proxy_variables(), **arguments},
                labels=dict(labels),
                rm=True,
                forcerm=True,
                decode=True,
                timeout=SILENCE_S,
            )
            self._follow(title, (_text(event, outcome) for event in stream), tail)
        except FAILURES as failure:
            raise failed_build(title, environment.redact(explanation(failure)), tail) from failure
        if "error" in outcome:
            raise failed_build(title, environment.redact(outcome["error"]), tail)
        found = outcome.get("id") or self.origins.find(tag)
        if not found:
            raise failed_build(title, "the engine ended the build without an image", tail)
        return found

    def install(
        self,
        title: str,
        source: str,
        tag: str,
        commands: Iterable[Command],
        project: IO[bytes],
        labels: Mapping[str, str],
    ) -> None:
        """Run *commands* in a container of the image *source* that has the tar *project* in place; commit it as *tag*.

        The environment's files lie in a volume and its variables are those of each command's process alone, so the image
        keeps neither. A command that fails ends the installation.
        """
        environment = self.environment
        commands = tuple(commands)
        tail: deque[str] = deque(maxlen=EVIDENCE_LINES)
        try:
            with self._container(source, commands) as container, self._told_if_ended(container, title, tail):
                self._api.put_archive(container, FOLDER, project)
                self._bring(container, environment)
                for command in commands:
                    self.tell(title, f"$ {environment.redact(command.text)}")
                    code = self._execute(container, title, command, environment, tail)
                    if self._closed:
                        raise ServerError(NOT_WANTED)
                    if code == KILLED:
                        self._await_end(container)
                    if code:
                        raise failed_install(
                            environment.redact(command.text), code, tail, command.advise("\n".join(tail))
                        )
                self._commit(container, tag, labels)
        except FAILURES as error:
            raise failed_build(title, environment.redact(explanation(error)), tail) from error

    @contextlib.contextmanager
    def _told_if_ended(self, container: str, title: str, tail: Iterable[str]) -> Iterator[None]:
        """Report a failure within as the container's end, with *tail* before its output, if *container* has ended by itself."""
        try:
            yield
        except (HarnessError, *FAILURES):
            if not self._closed:
                containers.check_running(self._client, container, f"The image {title} could not be built", tail)
            raise

    def _await_end(self, container: str) -> None:
        """Wait until the engine reports the end of *container*: a killed process may mean that the whole container was
        killed.
        """
        deadline = time.monotonic() + END_SHOWS_S
        while time.monotonic() < deadline and containers.state_of(self._client, container).is_running:
            time.sleep(0.1)

    def _follow(self, title: str, chunks: Iterable[bytes], tail: deque[str]) -> None:
        """Show the lines of *chunks* as they come, and keep them in *tail*, without credentials and colours."""
        for line in _lines(chunks):
            shown = self.environment.redact(_COLOURS.sub("", line)).rstrip()
            if shown:
                tail.append(shown)
                self.tell(title, shown)

    @contextlib.contextmanager
    def _container(self, source: str, commands: Sequence[Command]) -> Iterator[str]:
        run = secrets.token_hex(4)
        is_for_root = any(command.user == "root" for command in commands)
        host_config = self._api.create_host_config(
            mounts=[Mount(target=FILES_FOLDER, source=None, type="volume")],
            cap_drop=["ALL"],
            cap_add=list(INSTALL_CAPABILITIES) if is_for_root else [],
            security_opt=["no-new-privileges"],
        )
        # the watchdog removes the container if this process is killed
        with watchdog.watched(run):
            created = self._api.create_container(
                source,
                # its standard input ends with our connection, and the container ends with its input
                command=containers.under_shell(["timeout", str(INSTALL_DEADLINE_S), "cat"]),
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
                    raise ServerError(NOT_WANTED)
                with contextlib.closing(streams.open_input(self._api, container)):
                    self._api.start(container)
                    yield container
            finally:
                self._remove_container(container)

    def _remove_container(self, container: str) -> None:
        # the container may be going already: by itself, or because another thread closes the workshop
        with contextlib.suppress(*FAILURES):
            self._api.remove_container(container, v=True, force=True)
        self._containers.discard(container)

    def _bring(self, container: str, environment: BuildEnvironment) -> None:
        with tempfile.TemporaryFile() as archive:
            with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
                for place, path in environment.files.items():
                    tar.add(path.resolve(), arcname=Path(place).relative_to(FILES_FOLDER).as_posix(), filter=_readable)
            archive.seek(0)
            self._api.put_archive(container, FILES_FOLDER, archive)

    def _execute(
        self, container: str, title: str, command: Command, environment: BuildEnvironment, tail: deque[str]
    ) -> int:
        variables = {
            **environment.variables(),
            "PIP_NO_CACHE_DIR": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "UV_NO_CACHE": "1",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        created = self._api.exec_create(
            container, ["sh", "-c", command.text], environment=variables, user=command.user, workdir=FOLDER
        )
        connection = self._api.exec_start(created["Id"], socket=True)
        try:
            frames = frames_iter(connection, tty=False)  # type: ignore[no-untyped-call]  # not in the stubs
            self._follow(title, (chunk for _, chunk in frames), tail)
        finally:
            # the library ties the answer to its connection, and closing one leaves the other open
            getattr(connection, "_response", connection).close()
            connection.close()
        code = self._api.exec_inspect(created["Id"])["ExitCode"]
        return 1 if code is None else int(code)

    def _commit(self, container: str, tag: str, labels: Mapping[str, str]) -> None:
        repository, _, version = tag.partition(":")
        changes = [
            'CMD ["python3"]',
            "USER runner",
            f"WORKDIR {FOLDER}",
            *label_changes({**labels, **containers.no_labels()}),
        ]
        self._api.commit(container, repository=repository, tag=version, changes="\n".join(changes))


def _readable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def _text(event: Mapping[str, Any], outcome: dict[str, str]) -> bytes:
    """The text that an event adds to a build's log; the build's result goes to *outcome*, as ``id`` or ``error``."""
    if "error" in event:
        outcome["error"] = event["error"]
    if "ID" in event.get("aux", {}):
        outcome["id"] = event["aux"]["ID"]
    return str(event.get("stream", "")).encode()


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream that comes in pieces; a progress bar's carriage returns end a line too."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        yield from (line.decode(errors="replace") for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace")
