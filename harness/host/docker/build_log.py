"""The output of a build, a pull or an import, for people and for the error if it fails."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from harness.errors import ServerError
from harness.host.docker.errors import EVIDENCE_LINES

OnProgress: TypeAlias = Callable[[str, str], None]
"""Called with an image's name and a progress line; from several threads at once."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class BuildLog:
    """The output of a build: passes each line on, without colours and credentials, and keeps the last ones for an error."""

    def __init__(self, title: str, on_progress: OnProgress, redact: Callable[[str], str] = str) -> None:
        self.title = title
        self.redact = redact
        self.tail: deque[str] = deque(maxlen=EVIDENCE_LINES)
        self._on_progress = on_progress

    def read(self, chunks: Iterable[bytes]) -> None:
        """Take the output in *chunks* to its end. A progress bar's carriage returns end a line too."""
        rest = b""
        for chunk in chunks:
            *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            for line in whole:
                self._add(line)
        self._add(rest)

    def announce(self, line: str) -> None:
        """Pass *line* on, which is the harness's own and no part of the output."""
        self._on_progress(self.title, self.redact(line))

    def failure(self, reason: str) -> ServerError:
        """The error for an image that was not made, for *reason*, with the last lines."""
        reason = self.redact(reason)
        evidence = "\n".join([*self.tail, reason.strip()])
        hint = (
            "The end of the build's log is part of this message. It goes on from the step that failed when tried again."
        )
        if "Release file" in evidence and ("expired" in evidence or "not valid" in evidence):
            hint = (
                "The mirror's Release file is past its date:"
                " 'harness images base --no-check-valid-until SUITE' takes it."
            )
        elif "space left on device" in evidence:
            hint = "The engine's disk is full: 'harness images prune --older-than 1d' and 'docker system df' show what can go."
        return ServerError(f"The image {self.title} could not be built.", hint=hint, evidence=evidence)

    def _add(self, line: bytes) -> None:
        shown = self.redact(_COLOURS.sub("", line.decode(errors="replace"))).rstrip()
        if shown:
            self.tail.append(shown)
            self._on_progress(self.title, shown)
