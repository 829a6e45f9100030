"""Finds the images of runs, and makes the missing ones.

Owns the order of the steps: ``specs`` beside this module decides, ``host.docker`` speaks to the engine. If no image has to be
made, it uses no network: it reads the project's own files, and for the project's image pip's configuration.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import ServerError
from harness.host.docker.build_log import BuildLog, OnProgress
from harness.host.docker.client import Client
from harness.host.docker.images import ORIGIN_LABEL, Images, is_ours
from harness.host.docker.install import Installation, Installer
from harness.host.engines import Engine
from harness.host.images import debian, debian_base, recipe, specs
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.project_spec import (
    ProjectOptions,
    on_top,
    project_installation,
    reusable,
    system_installation,
)
from harness.host.images.pythons import by_uv, ways
from harness.host.images.specs import Origin, Spec, base_hint, choose
from harness.host.locks import alone
from harness.host.project import files
from harness.host.project.python_version import Wanted
from harness.host.retention.stored_images import remove_outdated
from harness.host.retention.usage import Records, records_folder
from harness.protocol import naming


class ImageBuilder:
    """Finds and makes images on one engine. ``close`` ends installations under way, from any thread.

    *environment* is called once, when it is first needed, from any thread. Every method raises ``ServerError`` with the
    end of the output when the engine refuses or fails.
    """

    def __init__(
        self, client: Client, on_progress: OnProgress, environment: Callable[[], BuildEnvironment] = BuildEnvironment
    ) -> None:
        self.images = Images(client, on_progress)
        self._on_progress = on_progress
        self._installer = Installer(client)
        self._read_environment = environment
        self._environment: BuildEnvironment | None = None
        self._environment_lock = threading.Lock()
        self._has_shown_notices = False
        self._records = Records(records_folder(os.environ))
        self._held = contextlib.ExitStack()

    def __enter__(self) -> ImageBuilder:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the installations under way, and let the images go that were used. Safe to call twice."""
        self._installer.close()
        self._held.close()

    @property
    def environment(self) -> BuildEnvironment:
        """The settings by which builds reach packages."""
        with self._environment_lock:
            if self._environment is None:
                self._environment = self._read_environment()
            return self._environment

    def server_image(self, engine: Engine, version: str, image: str | None = None, apt: Sequence[str] = ()) -> str:
        """The tag of a seeded image of *engine*'s *version*; *image* is the configured one, if any, and *apt* are the
        configured packages.

        Raises ``ServerError`` with every reason when it can be neither found, pulled nor built.
        """
        return self.provide(specs.server_specs(engine, version, image, apt))

    def runner_image(self, python: Wanted | str, python_source: str = "", project: Path | None = None) -> str:
        """The tag of the runner's image with *python*; *python_source* names the source of that version, empty for the
        default. *project* is the folder whose settings of uv apply.

        Raises ``ProjectError`` with the reason of each way if a Python that the project asks for cannot be had,
        ``ServerError`` for the default and where there is no Debian either, ``UsageError`` for an unknown version.
        """
        wanted = Wanted(python) if isinstance(python, str) else python
        if found := self._existing_runner(wanted):
            return found
        with self._lock(f"runner:{wanted.version}"):
            return self._existing_runner(wanted) or self._make_runner(wanted, python_source, project or Path.cwd())

    def python_of(self, tag: str) -> tuple[str, bool]:
        """The source of the Python in the image *tag*, a runner's, for people, and whether it was copied from a machine."""
        way = self.images.label(tag, specs.WAY_LABEL)
        return way or self.images.label(tag, ORIGIN_LABEL), bool(way)

    def project_image(self, runner: str, project: Path, options: ProjectOptions | None = None) -> str:
        """The tag of the image with the dependencies of *project*, on the image *runner*.

        The arguments and errors are those of ``project_installation``; a command that fails raises ``ProjectError`` with the
        end of the log. If nothing is to be installed, that is *runner*.
        """
        options = options or ProjectOptions()
        installation = project_installation(self.environment, runner, project, options)
        if not installation.commands:
            return self._system_image(runner, options.apt)
        if self._use(installation.tag, project):
            return installation.tag
        with self._lock(installation.tag):
            if self._use(installation.tag, project):
                return installation.tag
            earlier = reusable(installation, self.images.ours())
            can_reuse = earlier is not None and self._use(earlier.tag)
            if earlier is None or not can_reuse or not self._install(on_top(installation, earlier)):
                self._image_below(installation, runner, project, options)
                self._install(installation)
        remove_outdated(self.images, str(project), self._on_progress)
        return installation.tag

    def _image_below(self, installation: Installation, runner: str, project: Path, options: ProjectOptions) -> None:
        """Make the image that *installation* is made in, if it is missing."""
        if installation.source.startswith(f"{naming.PREFIX}-project:"):
            self.project_image(runner, project, replace(options, django=""))
        else:
            self._system_image(runner, options.apt)

    def _system_image(self, runner: str, apt: Sequence[str]) -> str:
        """The tag of *runner* with the Debian packages *apt*, made if missing."""
        if not apt:
            return runner
        installation = system_installation(self.environment, runner, apt)
        with self._lock(installation.tag):
            if not self._use(installation.tag):
                self._install(installation)
        return installation.tag

    def _install(self, installation: Installation) -> bool:
        """Make the image of *installation*, and return whether its condition held."""
        with tempfile.TemporaryFile() as archive:
            on = f" on {installation.source}, which has most of it" if installation.preparation else ""
            self._on_progress("project", f"installing what {installation.declared_in} names{on}")
            place = installation.project_folder.lstrip("/")
            files.project_tar(installation.project_root, installation.project_files, archive, place)
            archive.seek(0)
            log = BuildLog("project", self._on_progress, self._announced_environment().redact)
            if installation.cache:
                self._records.use(installation.cache, "", self._held)
            return self._installer.install(installation, archive, log)

    def provide(self, specs: Sequence[Spec]) -> str:
        """The tag of the image that one of *specs* describes, the best first: found, or made from the first available
        origin.
        """
        if (found := self._existing(specs)) and self._use(found):
            return found
        reasons: list[str] = []
        with self._lock(specs[0].title):
            if (found := self._existing(specs)) and self._use(found):
                return found
            for spec in specs:
                origin = self.find_or_pull(spec.origin, reasons) or self._make_base(spec.origin, reasons)
                if origin:
                    return self._make(spec, *origin)
        raise _unobtainable(specs, reasons)

    def find_or_pull(self, origin: Origin, reasons: list[str]) -> tuple[str, str] | None:
        """A reference of *origin* and its image's id, from this machine or a registry; adds the reason of a failed pull to
        *reasons*.
        """
        for reference in origin.references:
            if image_id := self.images.find(reference):
                return reference, image_id
        reason = self.images.pull(origin.reference)
        if not reason and (image_id := self.images.find(origin.reference)):
            return origin.reference, image_id
        reasons.append(f"{origin.reference}: {reason or 'pulled, and not there'}")
        return None

    def _use(self, tag: str, project: Path | None = None) -> bool:
        """Whether the image *tag* exists; if so, it is not pruned before this builder closes, and its use is recorded."""
        self._records.use(tag, str(project or ""), self._held)
        if not self.images.find(tag):
            return False
        self.images.tag_again(tag)
        return True

    def _existing(self, specs: Sequence[Spec]) -> str:
        """The tag of an image that exists and is up to date; empty if there is none.

        If its origin exists too, its tag is known. Otherwise the engine lists all of our images, which is slow.
        """
        references = {reference for spec in specs for reference in spec.origin.references}
        local = {reference: image_id for reference in references if (image_id := self.images.find(reference))}
        for spec in specs:
            for reference in spec.origin.references:
                if reference in local and self.images.find(tag := spec.tag(local[reference], spec.steps[-1])):
                    return tag
        ours = self.images.ours()
        return next((image.tag for spec in specs if (image := choose(spec, ours, local))), "")

    def _runner_specs(self, python: Wanted) -> Sequence[Spec]:
        """The ways to *python*: an official image, Debian's packages, and the interpreters that were copied before."""
        return specs.runner_specs(python, specs.copies(self.images.ours(recipe.PYTHON), python))

    def _existing_runner(self, python: Wanted) -> str:
        """The tag of a runner's image with *python* that is up to date; empty if there is none."""
        made = self._runner_specs(python)
        if python.takes_every_release:
            return self._existing(made)
        found = (self._existing([spec]) for spec in made)
        return next((tag for tag in found if tag and python.accepts(self._release(tag))), "")

    def _make_runner(self, python: Wanted, source: str, project: Path) -> str:
        """Make the runner's image with *python* by the first way that has it, and return its tag."""
        reasons: list[str] = []
        for spec in self._runner_specs(python):
            if tag := self._attempt(spec, reasons):
                release = "" if python.takes_every_release else self._release(tag)
                if not release or python.accepts(release):
                    return tag
                reasons.append(f"{spec.origin.reference}: its Python is {release}")
        if refusal := debian.refusal(python):
            reasons.append(f"Debian: {refusal}")
        origins = map(specs.debian_origin, debian.suites_for(by_uv.GLIBC, ""))
        if not any(self.find_or_pull(origin, []) or self._make_base(origin, reasons) for origin in origins):
            error = _unobtainable(specs.runner_specs(python), reasons)
            error.hint += (
                f" {source} asks for Python {python}; python in [tool.harness] names another." if source else ""
            )
            raise error
        title = f"{recipe.RUNNER}:{python.version}"
        tell = functools.partial(self._on_progress, title)
        with tempfile.TemporaryDirectory(prefix="harness-python-") as folder:
            for words, each in ways.interpreters(python, self.images.machine, Path(folder), project, reasons, tell):
                for suite in debian.suites_for(each.glibc, debian.machine_codename()):
                    tell(f"taking {words}, Python {each.release}, into Debian {suite}")
                    if copy := self._attempt(specs.python_spec(each, suite, words), reasons):
                        return self._make(specs.runner_specs(python, [copy])[-1], copy, self.images.find(copy) or "")
        raise ways.unobtainable(python, source, reasons)

    def _attempt(self, spec: Spec, reasons: list[str]) -> str:
        """The tag of *spec*'s image, made; empty if it cannot be, with the reason in *reasons*."""
        origin = self.find_or_pull(spec.origin, reasons) or self._make_base(spec.origin, reasons)
        try:
            return self._make(spec, *origin) if origin else ""
        except ServerError as error:
            reasons += [f"{spec.title} on {spec.origin.reference}: {error.message}", *error.evidence.splitlines()[-4:]]
            return ""

    def _release(self, tag: str) -> str:
        """The release of the Python in the image *tag*."""
        return self.images.output(tag, "python3", "-c", "import platform; print(platform.python_version())").strip()

    def _make_base(self, origin: Origin, reasons: list[str]) -> tuple[str, str] | None:
        if not origin.suite:
            return None
        tag = specs.base_tag(origin.suite)
        if obstacle := debian_base.obstacle(self.images):
            reasons.append(f"{tag}: {obstacle}")
            return None
        with self._lock(tag):
            if image_id := self.images.find(tag):
                return tag, image_id
            try:
                return tag, debian_base.make(self.images, origin.suite, self._on_progress)
            except ServerError as error:
                reasons.append("\n".join(filter(None, [f"{tag}: {error.message}", error.evidence])))
                return None

    def _make(self, spec: Spec, reference: str, origin_id: str) -> str:
        """Build *spec*'s steps, each on the one before, and return the last one's tag."""
        environment = self._announced_environment()
        below = reference
        for step in spec.steps:
            if is_ours(below):
                self._use(below)
            tag = spec.tag(origin_id, step)
            self._on_progress(spec.title, f"building {tag} on {below}")
            arguments = {**environment.proxy_variables(), **step.arguments, step.origin_argument: below}
            self.images.build(
                spec.recipe.context(),
                BuildLog(spec.title, self._on_progress, environment.redact),
                dockerfile=step.dockerfile,
                tag=tag,
                arguments=arguments,
                labels=spec.labels(reference, origin_id, step),
            )
            below = tag
        return below

    def _announced_environment(self) -> BuildEnvironment:
        """The environment, after its notices about missing settings were shown once."""
        environment = self.environment
        with self._environment_lock:
            if not self._has_shown_notices:
                self._has_shown_notices = True
                for notice in environment.notices:
                    self._on_progress("pip", notice)
        return environment

    def _lock(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Keep other threads and runs of this user from making *name* at the same time."""
        return alone(name, lambda: self._on_progress(name, "another run makes it already: waiting"))


def _unobtainable(specs: Sequence[Spec], reasons: Sequence[str]) -> ServerError:
    spec = specs[0]
    suite = next((spec.origin.suite for spec in specs if spec.origin.suite), "")
    hint = f"'docker pull {spec.origin.reference}' on the engine's machine shows what is in the way."
    if suite:
        hint = f"{base_hint(suite, os.geteuid() == 0)} With a registry, {hint}"
    if spec.name != "runner":
        hint += f' Or name an image that is there: [tool.harness.servers.{spec.name}] image = "...".'
    return ServerError(f"There is nothing to make the image {spec.title} from.", hint=hint, evidence="\n".join(reasons))
