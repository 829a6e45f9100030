"""The data of a running server as a migrated seed: what it has besides the clones, and the tar of its data directory.

``images/save.sh`` does the work beside the server. Each platform has a way to run it, as a ``Script``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from harness.errors import ServerError

NICE = 10
"""The priority of savers: other work is more urgent; with 19, none ended in time on a busy machine."""
SEED = "seed"
"""The first of the words that make a seed of a server, and end it."""
BUSY = "busy"
"""The line of a server's state while a session on a template may still write."""
CHANGED = "changed "
"""The beginning of the line of something that is newer than the clones."""
_TRIES, _PAUSE_S = 20, 0.05
_LAST_LINES = 30


class Script(Protocol):
    def __call__(self, words: Sequence[str], errors: bytearray) -> Iterator[bytes]:
        """Run ``images/save.sh`` with *words*: give its output in pieces, and add its error output to *errors*.

        Raises ``ServerError`` where it cannot be run, or fails; *errors* says why then.
        """


class Data:
    """The data of the server beside which *script* runs. Its *templates* get clones for *slots* slots; ``slots`` is then how many
    have them.
    """

    def __init__(self, script: Script, templates: Sequence[str], slots: int) -> None:
        self._script = script
        self._templates = templates
        self.slots = slots

    def state(self, since: str = "") -> str:
        """A list of all that the server has but clones, for ``difference``; *since* is an earlier one. Raises ``ServerError``."""
        words = ["state", since.partition("\n")[0], *self._templates]
        for _ in range(_TRIES):
            text = b"".join(self._script(words, bytearray())).decode(errors="replace")
            if BUSY not in text.splitlines():
                return text
            time.sleep(_PAUSE_S)
        raise ServerError("A session on a template does not end.")

    def read(self) -> Iterator[bytes]:
        """Make the clones anew, end the server, and give its data directory as a tar, in pieces. Raises ``ServerError``."""
        errors = bytearray()
        yield from self._script([SEED, str(self.slots), *self._templates], errors)
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        if not last.isdecimal():
            raise failed(errors)
        self.slots = int(last)


def failed(errors: bytes | bytearray) -> ServerError:
    """The error of a script that has failed, with the end of its *errors*."""
    lines = errors.decode(errors="replace").strip().splitlines()
    return ServerError("The data of a server could not be saved.", evidence="\n".join(lines[-_LAST_LINES:]))


def difference(before: str, after: str) -> str:
    """The first line by which a server's state *after* the tests differs from that *before*; empty if it is the same."""
    first, second = before.splitlines()[1:], after.splitlines()[1:]
    # the first tests may run already while the state before them is read
    if newer := [line for line in (*first, *second) if line.startswith(CHANGED)]:
        return newer[0]
    changed = [line for line in (*second, *first) if (line in first) != (line in second)]
    return changed[0] if changed else "" if first == second else "another order"
