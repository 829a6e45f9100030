"""The process between this package and a local server. Run by ``command``, it imports nothing of the package, and of the
standard library only what takes no time: every server waits for it.

``run OPTION=VALUE ... -- COMMAND ...`` makes the folder of a server, prints its path, runs the command there
with the server's log as its output, and prints its exit status. When its standard input ends, or a signal asks for it, it ends
every process of the server. Then it removes the folder, and ends with the command's exit status: 128 and the number for a
signal, as a container does.

``remove OPTION=VALUE ... FOLDER ...`` does the same for the folders of servers whose supervisor was killed.

Options: ``uid`` and ``gid`` of the server's processes, where root starts it; ``bases``, folders in which the server's may be
made, the first that works; ``held=1`` for a server that ends with the standard input; ``descriptor`` for one
that the command gets as ``DESCRIPTOR``.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Mapping, Sequence
else:
    import _signal as signal  # the functions and numbers of ``signal``, without its enumerations

PREFIX = "harness-server-"
LOCK, LOG, RECORD, SCRATCH = "lock", "log", "server.json", "tmp"
"""The names in a server's folder: the lock that its supervisor holds, its log, its description, and temporary files."""

RECORD_VARIABLE = "HARNESS_RECORD"
"""The variable with the text of the description."""

DESCRIPTOR = 9
"""A shell need not know numbers of two digits."""

LOG_BYTES = 32 << 20
"""The size of a log at which it begins anew."""

NOT_STARTED = 127
"""The exit status where the command could not be started, as a shell has it."""

END_S = 1.0
"""The time in which a server ends by itself."""
KILL_S = 10.0
_CHECK_MS = 1000

_START = "import sys; sys.path.append(sys.argv.pop(1)); import supervisor; sys.exit(supervisor.main(sys.argv[1:]))"
"""Imports this module, so that its compiled form is used. Its folder comes last: the standard library has modules of the same
names.
"""


def command(*words: str) -> list[str]:
    """The command that runs this module with *words*."""
    return [sys.executable, "-I", "-S", "-c", _START, os.path.dirname(__file__), *words]  # noqa: PTH120


class suppress:
    """``contextlib.suppress``: that module takes longer to import than all else here."""

    def __init__(self, *errors: type[BaseException]) -> None:
        self._errors = errors

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._errors)


def main(argv: Sequence[str]) -> int:
    command = argv[0]
    options = dict(word.split("=", 1) for word in argv[1:] if word.partition("=")[0] in _OPTIONS and "=" in word)
    rest = [word for word in argv[1:] if word.partition("=")[0] not in _OPTIONS or "=" not in word]
    try:
        _drop_root(options)
    except OSError as error:
        print(f"error a user without rights cannot be taken on: {error.strerror}", flush=True)
        return 1
    if command == "remove":
        for folder in rest:
            remove(folder)
        return 0
    return _run(options, list(argv[list(argv).index("--") + 1 :]))


_OPTIONS = ("uid", "gid", "bases", "held", "descriptor")


def _drop_root(options: Mapping[str, str]) -> None:
    os.umask(0o077)
    if "uid" in options:
        os.setgroups([])
        os.setresgid(*[int(options["gid"])] * 3)
        os.setresuid(*[int(options["uid"])] * 3)


def _run(options: Mapping[str, str], command: Sequence[str]) -> int:
    # the signals come as bytes of this pipe, so that one that arrives before the wait is not lost
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    ending = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    for signum in (*ending, signal.SIGCHLD):
        signal.signal(signum, lambda *_: None)
    try:
        folder = _make_folder(options["bases"].split(os.pathsep))
    except OSError as error:
        print(f"error {error.strerror}: {error.filename}", flush=True)
        return 1
    try:
        is_held = options.get("held") == "1"
        log, lock = _open_files(folder)
        if not is_held and os.fork():
            os._exit(0)  # a server that outlives the run has no parent; the child goes on, with the lock
        os.write(lock, str(os.getpid()).encode())
        server = _start(folder, log, command, int(options.get("descriptor", -1)))
        told = os.dup(1)
        _tell(told, folder)
        os.dup2(log, 1)
        os.dup2(log, 2)
        status = NOT_STARTED if server is None else _wait(server, reader, log, 0 if is_held else -1)
        # before the folder is removed: whoever waits for it must not take the end for something else
        _tell(told, str(status))
        if server is not None:
            with suppress(OSError):
                os.killpg(server, signal.SIGKILL)  # where there is no /proc, it ends what is left
    finally:
        remove(folder)
    return status


def _tell(output: int, line: str) -> None:
    with suppress(OSError):  # the process that wanted to know has ended
        os.write(output, f"{line}\n".encode())


