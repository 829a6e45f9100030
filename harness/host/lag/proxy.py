"""The program of the proxy: it delays what primaries send to their replicas, or holds it back, and passes all else on at once.

Imports nothing of the package: it is run by its text. Standard input has one command a line and standard output its answer, both
as JSON: a list of words, and ``["ok", ANSWER]`` or ``["error", TEXT]``. The end of the input ends the process.

``listen REPLICA ADDRESS PORT PRIMARY PORT`` waits for the replica's connections, and answers with the port (0 asks for a free
one); ``lag REPLICA SECONDS HOLDER``, ``freeze REPLICA`` and ``thaw REPLICA`` are in force when they are answered. The longest lag
of all holders counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections import deque

CHUNK_BYTES = 1 << 16
HELD_BYTES = 64 << 20
"""The bytes of one connection that are held back here; the primary has the rest."""


class Lane:
    """The way from one primary to one replica."""

    def __init__(self, primary: tuple[str, int]) -> None:
        self.primary = primary
        self.listener: asyncio.Server | None = None
        self._delays_s: dict[str, float] = {}
        self._is_frozen = False
        self._changed = asyncio.Event()

    def delay(self, delay_s: float, holder: str) -> None:
        """Change the delay of *holder* in seconds: in force for everything that has not been passed on, as is ``freeze``."""
        self._delays_s[holder] = delay_s
        self._change()

    def freeze(self, *, is_frozen: bool) -> None:
        """Let nothing arrive, or all."""
        self._is_frozen = is_frozen
        self._change()

    def _change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def is_due(self, arrived: float) -> None:
        """Return when bytes that arrived at this time may be passed on. Nothing else runs between that and the caller."""
        while self._is_frozen or (left := arrived + self._delay_s() - time.monotonic()) > 0:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if self._is_frozen else left)

    def _delay_s(self) -> float:
        return max(self._delays_s.values(), default=0.0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one connection of the replica to the primary, until one of the two closes it."""
        with contextlib.suppress(OSError):
            from_primary, to_primary = await asyncio.open_connection(*self.primary)
            ways = [forward(reader, to_primary), Delayed(self, writer).forward(from_primary)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            to_primary.close()
        writer.close()


class Delayed:
    """The bytes that are on their way to a replica, over one connection."""

    def __init__(self, lane: Lane, writer: asyncio.StreamWriter) -> None:
        self._lane = lane
        self._writer = writer
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._has_more = asyncio.Event()
        self._has_room = asyncio.Event()

    async def forward(self, reader: asyncio.StreamReader) -> None:
        """Pass on what *reader* gives, each piece when it is due; returns after the last one."""
        receiving = asyncio.ensure_future(self._receive(reader))
        try:
            while True:
                if not self._pieces:
                    if receiving.done():
                        return
                    self._has_more.clear()
                    await self._has_more.wait()
                    continue
                arrived, data = self._pieces[0]
                await self._lane.is_due(arrived)
                self._pieces.popleft()
                self._writer.write(data)
                self._held -= len(data)
                self._has_room.set()
                await self._writer.drain()
        finally:
            receiving.cancel()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                self._pieces.append((time.monotonic(), data))
                self._held += len(data)
                self._has_more.set()
                while self._held > HELD_BYTES:
                    self._has_room.clear()
                    await self._has_room.wait()
        except OSError:
            pass  # the connection was reset: that is its end
        finally:
            # the caller looks again when this is done
            asyncio.get_running_loop().call_soon(self._has_more.set)


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what *reader* gives at once."""
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()


class Proxy:
    """The lanes, by the names of the replicas."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    async def answer(self, line: bytes) -> str:
        """Carry out the command in *line*, and return the line of its answer."""
        try:
            command, name, *rest = json.loads(line)
            if command == "listen":
                return _line("ok", await self._listen(name, *rest))
            lane = self._lanes[name]
            if command == "lag":
                lane.delay(float(rest[0]), rest[1])
            else:
                lane.freeze(is_frozen={"freeze": True, "thaw": False}[command])
            return _line("ok", "")
        except Exception as error:  # noqa: BLE001 - the other side knows what to do
            return _line("error", f"{type(error).__name__}: {error}")

    async def _listen(self, name: str, address: str, port: str, primary: str, primary_port: str) -> str:
        earlier = self._lanes.pop(name, None)
        if earlier is not None and earlier.listener is not None:
            earlier.listener.close()
        lane = self._lanes[name] = Lane((primary, int(primary_port)))
        lane.listener = await asyncio.start_server(lane.serve, address, int(port))
        return str(lane.listener.sockets[0].getsockname()[1])


def _line(state: str, text: str) -> str:
    return json.dumps([state, text])


async def main() -> None:
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    proxy = Proxy()
    while line := await commands.readline():
        print(await proxy.answer(line), flush=True)
    os._exit(0)  # nothing that is held back arrives any more


if __name__ == "__main__":
    asyncio.run(main())
