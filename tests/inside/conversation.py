"""Talks to a real inside over pipes, as the host does, and gives back its journal."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.contract import codec
from harness.contract.events import AttemptFinished, Envelope, Outcome, TopologyFound
from harness.contract.runspec import Begin, Endpoint, Route, RunSpec, ServersReady, UseRoutes

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "tests" / "projects"


@dataclass(frozen=True)
class Journal:
    """What inside said and how it ended."""

    envelopes: tuple[Envelope, ...]
    status: int
    stderr: str

    def all(self, kind: type) -> list:
        return [envelope.event for envelope in self.envelopes if isinstance(envelope.event, kind)]

    def outcomes(self) -> dict[str, Outcome]:
        """The final outcome of each test."""
        return {event.test: event.outcome for event in self.all(AttemptFinished) if event.final}

    def final(self, test: str) -> AttemptFinished:
        return next(event for event in self.all(AttemptFinished) if event.final and event.test == test)


class Conversation:
    """A child process that is inside, and the host's end of its pipes."""

    def __init__(self, project: Path, python: str = sys.executable, env: Mapping[str, str] | None = None) -> None:
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by finish
        self.process = subprocess.Popen(
            [python, "-W", "error::DeprecationWarning:harness", "-m", "harness.inside"],
            cwd=project,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            start_new_session=True,
        )
        self.envelopes: list[Envelope] = []

    def say(self, message) -> None:
        self.process.stdin.write(codec.encode_body(message).encode())
        self.process.stdin.flush()

    def hear(self) -> Envelope | None:
        """The next event, None at the end."""
        line = self.process.stdout.readline()
        if not line:
            return None
        self.envelopes.append(codec.decode(line))
        return self.envelopes[-1]

    def hear_until(self, kind: type) -> Envelope:
        while (envelope := self.hear()) is not None:
            if isinstance(envelope.event, kind):
                return envelope
        raise AssertionError(f"inside ended before a {kind.__name__}: {self.envelopes[-3:]} {self._errors()}")

    def finish(self) -> Journal:
        while self.hear() is not None:
            pass
        status = self.process.wait(30)
        self.process.stdin.close()
        self.process.stdout.close()
        return Journal(tuple(self.envelopes), status, self._errors())

    def _errors(self) -> str:
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")


def plain_routes(found: TopologyFound) -> tuple[Route, ...]:
    """Routes that change nothing: what SQLite projects get."""
    return tuple(Route(alias.name, None, alias.backend, alias.user) for alias in found.topology.aliases)


def run(
    project: Path,
    spec: RunSpec,
    *,
    routes: Sequence[Route] | None = None,
    endpoints: Sequence[Endpoint] = (),
    python: str = sys.executable,
    env: Mapping[str, str] | None = None,
) -> Journal:
    """The whole conversation."""
    conversation = Conversation(project, python, env)
    conversation.say(Begin(spec))
    while (envelope := conversation.hear()) is not None:
        if isinstance(envelope.event, TopologyFound) and not spec.plan_only:
            conversation.say(UseRoutes(tuple(routes or plain_routes(envelope.event))))
            conversation.say(ServersReady(tuple(endpoints)))
    return conversation.finish()