def _make_folder(bases: Sequence[str]) -> str:
    """The server's folder, made in the first of *bases* that this user can write to. Raises ``OSError``."""
    for position, base in enumerate(bases):
        folder = os.path.join(base, f"{PREFIX}{os.urandom(5).hex()}")  # noqa: PTH118 - pathlib takes longer to import
        try:
            os.mkdir(folder, 0o700)  # noqa: PTH102
            break
        except OSError:
            if position == len(bases) - 1:
                raise
    return folder


def _open_files(folder: str) -> tuple[int, int]:
    lock = os.open(f"{folder}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    log = os.open(f"{folder}/{LOG}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    record = os.open(f"{folder}/{RECORD}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(record, os.environ.pop(RECORD_VARIABLE, "").encode())
    os.close(record)
    os.mkdir(f"{folder}/{SCRATCH}")  # noqa: PTH102
    return log, lock


def _start(folder: str, log: int, command: Sequence[str], descriptor: int) -> int | None:
    """The process of *command* in *folder*, the leader of a session; ``None`` if it could not be started."""
    actions = [(os.POSIX_SPAWN_DUP2, log, output) for output in (1, 2)]
    actions += [(os.POSIX_SPAWN_DUP2, descriptor, DESCRIPTOR)] if descriptor >= 0 else []
    environment = {**os.environ, "HARNESS_HOME": folder, "TMPDIR": f"{folder}/{SCRATCH}"}
    os.chdir(folder)
    try:
        return os.posix_spawnp(command[0], list(command), environment, file_actions=actions, setsid=True)
    except OSError as error:
        os.write(log, f"harness: {command[0]} could not be started: {error}\n".encode())
        return None
    finally:
        os.chdir("/")  # a process whose working directory is the folder is ended with the server
        if descriptor >= 0:
            os.close(descriptor)


def _wait(server: int, signals: int, log: int, lease: int) -> int:
    """The exit status of *server*, once it has ended. Ends it when *lease* has no writer any more, or a signal comes."""
    poll = select.poll()
    poll.register(signals, select.POLLIN)
    if lease >= 0:
        poll.register(lease, 0)  # a hang-up alone: the server reads the lines
    until = None
    while True:
        ready = poll.poll(_CHECK_MS if until is None else 50)
        has_signal = any(number == signals for number, _ in ready)
        received = os.read(signals, 64) if has_signal else b""
        ended, status = os.waitpid(server, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code
        is_over = any(number == lease for number, _ in ready) or any(byte != signal.SIGCHLD for byte in received)
        if is_over and until is None:
            until = time.monotonic() + END_S
            with suppress(KeyError, ValueError):
                poll.unregister(lease)
            os.kill(server, signal.SIGTERM)
        if until is not None and time.monotonic() > until:
            os.killpg(server, signal.SIGKILL)
        if os.fstat(log).st_size > LOG_BYTES:
            os.ftruncate(log, 0)


def remove(folder: str) -> None:
    """End every process whose working directory is in *folder*, and remove it with all that is in it."""
    until = time.monotonic() + KILL_S
    while (left := list(processes_in(folder))) and time.monotonic() < until:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    _remove_shared_memory(folder)
    _remove_tree(folder)


def processes_in(folder: str) -> Iterator[int]:
    """The processes of this user whose working directory is in *folder*, without those of a terminal."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return
    for name in names:
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        with suppress(OSError, IndexError):
            place = os.readlink(f"/proc/{name}/cwd").removesuffix(" (deleted)")  # noqa: PTH115
            if (place == folder or place.startswith(f"{folder}/")) and not _is_of_terminal_or_dead(name):
                yield int(name)


def _is_of_terminal_or_dead(pid: str) -> bool:
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
        fields = file.read().rpartition(b")")[2].split()
    return fields[0] in b"ZX" or fields[4] != b"0"


def _remove_shared_memory(folder: str) -> None:
    """Remove the segment that names the data directory's owner, which PostgreSQL leaves behind if it is killed.

    Its number is in the line before the last of ``postmaster.pid``: https://www.postgresql.org/docs/current/storage-file-layout.html
    """
    try:
        with open(f"{folder}/data/postmaster.pid") as file:  # noqa: PTH123
            number = int(file.read().splitlines()[6].split()[1])
        import ctypes

        ctypes.CDLL(None).shmctl(number, 0, None)  # IPC_RMID
    except (OSError, ValueError, IndexError, ImportError, AttributeError):
        pass


def _remove_tree(folder: str) -> None:
    # a server that was killed may still be writing as the first pass lists its files
    for _ in range(3):
        for place, folders, files in os.walk(folder, topdown=False):
            for name in files:
                with suppress(OSError):
                    os.unlink(f"{place}/{name}")  # noqa: PTH108
            for name in folders:
                path = f"{place}/{name}"
                with suppress(OSError):
                    if stat.S_ISLNK(os.lstat(path).st_mode):
                        os.unlink(path)  # noqa: PTH108
                    else:
                        os.rmdir(path)  # noqa: PTH106
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106
        if not os.path.lexists(folder):
            return
        time.sleep(0.01)
