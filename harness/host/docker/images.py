"""The engine's images: found, listed, removed, pulled, built and imported.

Owns these requests, the deadlines that the library's pull lacks, and the reading of the answers. ``host.images`` decides
which image is made, and of what.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import docker
import docker.errors
from docker.utils import parse_repository_tag

from harness.host.docker.build_log import BuildLog, OnProgress
from harness.host.docker.errors import FAILURES, explanation, refused
from harness.protocol import naming

NAME_LABEL = f"{naming.LABEL}.image"
"""The label with the image's name: ``postgres``, ``runner``, ``base``, ``project``. The harness's images all have it."""

ORIGIN_LABEL = f"{naming.LABEL}.origin"
"""The label with the reference of the image that this one is built on."""

PROJECT_LABEL = f"{naming.LABEL}.project"
"""The label with the folder of the project that the image was made for."""

MACHINE_LABEL = f"{naming.LABEL}.machine"
"""The label with the name of the machine that has this folder: several machines can share an engine."""

CACHE = "cache"
"""The name, in the same label, of a project's volume with what its installations have downloaded."""

PULL_ANSWER_S = 15
"""The longest time, in seconds, for a registry's first answer. A registry that does not answer costs a run this much, once."""

SILENCE_S = 900
"""The longest silence, in seconds, of a pull or a build under way."""

DISK_USAGE_S = 120
"""The longest wait, in seconds, for another client's measure of the engine's disk."""

_NO_ANSWER = "the registry does not answer"
_UNREACHED = ("no such host", "dial tcp", "timeout", "deadline exceeded", "connection refused", "unreachable", "EOF")

_PullEvent: TypeAlias = "dict[str, Any] | Exception"
"""A message of a pull: an event of the engine, or the exception that ended it."""


@dataclass(frozen=True, slots=True)
class Image:
    """One of the harness's images, as the engine lists it. Times are in seconds of the epoch.

    Only ``in_detail`` fills the rest: ``own_bytes`` of layers that no other image has, ``tagged_at``, the last time that it
    got a tag, and ``layers``, their digests from the lowest one.
    """

    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    created_at: float
    size_bytes: int = 0
    own_bytes: int = 0
    tagged_at: float = 0.0
    layers: tuple[str, ...] = ()
    has_container: bool = False

    @property
    def tag(self) -> str:
        """The harness's tag of the image, or its id if the tag was removed."""
        return next(filter(is_ours, self.tags), self.id)


