"""The images that builds start from: the engine's own, a registry's, or a Debian made on this machine.

Owns pulling, with the deadlines that the library lacks, and the import of a base. ``host.images.specs`` decides
the order of preference.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, TypeAlias

import docker
import docker.errors
from docker.utils import parse_repository_tag

from harness.host.docker.errors import EVIDENCE_LINES, FAILURES, explanation, failed_build, refused
from harness.host.images import debian, recipe, specs
from harness.host.images.recipe import Tell

ANSWER_S = 15
"""The longest time, in seconds, for a registry's first answer. A registry that does not answer costs a run this much, once."""

SILENCE_S = 900
"""The longest silence, in seconds, of a pull under way."""

_NO_ANSWER = "the registry does not answer"
_UNREACHED = ("no such host", "dial tcp", "timeout", "deadline exceeded", "connection refused", "unreachable", "EOF")

_Event: TypeAlias = "dict[str, Any] | Exception | None"
"""A message of a pull: an event, an exception, or ``None`` at its end."""


class Origins:
    """The engine's own images, the registries that it reaches, and the bases that can be made here.

    Every method raises ``ServerError`` when the engine refuses or fails.
    """

    def __init__(self, client: docker.DockerClient, tell: Tell) -> None:
        self._client = client
        self._tell = tell
        self._silent: dict[str, str] = {}
        self._asking = threading.Lock()

    def find(self, reference: str) -> str | None:
        """The id of an image that the engine has, or ``None``. Asks no registry."""
        try:
            return str(self._client.images.get(reference).id)
        except docker.errors.ImageNotFound:
            return None
        except FAILURES as error:
            raise refused(f"The engine could not be asked for {reference}", error) from error

    def label(self, reference: str, name: str) -> str:
        """A label of an image that the engine has; empty without the label or the image."""
        try:
            return str(self._client.images.get(reference).labels.get(name, ""))
        except docker.errors.ImageNotFound:
            return ""
        except FAILURES as error:
            raise refused(f"The engine could not be asked for {reference}", error) from error

    def pull(self, reference: str) -> str:
        """Pull *reference*; returns the reason of a failure, empty if it was pulled.

        A registry that did not answer once is not asked again: one that drops packets costs the full deadline.
        """
        registry = registry_of(reference)
        with self._asking:
            if registry in self._silent:
                return self._silent[registry]
            self._tell(reference, "pulling")
            events = self._start_pull(reference)
            try:
                first = events.get(timeout=ANSWER_S)
            except queue.Empty:
                first = TimeoutError(f"timeout: no word in {ANSWER_S} s")
            said = pull_failure(first)
            if said.startswith(_NO_ANSWER):
                self._silent[registry] = said
        return said or ("" if first is None else self._follow(reference, events))

    def _start_pull(self, reference: str) -> queue.Queue[_Event]:
        repository, tag = parse_repository_tag(reference)
        events: queue.Queue[_Event] = queue.Queue()

        def receive() -> None:
            try:
                for event in self._client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
                    events.put(event)
                events.put(None)
            except Exception as error:  # noqa: BLE001 - the thread that waits reports it
                events.put(error)

        # the library's pull has no deadline of its own
        threading.Thread(target=receive, name=f"pull {reference}", daemon=True).start()
        return events

    def _follow(self, reference: str, events: queue.Queue[_Event]) -> str:
        while True:
            try:
                event = events.get(timeout=SILENCE_S)
            except queue.Empty:
                return f"the pull said nothing for {SILENCE_S} s"
            if event is None:
                return ""
            if said := pull_failure(event):
                return said
            if isinstance(event, dict) and event.get("status") == "Pull complete":
                self._tell(reference, f"{event.get('id', '')} pulled")

    def import_base(self, suite: str, mirror: debian.Mirror, check_valid_until: bool = True) -> str:
        """Make the base of a Debian suite with the recipe, which needs root and debootstrap; returns the image's id."""
        title = specs.base_tag(suite)
        tail: deque[str] = deque(maxlen=EVIDENCE_LINES)
        with tempfile.NamedTemporaryFile(prefix="harness-base-") as archive:
            # a file and not a pipe: the engine would import the first half of a broken pipe as the whole
            command = ["bash", str(recipe.folder(specs.BASE_RECIPE) / "debootstrap"), suite, mirror.uri]
            with subprocess.Popen(
                command if check_valid_until else [*command, "--no-check-valid-until"],
                stdin=subprocess.PIPE,
                stdout=archive,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            ) as process:
                assert process.stdin is not None
                assert process.stderr is not None
                with contextlib.suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(mirror.sources(suite))
                for line in process.stderr:
                    tail.append(line.rstrip())
                    self._tell(title, line.rstrip())
            if process.returncode != 0:
                raise failed_build(title, f"debootstrap exited with {process.returncode}", tail)
            changes = "\n".join(['CMD ["bash"]', *label_changes(specs.base_labels(suite, check_valid_until))])
            repository, _, tag = title.partition(":")
            try:
                self._client.api.import_image_from_file(archive.name, repository=repository, tag=tag, changes=changes)
            except FAILURES as error:
                raise failed_build(title, explanation(error), tail) from error
        found = self.find(title)
        if found is None:
            raise failed_build(title, "the engine imported it and does not have it", tail)
        return found

    def cannot_import(self) -> str:
        """The reason why no base can be made on this machine; empty if one can."""
        if not self._client.api.base_url.startswith("http+docker://"):
            return "the engine is on another machine"
        if os.geteuid() != 0:
            return "only root can make one"
        if debian.lacks_debootstrap():
            return "debootstrap and Debian's keys (debian-archive-keyring) are not both installed"
        return ""


def pull_failure(event: _Event) -> str:
    """The error of a pull in *event*, marked when the registry was not reached; empty if there is none."""
    if isinstance(event, Exception):
        said = explanation(event)
    elif event is not None and "error" in event:
        said = str(event["error"])
    else:
        return ""
    return f"{_NO_ANSWER}: {said}" if any(word in said for word in _UNREACHED) else said


def registry_of(reference: str) -> str:
    """The registry of *reference*, which the engine recognizes by the first part of the path."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def label_changes(labels: Mapping[str, str]) -> list[str]:
    """*labels* as the instructions of a commit or an import."""
    return [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
