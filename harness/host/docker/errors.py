"""Turns the exceptions of the Docker library into ``ServerError``."""

from __future__ import annotations

from collections.abc import Iterable

import docker.errors
import requests.exceptions

from harness.errors import ProjectError, ServerError

FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)
"""All exceptions that a call to the engine can raise."""

EVIDENCE_LINES = 30
"""The number of a log's last lines that an error shows."""


def explanation(error: BaseException) -> str:
    """The engine's message, without the address of the request."""
    return str(getattr(error, "explanation", None) or error)


def refused(what: str, error: BaseException) -> ServerError:
    """The error for a short request that the engine answered with *error*."""
    return ServerError(f"{what}.", hint="Look at the engine's own log, or start it anew.", evidence=explanation(error))


def failed_build(title: str, reason: str, tail: Iterable[str]) -> ServerError:
    """The error for the image *title* that was not made, for *reason*; *tail* is the end of the log."""
    evidence = "\n".join([*tail, reason.strip()])
    hint = "The end of the build's log is part of this message. It goes on from the step that failed when tried again."
    if "Release file" in evidence and ("expired" in evidence or "not valid" in evidence):
        hint = (
            "The mirror's Release file is past its date: 'harness images base --no-check-valid-until SUITE' takes it."
        )
    elif "space left on device" in evidence:
        hint = "The engine's disk is full: 'harness images remove' and 'docker system df' show what can go."
    return ServerError(f"The image {title} could not be built.", hint=hint, evidence=evidence)


def failed_install(command: str, code: int, tail: Iterable[str], advice: str = "") -> ProjectError:
    """The error for *command*, of the project's dependencies, that exited with *code*. *advice* is a hint for this project."""
    return ProjectError(
        f"The project's dependencies could not be installed: {command!r} exited with {code}.",
        hint=advice
        or (
            "The last lines of its output are part of this message. [tool.harness] install names the commands, apt the"
            " system's packages that they need; pip's indexes, certificates and proxies are those of your own pip."
        ),
        evidence="\n".join(tail),
    )