class Images:
    """The images of one engine, and the registries that it reaches.

    Every method may be called from any thread, and raises ``ServerError`` when the engine refuses or fails.
    """

    def __init__(self, client: docker.DockerClient, on_progress: OnProgress) -> None:
        self._client = client
        self._api = client.api
        self._on_progress = on_progress
        self._silent_registries: dict[str, str] = {}
        self._registry_lock = threading.Lock()

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the engine is reached by a socket of this machine."""
        return str(self._api.base_url).startswith("http+docker://")

    def find(self, reference: str) -> str | None:
        """The id of an image that the engine has, or ``None``. Asks no registry."""
        image = self._inspect(reference)
        return None if image is None else str(image.id)

    def label(self, reference: str, name: str) -> str:
        """A label of an image that the engine has; empty without the label or the image."""
        image = self._inspect(reference)
        return "" if image is None else str(image.labels.get(name, ""))

    @property
    def machine(self) -> str:
        """The architecture of the engine's machine, as its kernel names it: ``x86_64``, ``aarch64``."""
        try:
            return str(self._api.info()["Architecture"])
        except FAILURES as error:
            raise refused("The engine could not be asked for its architecture", error) from error

    def output(self, reference: str, *command: str) -> str:
        """The output of *command* in a container of the image *reference*, which is removed."""
        try:
            return bytes(self._client.containers.run(reference, list(command), entrypoint=[], remove=True)).decode()
        except FAILURES as error:
            raise refused(f"{reference} could not run {command[0]}", error) from error

    def ours(self, name: str = "") -> tuple[Image, ...]:
        """Every image that the harness made here, tagged or not, without images that were built on them; with *name*, those
        of this name.
        """
        try:
            listing = self._api.images(filters={"label": f"{NAME_LABEL}={name}" if name else NAME_LABEL})
        except FAILURES as error:
            raise refused("The engine could not list its images", error) from error
        found = []
        for each in listing:
            tags = tuple(tag for tag in each.get("RepoTags") or () if not tag.startswith("<none>"))
            # an image that was built on one of ours inherits its labels, but no such tag
            if not tags or any(map(is_ours, tags)):
                found.append(Image(each["Id"], tags, each.get("Labels") or {}, each["Created"], each["Size"]))
        return tuple(found)

    def in_detail(self) -> list[Image]:
        """The images of ``ours`` with all their fields, and the volumes of projects; takes the engine some time."""
        ours, df = self.ours(), self._disk_usage()
        disk = {str(each["Id"]): each for each in df.get("Images") or ()}
        inspected = ((image, self._inspect(image.id)) for image in ours)
        caches = [_cache(each) for each in df.get("Volumes") or () if NAME_LABEL in (each.get("Labels") or {})]
        return [
            *caches,
            *(_in_detail(image, disk.get(image.id, {}), each.attrs) for image, each in inspected if each is not None),
        ]

    def stored_bytes(self) -> int:
        """The size of all layers on the engine's disk."""
        return int(self._disk_usage().get("LayersSize") or 0)

    def _disk_usage(self) -> Mapping[str, Any]:
        """The engine's measures of its images and volumes. It takes them for one client at a time and refuses others."""
        until = time.monotonic() + DISK_USAGE_S
        while True:
            try:
                usage: Mapping[str, Any] = self._api.df()
            except FAILURES as error:
                if "already running" not in explanation(error) or time.monotonic() > until:
                    raise refused("The engine could not measure its images", error) from error
                time.sleep(0.2)
            else:
                return usage

    def tag_again(self, tag: str) -> None:
        """Give the image *tag* the same tag once more: engines without containerd's store keep the time. Raises nothing."""
        repository, _, version = tag.partition(":")
        with contextlib.suppress(*FAILURES):
            self._api.tag(tag, repository, version)

    def remove(self, image: Image) -> str:
        """Remove *image*, or only our tag if it has foreign tags. Returns the reason of a failure, empty if it was removed."""
        if image.labels.get(NAME_LABEL) == CACHE:
            try:
                self._api.remove_volume(image.id)
            except FAILURES as error:
                return explanation(error)
            return ""
        foreign = [tag for tag in image.tags if not is_ours(tag)]
        references = [tag for tag in image.tags if is_ours(tag)] if foreign else [*image.tags, image.id]
        for reference in references:
            try:
                self._api.remove_image(reference)
            except docker.errors.ImageNotFound:
                continue
            except FAILURES as error:
                return explanation(error)
        return ""

    def pull(self, reference: str) -> str:
        """Pull *reference*; returns the reason of a failure, empty if it was pulled.

        A registry that did not answer once is not asked again: one that drops packets costs the full deadline.
        """
        registry = registry_of(reference)
        with self._registry_lock:
            if registry in self._silent_registries:
                return self._silent_registries[registry]
            self._on_progress(reference, "pulling")
            events = self._pull_events(reference)
            reason = pull_failure(next(events, None))
            if reason.startswith(_NO_ANSWER):
                self._silent_registries[registry] = reason
        while not reason and (event := next(events, None)) is not None:
            reason = pull_failure(event)
            if isinstance(event, dict) and event.get("status") == "Pull complete":
                self._on_progress(reference, f"{event.get('id', '')} pulled")
        return reason

    def build(
        self,
        context: bytes,
        log: BuildLog,
        *,
        dockerfile: str,
        tag: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> None:
        """Build *dockerfile* of the tar *context* as *tag*; *log* takes the output."""
        errors: list[str] = []
        try:
            stream = self._api.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                dockerfile=dockerfile,
                tag=tag,
                buildargs=dict(arguments),
                labels=dict(labels),
                rm=True,
                forcerm=True,
                decode=True,
                timeout=SILENCE_S,
            )
            log.read(_output(stream, errors))
        except FAILURES as error:
            raise log.failure(explanation(error)) from error
        if errors:
            raise log.failure(errors[-1])
        if not self.find(tag):
            raise log.failure("the engine ended the build without an image")

    def import_file(self, path: str, tag: str, labels: Mapping[str, str], log: BuildLog) -> str:
        """Import the root file system in the tar *path* as *tag*; returns the image's id."""
        repository, _, version = tag.partition(":")
        changes = "\n".join(['CMD ["bash"]', *label_changes(labels)])
        try:
            self._api.import_image_from_file(path, repository=repository, tag=version, changes=changes)
        except FAILURES as error:
            raise log.failure(explanation(error)) from error
        found = self.find(tag)
        if found is None:
            raise log.failure("the engine imported it and does not have it")
        return found

    def _inspect(self, reference: str) -> Any:
        """The image as the library describes it, or ``None`` if the engine does not have it."""
        try:
            return self._client.images.get(reference)
        except docker.errors.ImageNotFound:
            return None
        except FAILURES as error:
            raise refused(f"The engine could not be asked for {reference}", error) from error

    def _pull_events(self, reference: str) -> Iterator[_PullEvent]:
        """The events of a pull; the last one is an exception if it fails, or if the registry does not answer in time."""
        repository, tag = parse_repository_tag(reference)
        events: queue.Queue[_PullEvent | None] = queue.Queue()

        def receive() -> None:
            try:
                for event in self._api.pull(repository, tag=tag or "latest", stream=True, decode=True):
                    events.put(event)
                events.put(None)
            except Exception as error:  # noqa: BLE001 - the thread that waits reports it
                events.put(error)

        # the library's pull has no deadline of its own
        threading.Thread(target=receive, name=f"pull {reference}", daemon=True).start()
        try:
            event = events.get(timeout=PULL_ANSWER_S)
        except queue.Empty:
            event = TimeoutError(f"timeout: no answer in {PULL_ANSWER_S} s")
        while event is not None:
            yield event
            try:
                event = events.get(timeout=SILENCE_S)
            except queue.Empty:
                event = TimeoutError(f"the pull has made no progress for {SILENCE_S} s")


