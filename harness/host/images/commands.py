"""``harness images build|list|remove``.

Owns the output of these commands; ``images`` decides which image is made from what, and ``provision`` makes it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from harness.errors import ExitCode, UsageError
from harness.host.config.databases import DbSpec, exact
from harness.host.config.options import Config
from harness.host.docker.client import connect
from harness.host.engines import ENGINES
from harness.host.images import build_environment, provision, specs
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.builder import Workshop
from harness.host.images.recipe import Tell
from harness.host.images.specs import Image
from harness.host.project.settings_module import MANAGE_PY

_COLUMNS = ("image", "size", "built on")


def build_images(config: Config) -> ExitCode:
    """Make the missing images of a run with *config*: servers, the runner, the project's dependencies.

    Without ``db``, that is the default version of every engine; without a Django project, the runner alone. Raises
    ``ServerError`` for an image that can be neither found, pulled nor made.
    """
    tags = make_images(config, wanted_servers(config.db), _tell)
    print("\n".join(table(list(tags.items()))))
    return ExitCode.GREEN


def make_images(config: Config, db: Sequence[DbSpec], tell: Tell) -> dict[str, str]:
    """The tags of the images of the servers of *db*, and of the runner if there is one, made if missing.

    Raises ``ServerError`` for one that can be neither found, pulled nor made, when the others are there.
    """
    with _workshop(lambda: build_environment.read(config, os.environ), tell) as workshop:
        servers = dict.fromkeys(replace(exact(spec), alias=None) for spec in db if spec.engine in ENGINES)
        jobs = {str(spec): partial(_server, workshop, config, spec) for spec in servers}
        if config.runner == "container":
            jobs["project" if _has_project(config) else "runner"] = partial(_runner, workshop, config)
        return provision.side_by_side(jobs)


def list_images() -> ExitCode:
    """Print the images of the harness that the engine has."""
    with _workshop() as workshop:
        found = workshop.ours()
    print("\n".join(table([_COLUMNS, *rows(found)])) if found else "There are no images of the harness.")
    return ExitCode.GREEN


def remove_images(tags: Sequence[str]) -> ExitCode:
    """Remove the images called *tags*, or every one of the harness; ``SERVERS`` when one could not be removed.

    Raises ``UsageError`` for a tag that is not one of ours.
    """
    with _workshop() as workshop:
        left = chosen(workshop.ours(), tags)
        while left:
            refused: list[tuple[Image, str]] = []
            for image in left:
                if reason := workshop.remove(image):
                    refused.append((image, reason))
                else:
                    print(f"removed {image.tag}")
            if len(refused) == len(left):
                for image, reason in refused:
                    print(f"kept {image.tag}: {reason}", file=sys.stderr)
                return ExitCode.SERVERS
            left = [image for image, _ in refused]  # an image goes after those that are built on it
    return ExitCode.GREEN


def wanted_servers(db: Sequence[DbSpec]) -> tuple[DbSpec, ...]:
    """The engines and versions of *db*, each once; every engine's default where it names none for all aliases."""
    specs = [*db, *(DbSpec(name) for name in ENGINES if all(spec.alias is not None for spec in db))]
    return tuple(dict.fromkeys(replace(exact(spec), alias=None) for spec in specs if spec.engine in ENGINES))


def chosen(found: Iterable[Image], tags: Sequence[str]) -> list[Image]:
    """The images of *found* that *tags* name, by a tag or their id; all of them without *tags*.

    Raises ``UsageError`` for a tag that none of them has.
    """
    found = list(found)
    if not tags:
        return found
    picked: list[Image] = []
    for tag in tags:
        named = [image for image in found if tag in image.tags or tag == image.id]
        if not named:
            known = ", ".join(sorted(image.tag for image in found))
            raise UsageError(f"{tag} is no image of the harness.", hint=f"There are: {known or 'none'}.")
        picked += named
    return picked


def rows(found: Iterable[Image]) -> list[tuple[str, ...]]:
    """A row of ``_COLUMNS`` for each image, by tag."""
    return [
        (image.tag, f"{image.size_bytes / 1e6:.0f} MB", image.labels.get(specs.ORIGIN_LABEL, ""))
        for image in sorted(found, key=lambda image: image.tag)
    ]


def table(cells: Sequence[Sequence[str]]) -> list[str]:
    """The cells as lines of text, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _server(workshop: Workshop, config: Config, spec: DbSpec) -> str:
    assert spec.version is not None
    server = config.servers.get(spec.engine)
    return provision.server_image(workshop, ENGINES[spec.engine], spec.version, server.image if server else None)


def _runner(workshop: Workshop, config: Config) -> str:
    runner = provision.runner_image(workshop, config.python, config.python_source)
    if not _has_project(config):
        return runner
    return provision.project_image(workshop, runner, config.project, config.install, config.apt, (config.artifacts,))


def _has_project(config: Config) -> bool:
    # a manage.py that chooses between settings names none, and its dependencies are the same for each of them
    return config.settings is not None or (config.project / MANAGE_PY).is_file()


@contextlib.contextmanager
def _workshop(
    environment: Callable[[], BuildEnvironment] = BuildEnvironment, tell: Tell | None = None
) -> Iterator[Workshop]:
    with contextlib.closing(connect()) as client, Workshop(client, tell or _tell, environment) as workshop:
        yield workshop


def _tell(name: str, line: str) -> None:
    print(f"{name}: {line}", file=sys.stderr)
