"""Talks to a real runner over pipes, as the host does, and returns its journal.

Every wait ends: a runner that has not ended after ``PATIENCE_S`` is killed, and the error has its last events and its stderr.
After each conversation no process of its session may be left, and each planned test of a finished run has one outcome.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.host.launch.conversation import Ended, end_error
from harness.protocol import codec, signatures
from harness.protocol.events import (
    AttemptFinished,
    AttemptsPassed,
    Envelope,
    Event,
    Notice,
    PhaseFinished,
    PhaseStarted,
    RetryCalledOff,
    RunAborted,
    RunFinished,
    RunPlanned,
    TopologyFound,
)
from harness.protocol.messages import Begin, Endpoint, Message, Route, RunSpec, SeedFound, ServersReady, UseRoutes
from harness.protocol.results import Outcome, PlannedTest
from harness.protocol.seed_events import SeedWanted
from harness.protocol.topology import dependencies_of, primary_of
from harness.report.model.ledger import fold
from harness.report.model.verdict import verdict
from tests.signals import DEFAULT_SIGNALS

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "tests" / "projects"
PATIENCE_S = 120
MakeProject = Callable[..., Path]
"""Writes the files of a project, and returns its folder."""
RunTests = Callable[..., "Journal"]
"""Runs labels of a project, and returns the journal."""
E = TypeVar("E")
ENTRY = ROOT / "harness" / "runner" / "bootstrap.py"


@dataclass(frozen=True)
class Journal:
    """The events of a runner, its exit status and its stderr."""

    envelopes: tuple[Envelope, ...]
    process_status: int
    stderr: str
    signs_of_life: int = 0

    def all(self, kind: type[E]) -> list[E]:
        return [envelope.event for envelope in self.envelopes if isinstance(envelope.event, kind)]

    def one(self, kind: type[E]) -> E:
        (event,) = self.all(kind)
        return event

    @property
    def status(self) -> int:
        """The exit code that the host gives a run with this journal; the runner's own status if its journal has no end."""
        if self.ends:
            return verdict(fold(self.envelopes)).exit_code
        return self.process_status

    @property
    def ends(self) -> list[RunFinished | RunAborted]:
        return [*self.all(RunFinished), *self.all(RunAborted)]

    @property
    def planned(self) -> list[PlannedTest]:
        return [test for event in self.all(RunPlanned) for test in event.tests]

    @property
    def attempts(self) -> list[AttemptFinished]:
        return [attempt for envelope in self.envelopes for attempt in attempts_of(envelope.event)]

    def outcomes(self) -> dict[str, str]:
        """The final outcome of each test and each fixture, by the last two parts of its id: ``Class.test_x``."""
        return {short(event.test): event.outcome.value for event in self.attempts if event.final}

    def final(self, name: str) -> AttemptFinished:
        """The final attempt of the test whose id ends with *name*."""
        found = [event for event in self.attempts if event.final and f".{event.test}".endswith(f".{name}")]
        assert len(found) == 1, f"{len(found)} final attempts of {name}: {self.outcomes()} {self.stderr[-2000:]}"
        return found[0]

    def order(self) -> list[str]:
        """The names of the methods in the order in which they ended."""
        return [event.test.rpartition(".")[2] for event in self.attempts if event.final and event.extra is None]

    def notices(self, code: str) -> list[str]:
        return [event.text for event in self.all(Notice) if event.code == code]

    @property
    def aborted(self) -> RunAborted:
        return self.one(RunAborted)

    def text(self) -> str:
        """The whole journal, as the host would write it."""
        return "".join(map(codec.encode, self.envelopes))


def attempts_of(event: Event) -> list[AttemptFinished]:
    """The ends of attempts that *event* reports."""
    if isinstance(event, AttemptsPassed):
        return event.attempts()
    return [event] if isinstance(event, AttemptFinished) else []


def short(test_id: str) -> str:
    return ".".join(test_id.split(".")[-2:])


def assert_settled(journal: Journal) -> None:
    """Assert that every planned test of a finished run has exactly one final outcome; a retry called off counts as one."""
    if not journal.all(RunFinished) or not journal.planned:
        return
    events: list[AttemptFinished | RetryCalledOff] = [*journal.attempts, *journal.all(RetryCalledOff)]
    finals = Counter(event.test for event in events if is_final(event))
    for test in journal.planned:
        assert finals[test.id] == 1, f"{test.id} has {finals[test.id]} final outcomes"
    assert len({test.id for test in journal.planned}) == len(journal.planned)
    unplanned = {event.test for event in journal.attempts if event.extra is None} - {
        test.id for test in journal.planned
    }
    assert not unplanned, f"outcomes of tests that are not planned: {unplanned}"


def is_final(event: AttemptFinished | RetryCalledOff) -> bool:
    """Whether *event* settles the test's outcome."""
    return isinstance(event, RetryCalledOff) or event.final


