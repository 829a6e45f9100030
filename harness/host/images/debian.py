"""Debian as a source of images where none can be pulled: the suites' Python versions, and the machine's own mirror.

Owns the reading of apt's configuration and of its sources, in both of their formats. ``host.images.base_images`` runs the
recipe.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PYTHON_SUITES: Mapping[str, str] = {"3.11": "bookworm", "3.13": "trixie", "3.14": "sid"}
"""The suite of each Python version."""

SUITES = ("bookworm", "trixie", "sid")
DEFAULT_SUITE = "trixie"

DEBOOTSTRAP_PACKAGES = ("debootstrap", "debian-archive-keyring")
"""The packages that make a base; Ubuntu lacks Debian's keys as well."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_ROLLING = frozenset({"sid", "unstable"})
_CODENAMES = frozenset({*SUITES, "unstable", "stable", "oldstable", "oldoldstable", "testing", "bullseye", "forky"})


@dataclass(frozen=True, slots=True)
class AptSource:
    """One line of binary packages of apt's sources: a mirror, one of its suites, and components."""

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


def machine_mirror(apt: Path = Path("/etc/apt")) -> Mirror:
    """The Debian mirror of the machine's apt configuration, or debootstrap's default where it has none, as on Ubuntu."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    texts = {file.name: file.read_text("utf-8", "replace") for file in files if file.is_file()}
    return find_mirror(parse_sources(texts)) or Mirror("")


def lacks_debootstrap() -> bool:
    """Whether debootstrap or Debian's keys are missing on this machine."""
    return shutil.which("debootstrap") is None or not KEYRING.exists()


def takes_expired() -> bool:
    """Whether this machine's own apt accepts a Release file that is past its date."""
    try:
        asked = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ignores_valid_until(asked.stdout)


def ignores_valid_until(dump: str) -> bool:
    """Whether the configuration that ``apt-config dump`` prints ignores the dates of Release files."""
    values = re.findall(r'^Acquire::Check-Valid-Until "([^"]*)";$', dump, re.MULTILINE | re.IGNORECASE)
    return bool(values) and values[-1].lower() in ("false", "no", "without", "off", "disable", "0")


def parse_sources(files: Mapping[str, str]) -> tuple[AptSource, ...]:
    """The sources in apt's files, by name: ``*.list`` in the one-line format, ``*.sources`` in deb822; no others."""
    found: list[AptSource] = []
    for name, text in files.items():
        if name.endswith(".list"):
            found.extend(_one_line_sources(text))
        elif name.endswith(".sources"):
            found.extend(_deb822_sources(text))
    return tuple(found)


def find_mirror(sources: Iterable[AptSource]) -> Mirror | None:
    """The mirror of Debian's own packages among *sources*, with its updates and security; ``None`` if there is none."""
    usable = [source for source in sources if source.uri.startswith(("http://", "https://")) and source.components]
    main = next((source for source in usable if source.suite in _CODENAMES and "main" in source.components), None)
    if main is None:
        return None
    security = next((source.uri for source in usable if source.suite.endswith("-security")), "")
    updates = any(source.suite.endswith("-updates") for source in usable)
    return Mirror(main.uri, main.components, updates, security)


def _one_line_sources(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        # deb [option=value ...] uri suite component...
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            yield AptSource(match[1].rstrip("/"), match[2], tuple(match[3].split()))


def _deb822_sources(text: str) -> Iterator[AptSource]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _deb822_fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield AptSource(uri.rstrip("/"), suite, tuple(fields.get("components", "").split()))


def _deb822_fields(stanza: str) -> dict[str, str]:
    """The fields of a stanza, names in lower case; a line that begins with a blank continues the field before."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
