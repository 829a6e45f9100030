"""The images that can be made, their origins and their names: see docs/design/0002-images.md.

Owns the references, tags and labels of images, and only decides; ``builder`` beside this module makes images.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.errors import UsageError
from harness.host.digest import digest_of
from harness.host.docker.images import NAME_LABEL, ORIGIN_LABEL, Image
from harness.host.engines import Engine
from harness.host.images import debian, recipe
from harness.host.images.pythons import packing
from harness.host.images.pythons.interpreters import Interpreter
from harness.host.images.recipe import Recipe
from harness.host.project.python_version import PYTHONS, Wanted
from harness.protocol import naming

VERSION_LABEL = f"{naming.LABEL}.version"
KEY_LABEL = f"{naming.LABEL}.key"
ORIGIN_ID_LABEL = f"{naming.LABEL}.origin-id"
VALID_UNTIL_LABEL = f"{naming.LABEL}.valid-until"
WAY_LABEL = f"{naming.LABEL}.python-from"
"""The way by which an image has its Python, for people; images that are built on it inherit the label."""
RECIPE_LABEL = f"{naming.LABEL}.python-recipe"

BASE_RECIPE = "base"
TAG_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a spec: the image *reference*, which may have to be pulled.

    *suite* is the Debian suite of which an origin can be made on this machine instead; empty if there is none.
    """

    reference: str
    suite: str = ""

    @property
    def references(self) -> tuple[str, ...]:
        """The names under which this machine may have it."""
        return (self.reference, base_tag(self.suite)) if self.suite else (self.reference,)


@dataclass(frozen=True, slots=True)
class Step:
    """One Dockerfile of a recipe, and the build argument that names the image that it is built on."""

    dockerfile: str
    origin_argument: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """An image that can be made: *recipe*'s *steps*, each built on the one before, the first on *origin*."""

    name: str
    version: str
    origin: Origin
    recipe: Recipe
    steps: tuple[Step, ...]
    more_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The image's name for people: ``postgres:17``."""
        return f"{self.name}:{self.version}"

    @property
    def key(self) -> str:
        """A digest of all that decides the image's content, except the current content of its origin."""
        parts = [self.recipe.digest, self.name, self.version, self.origin.reference, self.origin.suite]
        for step in self.steps:
            parts += [step.dockerfile, step.origin_argument]
            parts += [f"{name}={value}" for name, value in sorted(step.arguments.items())]
        return digest_of(part.encode() for part in parts)

    def tag(self, origin_id: str, step: Step) -> str:
        """The tag of the image that *step* makes when the origin is the image *origin_id*."""
        digest = digest_of([self.key.encode(), origin_id.encode()])[:TAG_DIGITS]
        return f"{naming.PREFIX}-{self.name}{step.suffix}:{self.version}-{digest}"

    def labels(self, origin: str, origin_id: str, step: Step) -> dict[str, str]:
        """The labels of the image that *step* makes. Only the last step's image has the key by which the spec is found."""
        return {
            NAME_LABEL: f"{self.name}{step.suffix}",
            VERSION_LABEL: self.version,
            ORIGIN_LABEL: origin,
            ORIGIN_ID_LABEL: origin_id,
            KEY_LABEL: self.key if step is self.steps[-1] else "",
            **self.more_labels,
        }


def base_tag(suite: str) -> str:
    """The tag of the base that is made of a Debian suite."""
    return f"{naming.PREFIX}-base:{suite}"


def base_hint(suite: str, is_root: bool) -> str:
    """The command that makes the base of *suite*, as the next step after an error."""
    # sudo has a PATH of its own, without the virtual environment
    command = f"harness images base {suite}" if is_root else f'sudo "$(command -v harness)" images base {suite}'
    return f"'{command}' makes a base of Debian's packages, on the engine's own machine (Debian or Ubuntu)."


