"""Finds the Docker engine that the environment names, in the order of Docker's own client. Pure but for one file;
imports no Docker.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

DEFAULT_CONTEXT = "default"


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
    return "" if named == DEFAULT_CONTEXT else named


def found_by(environ: Mapping[str, str], config: str) -> str:
    """The source of the engine's address, for people. *config* is the text of ``config.json``, or empty."""
    if host := environ.get("DOCKER_HOST"):
        return f"DOCKER_HOST ({without_credentials(host)})"
    if context := context_of(environ, config):
        return f"DOCKER_CONTEXT ({context})" if environ.get("DOCKER_CONTEXT") else f"the context {context}"
    return "the default socket"


def without_credentials(text: str) -> str:
    return re.sub(r"(\w+://)[^/@\s]*@", r"\1", text)
