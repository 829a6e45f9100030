"""Makes the base of a Debian suite on this machine, where no registry has one, with the recipe in ``images/base``.

Needs root, debootstrap and an engine on this machine. ``debian`` beside this module finds the mirror.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile

from harness.errors import ServerError
from harness.host import programs
from harness.host.docker.build_log import BuildLog, OnProgress
from harness.host.docker.images import NAME_LABEL, Images
from harness.host.images import debian, recipe, specs

INSTALL_DEADLINE_S = 600
"""The longest time, in seconds, that apt may take to install debootstrap."""


def obstacle(images: Images) -> str:
    """The reason why no base can be made on this machine; empty if one can."""
    if not images.is_on_this_machine:
        return "the engine is on another machine"
    if os.geteuid() != 0:
        return "only root can make one"
    if debian.lacks_debootstrap():
        return "debootstrap and Debian's keys (debian-archive-keyring) are not both installed"
    return ""


def make(
    images: Images, suite: str, on_progress: OnProgress, mirror: str | None = None, *, check_valid_until: bool = True
) -> str:
    """Make the base of *suite* from *mirror* or the one of this machine's apt; returns the image's id."""
    source = debian.Mirror(mirror.rstrip("/")) if mirror else debian.machine_mirror()
    check_valid_until = check_valid_until and not debian.takes_expired()
    log = BuildLog(specs.base_tag(suite), on_progress)
    with tempfile.NamedTemporaryFile(prefix="harness-base-") as archive:
        # a file and not a pipe: the engine would import the first half of a broken pipe as the whole
        command = ["bash", str(recipe.folder(specs.BASE_RECIPE) / "debootstrap"), suite, source.uri]
        with subprocess.Popen(
            command if check_valid_until else [*command, "--no-check-valid-until"],
            stdin=subprocess.PIPE,
            stdout=archive,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(source.sources(suite).encode())
            log.read(process.stderr)
        if process.returncode != 0:
            raise log.failure(f"debootstrap exited with {process.returncode}")
        labels = {
            NAME_LABEL: specs.BASE_RECIPE,
            specs.VERSION_LABEL: suite,
            specs.VALID_UNTIL_LABEL: "checked" if check_valid_until else "ignored",
        }
        return images.import_file(archive.name, log.title, labels, log)


def install_debootstrap(on_progress: OnProgress, title: str) -> None:
    """Install debootstrap with apt; fetches the lists only if it cannot be had with those at hand. Raises ``ServerError``."""
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *debian.DEBOOTSTRAP_PACKAGES]
    on_progress(title, f"installing {' and '.join(debian.DEBOOTSTRAP_PACKAGES)}")
    for command in (install, ["apt-get", "update", "-qq"], install):
        ended = programs.run(command, INSTALL_DEADLINE_S, {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        if command is install and ended.code == 0:
            return
        if ended.code is None:
            break
    raise ServerError(
        "apt-get could not install debootstrap.",
        hint="Correct apt's sources, or load an image of Debian or Python by hand.",
        evidence=ended.last_lines(20),
    )
