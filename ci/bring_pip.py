"""``python ci/bring_pip.py``: installs pip into the environment of this Python, which has none and no ``ensurepip`` either.

Debian's python3 is so without its package python3-venv. The wheel of pip comes from the machine (Debian's package
python3-pip-whl), or from the index that pip's own configuration names, and its digest is compared with the index's. Needs the
standard library alone.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

PUBLIC_INDEX = "https://pypi.org/simple"
"""The index of a pip without configuration."""
SHARED_WHEELS = Path("/usr/share/python-wheels")
TIMEOUT_S = 60
_WHEEL = re.compile(r"/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl#sha256=([0-9a-f]{64})$")
_LEAST_PYTHON = re.compile(r">=\s*(\d+)\.(\d+)")


class Link(NamedTuple):
    """A wheel of pip on an index: its version, its address and its digest."""

    version: tuple[int, ...]
    url: str
    sha256: str


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Mapping[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append({name: value or "" for name, value in attrs})


def newest(page: str, address: str, python: tuple[int, int]) -> Link | None:
    """The newest wheel on the *page* of an index at *address* that runs on *python*; ``None`` if there is none."""
    parser = _Links()
    parser.feed(page)
    links = []
    for attributes in parser.found:
        url = urllib.parse.urljoin(address, attributes.get("href", ""))
        least = _LEAST_PYTHON.search(attributes.get("data-requires-python", ""))
        fits = least is None or (int(least[1]), int(least[2])) <= python
        if "data-yanked" not in attributes and fits and (name := _WHEEL.search(url)):
            links.append(Link(tuple(map(int, name[1].split("."))), url, name[2]))
    return max(links, default=None)


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings ``index-url`` and ``cert`` of pip, from its files and variables, the strongest last."""
    home = Path(environ.get("HOME") or Path.home())
    found: dict[str, str] = {}
    for path in (
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
        Path(environ.get("PIP_CONFIG_FILE") or os.devnull),
    ):
        parser = configparser.RawConfigParser()
        parser.read(path)
        found |= dict(parser["global"]) if parser.has_section("global") else {}
    for name in ("index-url", "cert"):
        if value := environ.get(f"PIP_{name.upper().replace('-', '_')}"):
            found[name] = value
    return found


def _candidates(folder: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """The wheels of pip, the nearest first. Raises ``OSError``, ``ValueError`` where the index has none."""
    yield from sorted(SHARED_WHEELS.glob("pip-*.whl"), reverse=True)
    ours = settings(environ)
    address = f"{ours.get('index-url', PUBLIC_INDEX).rstrip('/')}/pip/"
    context = ssl.create_default_context(cafile=ours.get("cert"))
    with urllib.request.urlopen(address, timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310 - the index of the user
        link = newest(answer.read().decode(errors="replace"), answer.url, sys.version_info[:2])
    if link is None:
        raise ValueError("the index has no wheel of pip for this Python")
    with urllib.request.urlopen(link.url.partition("#")[0], timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310 - its link, with a digest
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != link.sha256:
        raise ValueError("the wheel of pip is not the one that the index names")
    wheel = folder / f"pip-{'.'.join(map(str, link.version))}-py3-none-any.whl"
    wheel.write_bytes(content)
    yield wheel


def main() -> int:
    """Install pip; 1 with the reason on the error stream where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheel = next(_candidates(Path(folder), os.environ))
        except (OSError, ValueError, configparser.Error) as error:
            print(f"no pip for {sys.executable}: {error}", file=sys.stderr)
            return 1
        command = [sys.executable, f"{wheel}/pip", "install", "-q", "--no-index", "--no-deps", str(wheel)]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
