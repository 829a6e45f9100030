"""The settings of the user's own pip, from its files of configuration. Variables are not read here.

The files, their order and their form are pip's: https://pip.pypa.io/en/stable/topics/configuration/. They are read here, since
``pip config list`` takes a third of a second, and an environment that uv has made has no pip.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_SECTIONS = ("global", "install")


def settings(environ: Mapping[str, str], prefix: str = sys.prefix) -> dict[str, str]:
    """The settings that apply to ``pip install``, by their names with hyphens: a file overrides those that are read before it,
    and its section ``install`` the section ``global`` of every file. *prefix* is the folder of pip's environment.

    A file that pip could not read has no settings.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for path in files(environ, prefix):
        parser = configparser.RawConfigParser()
        with contextlib.suppress(OSError, ValueError, configparser.Error):
            parser.read_string(Path(path).read_text(), path)
            for section in filter(parser.has_section, _SECTIONS):
                found[section] |= {_name(option): value for option, value in parser.items(section)}
    return {name: value for section in _SECTIONS for name, value in found[section].items()}


def files(environ: Mapping[str, str], prefix: str) -> list[str]:
    """The files that pip reads, in its order, whether they exist or not."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    home = environ.get("HOME") or str(Path("~").expanduser())
    user = [] if own and Path(own).exists() else [f"{home}/.pip/pip.conf", f"{_user_folder(environ, home)}/pip.conf"]
    return [
        *(f"{folder}/pip.conf" for folder in _folders_of_all_users(environ)),
        *user,
        f"{prefix}/pip.conf",
        *filter(None, [own]),
    ]


def _folders_of_all_users(environ: Mapping[str, str]) -> list[str]:
    if sys.platform == "darwin":
        return ["/Library/Application Support/pip"]
    folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(f"{folder}/pip" for folder in folders.split(os.pathsep)), "/etc"]


def _user_folder(environ: Mapping[str, str], home: str) -> str:
    if sys.platform == "darwin":
        folder = f"{home}/Library/Application Support/pip"
        return folder if Path(folder).is_dir() else f"{home}/.config/pip"
    return f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/pip"


def _name(option: str) -> str:
    return option.lower().replace("_", "-").removeprefix("--")
