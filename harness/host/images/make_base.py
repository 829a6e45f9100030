"""``harness images base``: bases of Debian suites where none can be pulled.

Owns the choice of bases and the installation of debootstrap; ``host.images.base_images`` makes a base with the recipe in
``images/base``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from harness.errors import ExitCode, ServerError
from harness.host.docker.client import connect
from harness.host.images import debian, specs
from harness.host.images.base_images import Origins
from harness.host.images.recipe import Tell

INSTALL_DEADLINE_S = 600
"""The longest time, in seconds, that apt may take to install debootstrap."""
STEP_S = 5.0
"""The least time, in seconds, between two printed steps of debootstrap's hundreds."""


def make_bases(suites: Sequence[str], mirror: str | None, *, check_valid_until: bool) -> ExitCode:
    """Make the bases of *suites* that can be neither found nor pulled, from *mirror* or the one of this machine's apt.

    Installs debootstrap where it is missing. Without *check_valid_until*, a suite whose Release file is past its date is
    accepted, and a base that would not accept it is made again. Raises ``ServerError`` when a base cannot be made.
    """
    takes_expired = not check_valid_until
    with contextlib.closing(connect()) as client:
        origins = Origins(client, paced(tell))
        for suite in suites or (debian.DEFAULT_SUITE,):
            if not (_has_expired_base(origins, suite) if takes_expired else _has_or_pulls(origins, suite)):
                _make(origins, suite, mirror, takes_expired=takes_expired)
    return ExitCode.GREEN


def tell(image: str, line: str) -> None:
    """Print a progress line of *image*."""
    print(f"{image}: {line}", file=sys.stderr)


def paced(tell: Tell, clock: Callable[[], float] = time.monotonic) -> Tell:
    """*tell* without most of debootstrap's steps (``I: Extracting libc6...``): one in ``STEP_S`` seconds shows progress."""
    told_at = -STEP_S

    def tell_some(image: str, line: str) -> None:
        nonlocal told_at
        is_step = line.startswith("I: ")
        if is_step and clock() - told_at < STEP_S:
            return
        told_at = clock()
        tell(image, line.removeprefix("I: "))

    return tell_some


def _has_expired_base(origins: Origins, suite: str) -> bool:
    return origins.label(specs.base_tag(suite), specs.VALID_UNTIL_LABEL) == "ignored"


def _has_or_pulls(origins: Origins, suite: str) -> bool:
    origin = specs.debian_origin(suite)
    if any(origins.find(reference) for reference in origin.all_references):
        return True
    return any(not origins.pull(reference) for reference in origin.references)


def _make(origins: Origins, suite: str, mirror: str | None, *, takes_expired: bool) -> None:
    title = specs.base_tag(suite)
    if os.geteuid() == 0 and debian.lacks_debootstrap():
        _install_debootstrap(title)
    if reason := origins.cannot_import():
        raise ServerError(f"The base {title} cannot be made: {reason}.", hint=specs.base_hint(suite, os.geteuid() == 0))
    source = debian.Mirror(mirror.rstrip("/")) if mirror else debian.machine_mirror()
    origins.import_base(suite, source, check_valid_until=not (takes_expired or debian.takes_expired()))
    tell(title, "made")


def _install_debootstrap(title: str) -> None:
    """Install debootstrap with apt; fetches the lists only if it cannot be had with those at hand. Raises ``ServerError``."""
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *debian.DEBOOTSTRAP_PACKAGES]
    tell(title, f"installing {' and '.join(debian.DEBOOTSTRAP_PACKAGES)}")
    said = ""
    for command in (install, ["apt-get", "update", "-qq"], install):
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                timeout=INSTALL_DEADLINE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
            break
        if command is install and done.returncode == 0:
            return
        said = done.stdout.strip()
    raise ServerError(
        "apt-get could not install debootstrap.",
        hint="Correct apt's sources, or load an image of Debian or Python by hand.",
        evidence="\n".join(said.splitlines()[-20:]),
    )
