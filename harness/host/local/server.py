"""One database server as processes of this machine, below a supervisor that ends with this process.

Owns how a server is started, watched and written to. ``images/entry.sh`` is what runs, as in a container.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import ServerError
from harness.host.local import folders, processes, saved, supervisor
from harness.host.local.account import Account
from harness.host.local.environment import environment_of, socket_variables
from harness.host.local.folders import Description
from harness.host.platform import HandedOver, Seed, ServerSpec, State, control_failed
from harness.host.seeds.saved import Data

FOLLOW_S = 0.001
"""The time between two looks at a log that is being followed."""
EXECUTE_S = 300.0
NO_HEADER = b"torn" * 256
"""Bytes that tar takes for no header of a member."""
END_S = supervisor.END_S + supervisor.KILL_S


@dataclass(frozen=True, slots=True)
class Programs:
    """The parts of a local server: the programs in ``folders``, with ``variables``, and the script in ``parts`` on ``seed``.

    ``source`` is the source of the programs, for people, ``identity`` their name by content, which is the same on each machine.
    ``options`` are words of the server's command line.
    """

    folders: tuple[str, ...]
    variables: Mapping[str, str]
    source: str
    parts: Path
    seed: Path
    identity: str = ""
    options: str = ""


class Supervised:
    """A command below a supervisor, in a folder of its own that is gone with it. It gets *descriptor* as
    ``supervisor.DESCRIPTOR``.
    """

    def __init__(
        self,
        account: Account,
        command: Sequence[str],
        environment: Mapping[str, str],
        bases: Sequence[Path],
        *,
        is_held: bool = True,
        descriptor: int | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Start it; *on_end* is called in another thread when it has ended, and ``code`` is its exit status then.

        Raises ``ServerError`` if its folder or its process cannot be made.
        """
        options = [*account.options, f"bases={os.pathsep.join(map(str, bases))}", f"held={int(is_held)}"]
        options += [f"descriptor={descriptor}"] if descriptor is not None else []
        try:
            self.process = subprocess.Popen(
                supervisor.command("run", *options, "--", *command),
                stdin=subprocess.PIPE if is_held else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
                pass_fds=() if descriptor is None else (descriptor,),
            )
        except OSError as error:
            raise ServerError("No process could be started for a local server.", evidence=str(error)) from error
        assert self.process.stdout is not None
        first = self.process.stdout.readline().decode(errors="replace").rstrip("\n")
        if not first.startswith("/"):
            with self.process.stdout as told:
                rest = told.read().decode(errors="replace")
            self.close()
            self.process.wait()
            raise ServerError(
                "No folder could be made for a local server.",
                hint=f"It needs one of {', '.join(map(str, bases))}. TMPDIR names another.",
                evidence=f"{first.removeprefix('error ')}\n{rest}".strip(),
            )
        self.folder = Path(first)
        self.code: int | None = None
        self._on_end = on_end
        threading.Thread(target=self._await_end, name="local server", daemon=True).start()

    def _await_end(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as told:
            line = told.readline()
        # a supervisor that was killed says nothing
        self.code = int(line) if line.strip().isdigit() else 128 + signal.SIGKILL
        self._on_end()

    def write(self, line: str) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # a server that is gone has said why in its log
                self.process.stdin.write(f"{line}\n".encode())
                self.process.stdin.flush()

    def close(self) -> None:
        """End the lease, with which the supervisor ends everything. Safe to call twice."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def give_away(self) -> int | None:
        """A descriptor of the lease, which this process then holds no more; ``None`` if there is none."""
        if self.process.stdin is None or self.process.stdin.closed:
            return None
        given = os.dup(self.process.stdin.fileno())
        self.close()
        return given


@contextlib.contextmanager
def _piped(seed: Seed | None, account: Account) -> Iterator[int | None]:
    """The descriptor of a pipe from which a process of *account* reads the content of *seed*, for the time of the block."""
    if seed is None:
        yield None
        return
    reader, writer = os.pipe()
    try:
        if account.is_other:
            os.fchown(reader, account.uid, account.gid)  # tar opens it by its name, with the rights of its own user
        threading.Thread(target=_feed, args=(writer, seed), name="seed", daemon=True).start()
        yield reader
    finally:
        os.close(reader)


def _feed(writer: int, seed: Seed) -> None:
    """Write the content of *seed*. What cannot be read to its end does not unpack: there is no header of a member behind it."""
    with contextlib.suppress(OSError), open(writer, "wb") as pipe:
        written = 0
        with contextlib.suppress(OSError, ValueError):
            for piece in seed.read():
                written += pipe.write(piece)
        if written != seed.size:
            pipe.write(NO_HEADER)


@dataclass
class LocalServer:
    """One server, made by ``start``, or ``earlier``: the folder of one that runs already.

    ``prepare`` gives what ``start`` needs: the programs, the description, and further variables of the script. It may take long,
    and raises ``ServerError``. ``on_end`` is called in another thread when it has ended.
    """

    spec: ServerSpec
    account: Account
    prepare: Callable[[], tuple[Programs, Description, Mapping[str, str]]]
    earlier: Path | None = None
    on_end: Callable[[], None] = lambda: None
    _own: Supervised | None = field(default=None, init=False)
    _description: Description | None = field(default=None, init=False)
    _log: int = field(default=-1, init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.earlier is not None:
            self._description = folders.read(self.earlier)
            self._open_log(self.earlier)

    @property
    def folder(self) -> Path:
        found = self._own.folder if self._own is not None else self.earlier
        if found is None:
            raise ServerError(f"The server {self.spec.host} was never made.")
        return found

    @property
    def id(self) -> str:
        return str(self.folder)

    def start(self) -> None:
        programs, description, variables = self.prepare()
        environment = environment_of(programs.folders, programs.variables, os.environ)
        environment |= {**self.spec.environment, **variables, supervisor.RECORD_VARIABLE: description.as_text()}
        self._description = description
        with _piped(self.spec.seed, self.account) as seed:
            self._own = Supervised(
                self.account,
                ["sh", str(programs.parts / "entry.sh")],
                environment,
                folders.bases(is_on_disk=self.spec.is_on_disk),
                is_held=self.spec.is_held,
                descriptor=seed,
                on_end=self.on_end,
            )
        self._open_log(self._own.folder)
        if not self.spec.is_held:
            self._own.process.wait()  # its child supervises the server, and outlives this process

    def _open_log(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # it has ended already
            self._log = os.open(folder / supervisor.LOG, os.O_RDONLY | os.O_CLOEXEC)

    def write_line(self, line: str) -> None:
        if self._own is not None:
            self._own.write(line)

    def follow(self) -> Iterator[bytes]:
        seen = 0
        while not self._closed:
            is_running = self.state().is_running
            content = self._read(seen)
            seen += len(content)
            if content:
                yield content
            elif not is_running:
                return
            else:
                time.sleep(FOLLOW_S)

    def close(self) -> None:
        self._closed = True
        if self._own is not None:
            self._own.close()

    def state(self) -> State:
        if self._own is None and self.earlier is None:
            return State("never made")
        if self._own is not None:
            return State("running") if self._own.code is None else State("exited", self._own.code)
        return State("running") if folders.is_alive(self.folder) else State("removed")

    def has_stopped_process(self) -> bool:
        pid = self._supervisor()
        return pid is not None and any(state == processes.STOPPED for _, state in processes.below(pid))

    def is_stopped(self) -> bool:
        """Whether a signal has stopped the server's own process."""
        main = processes.main_process(self.folder)
        return main is not None and processes.is_stopped(main)

    def log(self) -> str:
        if self._log < 0:
            raise ServerError(f"The server {self.spec.host} was never made.")
        return self._read(0).decode(errors="replace")

    def execute(self, command: Sequence[str]) -> tuple[int, str, str]:
        description = self._description
        if description is None:
            raise ServerError(f"The server {self.spec.host} was never made.")
        environment = environment_of(description.folders, description.variables, os.environ)
        return self._run(command, environment | socket_variables(self.id, description.port))

    def control(self, action: str) -> None:
        description = self._description
        if description is None:
            raise ServerError(f"The server {self.spec.host} was never made.")
        command = ["sh", f"{description.parts}/control.sh", action]
        code, _, errors = self._run(command, saved.script_environment(self.folder, description))
        if code != 0:
            raise control_failed(action, self.spec, errors)

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        try:
            done = subprocess.run(
                list(command),
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=EXECUTE_S,
                check=False,
                **self.account.process_options,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{command[0]} could not be run on the server {self.spec.host}."
            raise ServerError(message, evidence=str(error)) from error
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def address(self) -> tuple[str, int]:
        assert self._description is not None
        return self._description.address, self._description.port

    def state_of_contents(self, since: str, templates: Sequence[str]) -> str:
        return Data(saved.script(self.folder, self.account), templates, 0).state(since)

    def hand_over(self) -> HandedOver | None:
        given = self._own.give_away() if self._own is not None and self.spec.is_held else None
        return None if given is None else HandedOver(self.id, (given,))

    def wait(self, until: float) -> bool:
        """Whether everything of it is gone before *until*, a time of ``time.monotonic``."""
        while self._own is not None and self._own.process.poll() is None and time.monotonic() < until:
            time.sleep(FOLLOW_S)
        return self._own is None or self._own.process.poll() is not None

    def kill_supervisor(self) -> None:
        """End a supervisor that does not end by itself. The caller removes its folder."""
        if self._own is not None and self._own.process.poll() is None:
            self._own.process.kill()
            self._own.process.wait()

    def close_log(self) -> None:
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    def _supervisor(self) -> int | None:
        if self._own is not None and self.spec.is_held:
            return self._own.process.pid
        found = [each for each in folders.find(self.account) if each.path == self.folder]
        return found[0].pid if found else None

    def _read(self, offset: int) -> bytes:
        parts = []
        with contextlib.suppress(OSError):
            while self._log >= 0 and (part := os.pread(self._log, 1 << 20, offset)):
                parts.append(part)
                offset += len(part)
        return b"".join(parts)
