"""The address of the Docker engine, and whether one answers, without the library of Docker, which is slow to import."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/var/run/docker.sock")
"""The socket of an engine on this machine, where nothing names another: https://docs.docker.com/reference/cli/dockerd/"""

ANSWER_S = 10
"""The longest time until an engine answers the first request."""


def docker_config(environ: Mapping[str, str]) -> str:
    """The text of the client's ``config.json``; empty where there is none."""
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME") or Path.home()) / ".docker")
    with contextlib.suppress(OSError):
        return (Path(folder) / "config.json").read_text("utf-8", "replace")
    return ""


def context_of(environ: Mapping[str, str], config: str) -> str:
    """The client's context that names the engine; empty where ``DOCKER_HOST`` or the default socket does."""
    if environ.get("DOCKER_HOST"):
        return ""
    named = environ.get("DOCKER_CONTEXT", "")
    if not named:
        with contextlib.suppress(ValueError, AttributeError):
            named = str(json.loads(config).get("currentContext") or "")
    return "" if named == "default" else named


def found_by(environ: Mapping[str, str], config: str) -> str:
    """The source of the engine's address, for people. *config* is the text of ``config.json``, or empty."""
    if host := environ.get("DOCKER_HOST"):
        return f"DOCKER_HOST ({without_credentials(host)})"
    if context := context_of(environ, config):
        return f"DOCKER_CONTEXT ({context})" if environ.get("DOCKER_CONTEXT") else f"the context {context}"
    return "the default socket"


def without_credentials(text: str) -> str:
    return re.sub(r"(\w+://)[^/@\s]*@", r"\1", text)


def silence(path: Path = SOCKET, timeout_s: float = ANSWER_S) -> str:
    """The reason why no engine answers at the socket *path*, as the end of a sentence; empty if one does."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = connection.recv(64)
    except PermissionError:
        return "the Docker engine on this machine may not be used by this user"
    except TimeoutError:
        return f"the Docker engine on this machine does not answer within {timeout_s:g} s"
    except OSError:
        return "no Docker engine answers on this machine"
    return "" if re.match(rb"HTTP/1\.\d 200 ", answer) else "the Docker engine on this machine does not work"
