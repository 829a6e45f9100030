"""The command as it was typed, as parsed values: the basis of the "again" and "replay" commands. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A typed command: ``words`` are the program, its command and its flags without ``--replay``; ``labels`` are separate."""

    words: tuple[str, ...]
    labels: tuple[str, ...] = ()

    def with_labels(self, labels: Iterable[str]) -> str:
        """The same command with *labels* instead of its own, quoted for a shell."""
        labels = tuple(labels)
        # without this, a label that looks like a flag would be one
        separator = ("--",) if any(label.startswith("-") for label in labels) else ()
        return shlex.join([*self.words, *separator, *labels])

    def replaying(self, file: str) -> str:
        """The same command with ``--replay`` *file*. Its labels stay: they found the tests that the file names."""
        return TypedCommand((*self.words, "--replay", file)).with_labels(self.labels)
