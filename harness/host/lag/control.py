"""The conversation with a running proxy: commands, their answers, and its end."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.errors import ServerError

ANSWER_S = 20.0
"""The longest time, in seconds, that an answer may take: the program answers within a millisecond, a stopped one never."""

HINT = "It delays what the replicas get (--replica-lag); without it no replica follows its primary. Run it again."

ARGUMENTS = ("-I", "-S", "-c", (Path(__file__).parent / "proxy.py").read_text(encoding="utf-8"))
"""The arguments by which a Python runs the program."""


class LagProxy:
    """A running proxy. *id* is its name for the platform; *write* sends it bytes, *lines* are those of its output until its end.

    *close* ends it. *on_end* is called in another thread when it has ended without that.
    """

    def __init__(
        self,
        id: str,
        write: Callable[[bytes], object],
        lines: Iterable[bytes],
        close: Callable[[], object],
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self.id = id
        self._write = write
        self._close = close
        self._on_end = on_end
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._asking = threading.Lock()
        self._is_closed = self._has_ended = False
        self._reader = threading.Thread(target=self._read, args=(lines,), name="lag proxy", daemon=True)
        self._reader.start()

    def listen(self, replica: str, address: str, port: int, primary: tuple[str, int]) -> int:
        """Wait for connections of *replica* at *address*, and connect them to *primary*. Returns the port."""
        return int(self._ask("listen", replica, address, str(port), primary[0], str(primary[1])))

    def lag(self, replica: str, seconds: float, holder: str = "") -> None:
        """Delay what *replica* gets by *seconds* from now on, or by more as long as another *holder* asks for more."""
        self._ask("lag", replica, str(seconds), holder)

    def freeze(self, replica: str) -> None:
        """Let nothing arrive at *replica* from now on."""
        self._ask("freeze", replica)

    def thaw(self, replica: str) -> None:
        """Let arrive what was held back, and all that follows."""
        self._ask("thaw", replica)

    def close(self) -> None:
        """End it. Safe to call twice."""
        self._is_closed = True
        self._close()
        self._reader.join(ANSWER_S)

    def ended(self) -> ServerError:
        """The error for a proxy that has ended, or does not answer."""
        return ServerError("The proxy between the primaries and their replicas has ended.", hint=HINT)

    def _ask(self, *words: str) -> str:
        """Send a command, and return its answer. Raises ``ServerError``."""
        with self._asking:
            try:
                if self._has_ended:
                    raise self.ended()
                self._write(json.dumps(words).encode() + b"\n")
                line = self._answers.get(timeout=ANSWER_S)
            except (OSError, ValueError, queue.Empty) as error:
                raise self.ended() from error
        if not line:
            raise self.ended()
        state, text = json.loads(line)
        if state != "ok":
            raise ServerError(f"The proxy of the replicas refused {' '.join(words)}.", evidence=text)
        return str(text)

    def _read(self, lines: Iterable[bytes]) -> None:
        try:
            for line in lines:
                self._answers.put(line)
        finally:
            self._has_ended = True
            if not self._is_closed:
                self._on_end()
            self._answers.put(b"")


def start_process(on_end: Callable[[str], object]) -> LagProxy:
    """A proxy that is a child of this process, and ends with it; *on_end* gets its id. Raises ``ServerError``."""
    try:
        process = subprocess.Popen(
            [sys.executable, *ARGUMENTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/"
        )
    except OSError as error:
        raise ServerError("The proxy of the replicas could not be started.", evidence=str(error)) from error
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None
    id = f"lag proxy {process.pid}"

    def write(data: bytes) -> None:
        stdin.write(data)
        stdin.flush()

    def lines() -> Iterator[bytes]:
        with stdout:
            yield from stdout

    def close() -> None:
        with contextlib.suppress(OSError):  # it was killed, and a command was not sent
            stdin.close()
        process.kill()  # also where it is stopped; it has nothing to do before its end
        process.wait()

    return LagProxy(id, write, lines(), close, lambda: on_end(id))
