"""The real engine, but for what is sent to it, which comes late: ``python -m tests.faults.late_engine SOCKET SECONDS``."""

from __future__ import annotations

import asyncio
import contextlib
import sys

REAL = "/var/run/docker.sock"


async def serve(path: str, delay_s: float) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(REAL)
        await asyncio.gather(_pass_on(reader, engine_writer, delay_s), _pass_on(engine_reader, writer, 0.0))

    async with await asyncio.start_unix_server(meet, path) as server:
        print("serves", flush=True)
        await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    with contextlib.suppress(OSError):  # the other direction has ended
        while data := await reader.read(1 << 16):
            await asyncio.sleep(delay_s)
            writer.write(data)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))