class Conversation:
    """A child process that is the runner, and the host's end of its pipes."""

    def __init__(
        self,
        project: Path,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
        flags: Sequence[str] = ("-W", "error::DeprecationWarning:harness"),
        before: Sequence[str] = (),
        arguments: Sequence[str] = (),
        keys: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by finish
        self.process = subprocess.Popen(
            [*DEFAULT_SIGNALS, *before, python, *flags, str(ENTRY), *arguments],
            cwd=project,
            env={"PATH": os.environ["PATH"], **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.envelopes: list[Envelope] = []
        self.signs_of_life = 0
        self.output: list[bytes] = []
        self._sent = 0
        self._buffer = b""
        self._journal_key, self._message_key = keys or self.make_keys()
        self._opener = signatures.Opener(self._journal_key, self.output.append)
        self.write(self._journal_key + self._message_key + b"\n")
        self._deadline = time.monotonic() + PATIENCE_S

    @staticmethod
    def make_keys() -> tuple[bytes, bytes]:
        """The keys of the journal and of the messages."""
        return signatures.make_key(), signatures.make_key()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.process.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def send(self, message: Message) -> None:
        self.send_line(codec.encode_body(message).encode())

    def send_line(self, line: bytes) -> None:
        """Send *line*, signed as the host's next message, whether or not it is valid."""
        self.write(signatures.signed(self._message_key, self._sent, line))
        self._sent += 1

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended; its journal says why
            self.stdin.write(data)
            self.stdin.flush()

    def read(self) -> Envelope | None:
        """The next event, None at the end. An empty line is none."""
        while (line := self._line()) is not None:
            if (whole := self._opener.open(line)) == b"\n":
                self.signs_of_life += 1
            elif whole is not None:
                self.envelopes.append(codec.decode(whole))
                return self.envelopes[-1]
        assert not self._opener.rest, f"the journal ends with half a line: {self._opener.rest!r}"
        return None

    def _line(self) -> bytes | None:
        while b"\n" not in self._buffer:
            if not select.select([self.stdout], [], [], max(0, self._deadline - time.monotonic()))[0]:
                self.kill()
                raise AssertionError(f"the runner does not end: {self.envelopes[-5:]} {self.errors()}")
            chunk = os.read(self.stdout.fileno(), 1 << 16)
            if not chunk:
                assert not self._buffer, f"the stream ends with half a line: {self._buffer!r}"
                return None
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line + b"\n"

    def read_until(self, kind: type, **fields: object) -> Envelope:
        """The next event of *kind* whose fields are those given."""
        while (envelope := self.read()) is not None:
            event = envelope.event
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
                return envelope
        raise AssertionError(f"the runner ended before a {kind.__name__}: {self.envelopes[-3:]} {self.errors()}")

    def begin(self, spec: RunSpec, routes: Sequence[Route] | None = None, endpoints: Sequence[Endpoint] = ()) -> None:
        """Send all messages that the runner waits for before it runs tests."""
        self.send(Begin(spec))
        found = self.read_until(TopologyFound).event
        assert isinstance(found, TopologyFound)
        self.send(UseRoutes(tuple(routes or plain_routes(found))))
        self.send(ServersReady(tuple(endpoints)))

    def finish(self) -> Journal:
        """Read the rest of the journal, and check it for what holds in every run."""
        while self.read() is not None:
            pass
        journal = Journal(tuple(self.envelopes), self.process.wait(PATIENCE_S), self.errors(), self.signs_of_life)
        sequence = [envelope.seq for envelope in journal.envelopes]
        assert sequence == list(range(1, len(sequence) + 1)), "the journal lacks lines, or has some twice"
        assert_settled(journal)
        if journal.ends:
            assert end_error(journal.ends[-1], Ended(journal.process_status), journal.stderr) is None
        begun = Counter(event.phase for event in journal.all(PhaseStarted))
        assert begun == Counter(event.phase for event in journal.all(PhaseFinished)), "a phase that has no end, or two"
        left = self.processes_left()
        assert left == [], f"processes remain: {left}"
        return journal

    def processes_left(self) -> list[str]:
        """The processes of the runner's session that are alive, a moment after its end."""
        deadline = time.monotonic() + 10
        while (left := _session(self.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return left

    def kill(self) -> None:
        """End the runner and all of its session."""
        for entry in _session(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(entry.split(":")[0]), signal.SIGKILL)

    def errors(self) -> str:
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")


def _session(pid: int) -> list[str]:
    """The living processes of a session, each as ``PID: name``."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            state, _, _, session = rest.split()[:4]
            if int(session) == pid and state != "Z":
                found.append(f"{entry.name}: {name}")
    return found


def plain_routes(found: TopologyFound) -> tuple[Route, ...]:
    """The routes of a project on SQLite, which change nothing but chains of mirrors."""
    found_aliases = found.topology.aliases
    primaries = {alias.name: primary_of(found.topology, alias.name) for alias in found_aliases}
    return tuple(
        Route(
            alias.name,
            None,
            alias.backend,
            alias.user,
            mirror_of=None if alias.test.mirror is None else primaries[alias.name],
            dependencies=dependencies_of(found.topology, alias),
        )
        for alias in found_aliases
    )


def run(
    project: Path,
    spec: RunSpec,
    *,
    routes: Sequence[Route] | None = None,
    endpoints: Sequence[Endpoint] = (),
    python: str = sys.executable,
    env: Mapping[str, str] | None = None,
    seed: SeedFound | None = None,
    **options: Any,
) -> Journal:
    """The whole conversation. With ``cache``, *seed* answers the wish for one; it has the wanted key."""
    with Conversation(project, python, env, **options) as conversation:
        conversation.send(Begin(spec))
        while (envelope := conversation.read()) is not None:
            event = envelope.event
            if isinstance(event, TopologyFound) and not spec.plan_only:
                conversation.send(UseRoutes(tuple(routes or plain_routes(event))))
                if not spec.cache:
                    conversation.send(ServersReady(tuple(endpoints)))
            elif isinstance(event, SeedWanted):
                found = replace(seed or SeedFound("miss", reason="no seed"), key=event.key)
                conversation.send(ServersReady(tuple(endpoints), found))
        return conversation.finish()


RED = {outcome.value for outcome in Outcome if outcome.is_red}