def _in_detail(image: Image, disk: Mapping[str, Any], inspected: Mapping[str, Any]) -> Image:
    shared = max(0, int(disk.get("SharedSize") or 0))
    return replace(
        image,
        own_bytes=max(0, int(disk.get("Size") or 0) - shared),
        tagged_at=_timestamp(inspected.get("Metadata", {}).get("LastTagTime")),
        layers=tuple(inspected.get("RootFS", {}).get("Layers") or ()),
        has_container=int(disk.get("Containers") or 0) > 0,
    )


def _cache(volume: Mapping[str, Any]) -> Image:
    usage = volume.get("UsageData") or {}
    size = max(0, int(usage.get("Size") or 0))
    is_used = int(usage.get("RefCount") or 0) > 0
    made_at = _timestamp(volume.get("CreatedAt"))
    name = str(volume["Name"])
    return Image(name, (name,), volume["Labels"], made_at, size, size, has_container=is_used)


def _timestamp(text: object) -> float:
    """The engine's time *text*, with nanoseconds or without, in seconds of the epoch; 0 for none."""
    try:
        return max(0.0, datetime.datetime.fromisoformat(f"{str(text)[:19]}+00:00").timestamp())
    except ValueError:
        return 0.0


def is_ours(tag: str) -> bool:
    """Whether *tag* is one of the harness's. Images built on ours inherit labels, but no such tag."""
    return tag.startswith(f"{naming.PREFIX}-")


def pull_failure(event: _PullEvent | None) -> str:
    """The error of a pull in *event*, marked when the registry was not reached; empty if there is none."""
    if isinstance(event, Exception):
        reason = explanation(event)
    elif event is not None and "error" in event:
        reason = str(event["error"])
    else:
        return ""
    return f"{_NO_ANSWER}: {reason}" if any(word in reason for word in _UNREACHED) else reason


def registry_of(reference: str) -> str:
    """The registry of *reference*, which the engine recognizes by the first part of the path."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def label_changes(labels: Mapping[str, str]) -> list[str]:
    """*labels* as the instructions of a commit or an import."""
    return [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]


def _output(events: Iterable[Mapping[str, Any]], errors: list[str]) -> Iterator[bytes]:
    """The output in a build's *events*; adds its error, if there is one, to *errors*."""
    for event in events:
        if "error" in event:
            errors.append(event["error"])
        yield str(event.get("stream", "")).encode()
