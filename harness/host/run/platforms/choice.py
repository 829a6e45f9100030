"""Decides once, before a run, where its servers run: in containers, or as processes of this machine where no engine answers.

``choose`` decides and is pure; ``resolved`` asks the engine, and loads the configuration again where the decision changes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError, ServerError
from harness.host import engine_address
from harness.host.config.load import load
from harness.host.config.options import DEFAULT, Config

NO_ENGINE = "no engine"
"""The source of the values that a run has because no engine answers."""

Kind = Literal["docker", "local"]


def choose(config: Config, environ: Mapping[str, str], silence: Callable[[], str]) -> tuple[Kind, str]:
    """The kind of servers of *config*, and the reason for local ones where the user did not choose them.

    *silence* asks the engine: it returns the reason why none answers, or an empty string. It is asked only if that matters: an
    engine that the user names, or needs for the tests, is the only way.
    """
    if config.server_kind != "auto":
        return config.server_kind, ""
    needs_container = config.runner == "container" and config.sources["runner"] != DEFAULT
    is_named = environ.get("DOCKER_HOST") or environ.get("DOCKER_CONTEXT")
    if needs_container or is_named or config.network == "isolated":
        return "docker", ""
    reason = silence()
    return ("local", reason) if reason else ("docker", "")


def resolved(config: Config, environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> Config:
    """*config* with ``server_kind`` decided. ``sources`` of a run without an engine has ``NO_ENGINE`` and the reason.

    Raises the errors of ``load``: a run on this machine has other needs than one in a container.
    """
    kind, reason = choose(config, environ, lambda: _silence(environ))
    if not reason:
        return replace(config, server_kind=kind)
    try:
        local = load({**config.given, "server_kind": "local"}, environ, folder or Path.cwd())
    except HarnessError as error:
        hint = f"The tests would run on this machine, since {reason}: with one, they run in a container. {error.hint}"
        raise type(error)(error.message, hint=hint, evidence=error.evidence) from error
    sources = {**local.sources, "server_kind": f"{NO_ENGINE}: {reason}"}
    if config.sources["runner"] == DEFAULT:
        sources["runner"] = NO_ENGINE
    return replace(local, sources=sources, given=config.given)


def notice(config: Config) -> str:
    """The line that says that the servers of *config* are local because no engine answers; empty if they are not."""
    kind, _, reason = config.sources["server_kind"].partition(": ")
    if kind != NO_ENGINE:
        return ""
    return (
        f"The servers are processes of this machine, and the tests run on it, without a container around them: {reason}."
        " --servers local chooses that without this line."
    )


def _silence(environ: Mapping[str, str]) -> str:
    context = engine_address.context_of(environ, engine_address.docker_config(environ))
    if not context:
        return engine_address.silence()
    from harness.host.docker.client import connect

    try:
        connect().close()
    except ServerError as error:
        return f"{error.message[:1].lower()}{error.message[1:].rstrip('.')}"
    return ""
