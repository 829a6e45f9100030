"""The settings of pip's files, beside what the real pip says of the same files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.host.images import pip_configuration

FIRST = """\
[global]
index-url = https://first.test/simple
extra-index-url =
    https://one.test/simple
    https://two.test/simple
timeout = 1
[install]
Find_Links = /srv/first
[download]
index-url = https://download.test/simple
"""
SECOND = """\
[global]
--index-url = https://second.test/simple
find-links = /srv/second
timeout = 2
"""
LAST = "[global]\ntimeout = 3\n[install]\nTrusted_Host: last.test\n"


ASK = """\
import json
from pip._internal.commands import create_command
values = create_command("install").parser.get_default_values()
names = {"index-url": "index_url", "timeout": "timeout", "find-links": "find_links", "trusted-host": "trusted_hosts"}
names["extra-index-url"] = "extra_index_urls"
print(json.dumps({name: getattr(values, attribute) for name, attribute in names.items()}))
"""
"""Asks the real pip. ``pip config list`` sorts the files by their names, so that it does not show which one counts."""


def pips(environ: dict[str, str]) -> dict[str, list[str]]:
    """The words of each setting that the real pip would install with."""
    done = subprocess.run([sys.executable, "-c", ASK], env=environ, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {
        name: value if isinstance(value, list) else [f"{value:g}" if name == "timeout" else value]
        for name, value in found.items()
    }


@pytest.mark.parametrize("own", ["", "own.conf", "missing.conf", os.devnull])
def test_they_are_those_that_pip_says(tmp_path: Path, own: str) -> None:
    for name, content in (
        ("all/pip/pip.conf", FIRST),
        ("more/pip/pip.conf", SECOND),
        ("home/.pip/pip.conf", SECOND.replace("second", "home")),
        ("home/.config/pip/pip.conf", FIRST.replace("first", "config")),
        ("own.conf", LAST),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    environ = {
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_DIRS": f"{tmp_path / 'all'}:{tmp_path / 'more'}",
        "PIP_CONFIG_FILE": own and str(tmp_path / own),
    }
    found = pip_configuration.settings(environ)
    said = pips(environ)
    assert {name: value.split() for name, value in found.items() if name in said} == {
        name: words for name, words in said.items() if words and (name in found or own != os.devnull)
    }
    assert (found.get("timeout") == "3") == (own == "own.conf")


def test_its_files_are_those_that_pip_would_read() -> None:
    environ = {"HOME": "/srv/me", "XDG_CONFIG_DIRS": "/etc/one:/etc/two", "PIP_CONFIG_FILE": "/srv/pip.conf"}
    command = [sys.executable, "-m", "pip", "config", "debug"]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^ +(/.*), exists: ", said, re.MULTILINE))
    assert len(listed) >= 6
    assert listed <= {*pip_configuration.files(environ, sys.prefix), "/srv/pip.conf"}


def test_the_environments_own_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[install]\nindex-url = https://environment.test/simple\n")
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    assert pip_configuration.settings(environ, str(tmp_path))["index-url"] == "https://environment.test/simple"


@pytest.mark.parametrize("content", [b"no section\n", b"[global]\nindex-url = \xff\xfe\x00\n[global]\n"])
def test_a_file_that_is_none_of_pips_has_no_settings(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pip.conf").write_bytes(content)
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    assert pip_configuration.settings(environ, str(tmp_path)) == pip_configuration.settings(environ, "/srv/none")
