"""``harness images build|base``.

Owns the output of these commands; ``specs`` decides which image is made from what, ``builder`` makes it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from harness.errors import ExitCode, ServerError
from harness.host.config.databases import DbSpec
from harness.host.config.options import Config
from harness.host.docker.build_log import OnProgress
from harness.host.docker.client import connect
from harness.host.engines import ENGINES
from harness.host.images import build_environment, debian, debian_base, specs
from harness.host.images.build_environment import BuildEnvironment
from harness.host.images.builder import ImageBuilder
from harness.host.images.provision import RUNNER, ConfiguredImages, has_project, servers_of
from harness.host.retention.stored_images import table

STEP_S = 5.0
"""The least time, in seconds, between two printed steps of debootstrap's hundreds."""


def print_progress(image: str, line: str) -> None:
    print(f"{image}: {line}", file=sys.stderr)


def build_images(config: Config) -> ExitCode:
    """Make the missing images of a run with *config*: servers, the runner, the project's dependencies.

    Without ``db``, that is the default version of every engine; without a Django project, the runner alone. Raises
    ``ServerError`` for an image that can be neither found, pulled nor made.
    """
    tags = make_images(config, wanted_servers(config.db), print_progress)
    named = {
        name.replace(RUNNER, "project", 1) if name.startswith(RUNNER) and has_project(config) else name: tag
        for name, tag in tags.items()
    }
    print("\n".join(table(list(named.items()))))
    return ExitCode.GREEN


def make_images(config: Config, db: Sequence[DbSpec], on_progress: OnProgress) -> dict[str, str]:
    """The tags of the images of the servers of *db*, and of the runner if there is one, made if missing.

    Raises ``ServerError`` for one that can be neither found, pulled nor made.
    """
    with _builder(on_progress, lambda: build_environment.read(config, os.environ)) as builder:
        return ConfiguredImages(builder, config).all(db)


def make_bases(suites: Sequence[str], mirror: str | None, *, check_valid_until: bool) -> ExitCode:
    """Make the bases of *suites* that can be neither found nor pulled, from *mirror* or the one of this machine's apt.

    Installs debootstrap where it is missing. Without *check_valid_until*, a suite whose Release file is past its date is
    accepted, and a base that would not accept it is made again. Raises ``ServerError`` when a base cannot be made.
    """
    with _builder(paced(print_progress)) as builder:
        for suite in suites or (debian.DEFAULT_SUITE,):
            if check_valid_until:
                is_there = builder.find_or_pull(specs.debian_origin(suite), []) is not None
            else:
                is_there = builder.images.label(specs.base_tag(suite), specs.VALID_UNTIL_LABEL) == "ignored"
            if not is_there:
                _make_base(builder, suite, mirror, check_valid_until=check_valid_until)
    return ExitCode.GREEN


def wanted_servers(db: Sequence[DbSpec]) -> tuple[DbSpec, ...]:
    """The engines and versions of *db*, each once; every engine's default where it names none for all aliases."""
    return servers_of([*db, *(DbSpec(name) for name in ENGINES if all(spec.alias is not None for spec in db))])


def paced(on_progress: OnProgress, clock: Callable[[], float] = time.monotonic) -> OnProgress:
    """*on_progress* with one of debootstrap's steps (``I: Extracting libc6...``) in ``STEP_S`` seconds."""
    last = -STEP_S

    def pass_on(image: str, line: str) -> None:
        nonlocal last
        if line.startswith("I: ") and clock() - last < STEP_S:
            return
        last = clock()
        on_progress(image, line.removeprefix("I: "))

    return pass_on


def _make_base(builder: ImageBuilder, suite: str, mirror: str | None, *, check_valid_until: bool) -> None:
    title = specs.base_tag(suite)
    is_root = os.geteuid() == 0
    if is_root and debian.lacks_debootstrap():
        debian_base.install_debootstrap(print_progress, title)
    if reason := debian_base.obstacle(builder.images):
        raise ServerError(f"The base {title} cannot be made: {reason}.", hint=specs.base_hint(suite, is_root))
    debian_base.make(builder.images, suite, paced(print_progress), mirror, check_valid_until=check_valid_until)
    print_progress(title, "made")


@contextlib.contextmanager
def _builder(
    on_progress: OnProgress = print_progress, environment: Callable[[], BuildEnvironment] = BuildEnvironment
) -> Iterator[ImageBuilder]:
    with contextlib.closing(connect()) as client, ImageBuilder(client, on_progress, environment) as builder:
        yield builder
