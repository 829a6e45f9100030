"""The command that somebody typed, as parsed values: what "again" and "replay" are made of. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Typed:
    """``words`` are the program, its command and its flags, without ``--replay``; ``labels`` are apart from them."""

    words: tuple[str, ...]
    labels: tuple[str, ...] = ()

    def with_labels(self, labels: Iterable[str]) -> str:
        """The same command with *labels*, for a shell."""
        labels = tuple(labels)
        # a label that looks like a flag is one unless this stands before it
        separator = ("--",) if any(label.startswith("-") for label in labels) else ()
        return shlex.join([*self.words, *separator, *labels])

    def replaying(self, file: str) -> str:
        """The same command that runs what *file* lists. Its labels stay: they found the tests that the file names."""
        return Typed((*self.words, "--replay", file)).with_labels(self.labels)
