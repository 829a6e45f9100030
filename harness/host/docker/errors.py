"""Turns the exceptions of the Docker library into ``ServerError``."""

from __future__ import annotations

import docker.errors
import requests.exceptions

from harness.errors import ServerError

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
