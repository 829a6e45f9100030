"""Debian as a source of images where none can be pulled: the suites' Python versions, and the machine's own mirror.

Asks apt for its configuration and its sources; ``debian_base`` beside this module runs the recipe.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.host import programs

if TYPE_CHECKING:
    from harness.host.project.python_version import Wanted


@dataclass(frozen=True, slots=True)
class SuitesPython:
    """The Python of a suite. *release* is such as ``3.13.5``, which a released suite keeps; empty for a rolling one."""

    suite: str
    release: str = ""


PYTHON_SUITES: Mapping[str, SuitesPython] = {
    "3.11": SuitesPython("bookworm", "3.11.2"),
    "3.13": SuitesPython("trixie", "3.13.5"),
    "3.14": SuitesPython("sid"),
}
"""The suite of each Python version."""

GLIBC: Mapping[str, tuple[int, int]] = {"bookworm": (2, 36), "trixie": (2, 41), "sid": (2, 42)}
"""The glibc of each suite; that of sid is at least this one."""

SUITES = ("bookworm", "trixie", "sid")
DEFAULT_SUITE = "trixie"

DEBOOTSTRAP_PACKAGES = ("debootstrap", "debian-archive-keyring")
"""The packages that make a base; Ubuntu lacks Debian's keys as well."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

APT_DEADLINE_S = 30

_SOURCE_FORMAT = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)"
_ROLLING = frozenset({"sid", "unstable"})
_CODENAMES = frozenset({*SUITES, "unstable", "stable", "oldstable", "oldoldstable", "testing", "bullseye", "forky"})


@dataclass(frozen=True, slots=True)
class AptSource:
    """A source of binary packages: a mirror, one of its suites, and the components."""

    uri: str
    suite: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mirror:
    """The Debian mirror of a machine. ``security`` is empty where it has no source of security updates.

    An empty ``uri`` is debootstrap's default mirror.
    """

    uri: str
    components: tuple[str, ...] = ("main",)
    updates: bool = False
    security: str = ""

    def sources(self, suite: str) -> str:
        """The text of a ``sources.list`` for *suite* from this mirror; empty for debootstrap's own."""
        if not self.uri:
            return ""
        components = " ".join(self.components)
        lines = [f"deb {self.uri} {suite} {components}"]
        if suite not in _ROLLING:
            if self.updates:
                lines.append(f"deb {self.uri} {suite}-updates {components}")
            if self.security:
                lines.append(f"deb {self.security} {suite}-security {components}")
        return "".join(line + "\n" for line in lines)


def refusal(python: Wanted) -> str:
    """The reason why no suite has *python*; empty if one may."""
    source = PYTHON_SUITES.get(python.series)
    if source is None:
        return f"no suite has Python {python.series}"
    if source.release and not python.accepts(source.release):
        return f"{source.suite} has Python {source.release}"
    return ""


def suites_for(glibc: str, codename: str) -> tuple[str, ...]:
    """The suites on which a program that was made for *glibc*, such as ``2.36``, can run, the best first.

    *codename* is that of this machine's own Debian: there it has the same libraries as here.
    """
    needed = tuple(int(part) for part in glibc.split(".")[:2])
    fitting = sorted((suite for suite in SUITES if GLIBC[suite] >= needed), key=lambda suite: suite != DEFAULT_SUITE)
    return tuple(sorted(fitting, key=lambda suite: suite != codename))


def machine_codename() -> str:
    """The codename of this machine's Debian, such as ``bookworm``; another system's, or empty."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def machine_mirror() -> Mirror:
    """The Debian mirror of the machine's apt configuration, or debootstrap's default where it has none, as on Ubuntu."""
    return find_mirror(apt_sources()) or Mirror("")


def apt_sources() -> tuple[AptSource, ...]:
    """The sources of binary packages that apt is configured with, each once, whether their lists were fetched or not."""
    # without release info, apt prints sources whose lists were never fetched too
    listing = _ask_apt(
        "apt-get", "indextargets", "--no-release-info", "--format", _SOURCE_FORMAT, "Created-By: Packages"
    )
    found: dict[tuple[str, str], list[str]] = {}
    for line in dict.fromkeys(listing.splitlines()):
        uri, suite, component = line.split("\t")
        found.setdefault((uri.rstrip("/"), suite), []).append(component)
    return tuple(AptSource(uri, suite, tuple(components)) for (uri, suite), components in found.items())


def lacks_debootstrap() -> bool:
    """Whether debootstrap or Debian's keys are missing on this machine."""
    return shutil.which("debootstrap") is None or not KEYRING.exists()


def takes_expired() -> bool:
    """Whether this machine's own apt accepts a Release file that is past its date."""
    return ignores_valid_until(_ask_apt("apt-config", "dump"))


def ignores_valid_until(dump: str) -> bool:
    """Whether the configuration that ``apt-config dump`` prints ignores the dates of Release files."""
    values = re.findall(r'^Acquire::Check-Valid-Until "([^"]*)";$', dump, re.MULTILINE | re.IGNORECASE)
    return bool(values) and values[-1].lower() in ("false", "no", "without", "off", "disable", "0")


def find_mirror(sources: Iterable[AptSource]) -> Mirror | None:
    """The mirror of Debian's own packages among *sources*, with its updates and security; ``None`` if there is none."""
    usable = [source for source in sources if source.uri.startswith(("http://", "https://")) and source.components]
    main = next((source for source in usable if source.suite in _CODENAMES and "main" in source.components), None)
    if main is None:
        return None
    security = next((source.uri for source in usable if source.suite.endswith("-security")), "")
    updates = any(source.suite.endswith("-updates") for source in usable)
    return Mirror(main.uri, main.components, updates, security)


def _ask_apt(*command: str) -> str:
    """The output of one of apt's commands; empty on a machine without apt, and when it fails."""
    return programs.answer(command, APT_DEADLINE_S)