def server_specs(engine: Engine, version: str, image: str | None = None, apt: Sequence[str] = ()) -> tuple[Spec, ...]:
    """The ways to an image of *engine*'s *version*, the best first. *image* is the configured image; then it is the only
    way. *apt* are Debian packages that are added.
    """
    release = engine.release(version)
    made = recipe.load(engine.name, [recipe.PACKAGES] if apt else [])
    added = (Step(recipe.PACKAGES, "SOURCE", {"PACKAGES": " ".join(apt)}, suffix="-packages"),) if apt else ()
    seeded = Step("server.Dockerfile", "SOURCE", {"ACCOUNT": engine.account, "VERSION": version})
    official = Spec(engine.name, version, Origin(image or release.image), made, (*added, seeded))
    if image is not None:
        return (official,)
    packages = Step("debian.Dockerfile", "BASE", {"VERSION": version}, suffix="-binaries")
    return (official, Spec(engine.name, version, debian_origin(release.suite), made, (packages, *added, seeded)))


def runner_specs(python: Wanted | str, copies: Sequence[str] = ()) -> tuple[Spec, ...]:
    """The ways to the runner's image with *python*, such as ``3.13``, the best first.

    *copies* are the tags of images with an interpreter that was copied (``python_spec``). Raises ``UsageError`` for a version
    that the harness does not know.
    """
    wanted = Wanted(python) if isinstance(python, str) else python
    if wanted.series not in PYTHONS:
        raise UsageError(f"Unknown Python version {wanted.version!r}.", hint=f"Known: {', '.join(PYTHONS)}.")
    origins = [Origin(f"python:{wanted.version}-slim")]
    source = debian.PYTHON_SUITES.get(wanted.series)
    if source and not debian.refusal(wanted):
        origins.append(debian_origin(source.suite))
    origins += map(Origin, copies)
    made, step = recipe.load(recipe.RUNNER), Step("Dockerfile", "BASE")
    return tuple(Spec(recipe.RUNNER, wanted.version, origin, made, (step,)) for origin in origins)


def python_spec(interpreter: Interpreter, suite: str, way: str) -> Spec:
    """The image of Debian's *suite* with *interpreter*; *way* says for people where it is from."""
    loaded = recipe.load(recipe.PYTHON)
    made = replace(loaded, pack=functools.partial(packing.pack, interpreter))
    arguments = {"RELEASE": interpreter.release, "BUILD": interpreter.build}
    step = Step("Dockerfile", "BASE", arguments)
    labels = {WAY_LABEL: way, RECIPE_LABEL: loaded.digest}
    return Spec(recipe.PYTHON, interpreter.release, debian_origin(suite), made, (step,), labels)


def copies(images: Iterable[Image], python: Wanted) -> tuple[str, ...]:
    """The tags of those of *images* that ``python_spec`` makes today and that fit *python*, the newest release first."""
    digest = recipe.load(recipe.PYTHON).digest
    fitting = [
        image
        for image in images
        if image.labels.get(NAME_LABEL) == recipe.PYTHON
        and image.labels.get(RECIPE_LABEL) == digest
        and python.accepts(image.labels.get(VERSION_LABEL, ""))
        and image.tags
    ]
    return tuple(image.tag for image in sorted(fitting, key=_release_and_age, reverse=True))


def _release_and_age(image: Image) -> tuple[tuple[int, ...], float]:
    return tuple(map(int, image.labels[VERSION_LABEL].split("."))), image.created_at


def debian_origin(suite: str) -> Origin:
    """A Debian to install packages on: the official image, or a base made on this machine."""
    return Origin(f"debian:{suite}-slim", suite)


def choose(spec: Spec, images: Iterable[Image], local: Mapping[str, str]) -> Image | None:
    """The newest of *images* that *spec* would make now; ``None`` if it must be made.

    *local* maps references that the engine has to their ids. An image is out of date if its origin has been replaced here
    by another of the same name, but not if its origin is gone: nothing shows that the origin has changed.
    """
    known = {local[reference] for reference in spec.origin.references if reference in local}
    fitting = [
        image
        for image in images
        if image.labels.get(KEY_LABEL) == spec.key
        and (not known or image.labels.get(ORIGIN_ID_LABEL) in known)
        # an image built on one of ours inherits its labels, but not its tag
        and spec.tag(image.labels.get(ORIGIN_ID_LABEL, ""), spec.steps[-1]) in image.tags
    ]
    return max(fitting, key=lambda image: image.created_at, default=None)
