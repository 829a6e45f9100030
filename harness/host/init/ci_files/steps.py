"""A step of a project's CI: shell commands with their folder and variables, and the single commands in its text."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

DEPTH = 4
"""The number of files or recipes through which a command is followed: a workflow, a Makefile, a script."""
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
"""An expression of a workflow."""
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """Shell commands of a file, with the folder and the variables that they get there.

    A variable has each of the values that a matrix gives it, and none if they cannot be known. ``images`` are those of the
    services beside the step, ``pythons`` the versions of Python that its job sets up.
    """

    where: str
    text: str
    folder: str = ""
    env: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a step's text. ``step`` has the variables that are set before the command, too."""

    words: tuple[str, ...]
    step: Step


def words_of(text: str) -> Iterator[tuple[tuple[str, ...], dict[str, tuple[str, ...]]]]:
    """The words of each command of a shell's *text*, and the variables before it."""
    text = EXPRESSION.sub("$EXPRESSION", text.replace("\\\n", " "))
    for line in re.split(r"\n|&&|\|\||[;|]", _DEFAULT.sub(r"\1", text)):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        env: dict[str, tuple[str, ...]] = {}
        while words and (match := re.fullmatch(r"(\w+)=(.*)", words[0])):
            env[match[1]] = () if "$" in match[2] else (match[2],)
            words = words[1:]
        if words:
            yield tuple(words), env


def inner_folder(text: str) -> str:
    """The folder *text* relative to the project; empty for the project itself and for folders outside of it."""
    path = posixpath.normpath(text or ".")
    return "" if path == "." or path.startswith(("..", "/", "$", "{")) else path


def is_outside(text: str) -> bool:
    """Whether the folder *text* is above the project."""
    return posixpath.normpath(text or ".").startswith("..")


def text_of(value: object) -> str:
    """A value of YAML or TOML as the text that a shell gets."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def outer_file(where: str) -> str:
    """The file in which the services and variables of a step are, by its *where*: the one that calls the others."""
    return where.rpartition(", by ")[2]
