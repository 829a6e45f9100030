"""Provides the images of a run: finds the existing ones and makes the missing ones, side by side.

Owns the order of the steps: ``images`` decides, ``host.images.builder`` acts. If no image has to be made, it uses no
network: it reads the project's own files, and for the project's image pip's configuration.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from harness.errors import ServerError
from harness.host.engines import Engine
from harness.host.images import debian, specs
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.builder import Command, Workshop
from harness.host.images.specs import Origin, Spec, base_hint, choose
from harness.host.locks import lock_file
from harness.host.project import dependencies, files, git_version, undeclared
from harness.host.project.dependencies import Installation
from harness.host.project.files import fingerprints, project_files

LOCK_DEADLINE_S = 1800
"""The longest wait, in seconds, for another run that makes the same image, before making it anyway."""

_Value = TypeVar("_Value")


def server_image(workshop: Workshop, engine: Engine, version: str, image: str | None = None) -> str:
    """The tag of a seeded image of *engine*'s *version*; *image* is the configured one, if any.

    Raises ``ServerError`` with every reason when it can be neither found, pulled nor built.
    """
    return provide(workshop, specs.server_specs(engine.name, engine.release(version), image))


def runner_image(workshop: Workshop, python: str, told_by: str = "") -> str:
    """The tag of the runner's image with *python*; *told_by* names the source of that version, empty for the default.

    Raises as ``server_image`` does, and ``UsageError`` for an unknown Python version.
    """
    try:
        return provide(workshop, specs.runner_specs(python))
    except ServerError as error:
        if told_by:
            error.hint += f" Python {python} is what {told_by} says; python in [tool.harness] names another."
        raise


def project_image(
    workshop: Workshop,
    runner: str,
    root: Path,
    configured: Sequence[str] | None = None,
    apt: Sequence[str] = (),
    exclude: Sequence[Path] = (),
) -> str:
    """The tag of the image with the dependencies of the project in *root*, on the image *runner*.

    *configured* are the commands of ``[tool.harness] install``, *apt* the Debian packages, *exclude* the folders that are
    not part of the project. If *configured* is empty and no *apt* is given, that is *runner*. Raises ``ProjectError``
    where nothing names dependencies, for files that cannot be read or followed, and with the end of
    the log for a command that fails.
    """
    installation, names, digest = wanted(workshop.known_environment, runner, root, configured, apt, exclude)
    if not installation.commands and not apt:
        return runner
    tag = specs.project_tag(digest)
    if workshop.origins.find(tag):
        return tag
    with _lock(tag, workshop), tempfile.TemporaryFile() as archive:
        if workshop.origins.find(tag):
            return tag
        workshop.tell("project", f"installing what {installation.declared_in or 'apt'} names")
        files.project_tar(root, names, archive)
        archive.seek(0)
        commands = [Command(text, advise=partial(git_version.advice, root, text)) for text in installation.commands]
        if apt:
            commands.insert(0, Command(dependencies.apt_command(apt), user="root"))
        workshop.install("project", runner, tag, commands, archive, specs.project_labels(digest, runner))
    return tag


def wanted(
    environment: BuildEnvironment,
    runner: str,
    root: Path,
    configured: Sequence[str] | None = None,
    apt: Sequence[str] = (),
    exclude: Sequence[Path] = (),
) -> tuple[Installation, Sequence[str], str]:
    """The installation of a project's dependencies, the files that it can read, and the digest of all that it depends
    on.

    The arguments and errors are those of ``project_image``.
    """
    installation = dependencies.plan(root, configured, environment.indexes)
    if not installation.commands and configured is None:
        raise undeclared.error(root)
    names = installation.files if installation.files is not None else project_files(root, exclude)
    contents = fingerprints(root, names)
    return installation, names, dependencies.digest(installation, contents, runner, apt, environment.key_parts())


def provide(workshop: Workshop, specs: Sequence[Spec]) -> str:
    """The tag of the image that one of *specs* describes, the best first: found, or made from the first available origin."""
    if found := _existing(workshop, specs):
        return found
    reasons: list[str] = []
    with _lock(specs[0].title, workshop):
        if found := _existing(workshop, specs):
            return found
        for spec in specs:
            if origin := _obtain(workshop, spec.origin, reasons):
                return _make(workshop, spec, *origin)
    raise _unobtainable(specs, reasons)


def side_by_side(jobs: Mapping[str, Callable[[], _Value]]) -> dict[str, _Value]:
    """The results of *jobs* by name, all run at once; raises the exception of the first that fails.

    The threads end with the process, so that an interrupted run does not wait for a build: close the ``Workshop``.
    """
    ended: queue.Queue[_Ended[_Value]] = queue.Queue()
    for name, job in jobs.items():
        threading.Thread(target=lambda name=name, job=job: ended.put(_Ended(name, job)), name=name, daemon=True).start()
    results = dict(ended.get().result() for _ in jobs)
    return {name: results[name] for name in jobs}


class _Ended(Generic[_Value]):
    """A job that has run: its result, or its exception."""

    def __init__(self, name: str, job: Callable[[], _Value]) -> None:
        self._name = name
        self._error: BaseException | None = None
        try:
            self._value = job()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error

    def result(self) -> tuple[str, _Value]:
        if self._error is not None:
            raise self._error
        return self._name, self._value


def _existing(workshop: Workshop, specs: Sequence[Spec]) -> str:
    """The tag of an image that exists and is up to date; empty if there is none.

    If its origin exists too, its tag is known. Otherwise the engine lists all of our images, which is slow.
    """
    references = {reference for spec in specs for reference in spec.origin.all_references}
    local = {reference: image_id for reference in references if (image_id := workshop.origins.find(reference))}
    for spec in specs:
        for reference in spec.origin.all_references:
            if reference in local and workshop.origins.find(tag := spec.tag(local[reference], spec.steps[-1])):
                return tag
    ours = workshop.ours()
    for spec in specs:
        if image := choose(spec, ours, local):
            return image.tag
    return ""


def _obtain(workshop: Workshop, origin: Origin, reasons: list[str]) -> tuple[str, str] | None:
    """A reference of *origin* and its image's id, from this machine or a registry; adds the reason of a failure to
    *reasons*.
    """
    for reference in origin.all_references:
        if image_id := workshop.origins.find(reference):
            return reference, image_id
    for reference in origin.references:
        reason = workshop.origins.pull(reference)
        image_id = None if reason else workshop.origins.find(reference)
        if image_id:
            return reference, image_id
        reasons.append(f"{reference}: {reason or 'pulled, and not there'}")
    return _make_base(workshop, origin.suite, reasons) if origin.suite else None


def _make_base(workshop: Workshop, suite: str, reasons: list[str]) -> tuple[str, str] | None:
    tag = specs.base_tag(suite)
    if reason := workshop.origins.cannot_import():
        reasons.append(f"{tag}: {reason}")
        return None
    with _lock(tag, workshop):
        if image_id := workshop.origins.find(tag):
            return tag, image_id
        try:
            checks = not debian.takes_expired()
            return tag, workshop.origins.import_base(suite, debian.machine_mirror(), check_valid_until=checks)
        except ServerError as error:
            reasons.append("\n".join(filter(None, [f"{tag}: {error.message}", error.evidence])))
            return None


def _make(workshop: Workshop, spec: Spec, reference: str, origin_id: str) -> str:
    """Build *spec*'s steps, each on the one before, and return the last one's tag."""
    below = reference
    for step in spec.steps:
        tag = spec.tag(origin_id, step)
        workshop.tell(spec.title, f"building {tag} on {below}")
        arguments = {**step.arguments, step.origin_argument: below}
        labels = spec.labels(reference, origin_id, step)
        workshop.build(spec.title, tag, spec.recipe.context(), step.dockerfile, arguments, labels)
        below = tag
    return below


@contextlib.contextmanager
def _lock(name: str, workshop: Workshop) -> Iterator[None]:
    """Keep other threads and runs of this user from making *name* at the same time.

    Making it twice only costs time, so the block runs without the lock after the deadline.
    """
    until = time.monotonic() + LOCK_DEADLINE_S
    with lock_file(name) as file:
        told = False
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    workshop.tell(name, "it is being made already: waiting")
                    told = True
                time.sleep(0.1)
        yield


def _unobtainable(specs: Sequence[Spec], reasons: Sequence[str]) -> ServerError:
    spec = specs[0]
    suite = next((spec.origin.suite for spec in specs if spec.origin.suite), "")
    hint = f"'docker pull {spec.origin.references[0]}' on the engine's machine shows what is in the way."
    if suite:
        hint = f"{base_hint(suite, os.geteuid() == 0)} With a registry, {hint}"
    if spec.name != "runner":
        hint += f' Or name an image that is there: [tool.harness.servers.{spec.name}] image = "...".'
    return ServerError(f"There is nothing to make the image {spec.title} from.", hint=hint, evidence="\n".join(reasons))
