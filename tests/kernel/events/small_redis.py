"""As much of a Redis as the bus needs, on a socket: SUBSCRIBE, UNSUBSCRIBE, PUBLISH, PING."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class SmallRedis:
    """A server that remembers who subscribed to what."""

    def __init__(self) -> None:
        self.readers: dict[str, set[asyncio.StreamWriter]] = defaultdict(set)
        self.connections: set[asyncio.StreamWriter] = set()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[SmallRedis]:
        """Listen on a free port of this machine."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        try:
            yield self
        finally:
            server.close()
            await self.drop_everybody()
            await server.wait_closed()

    async def drop_everybody(self) -> None:
        """Break every connection."""
        for writer in self.connections:
            writer.transport.abort()

    async def count_readers(self, channel: str) -> int:
        """Return how many connections listen to a channel."""
        return len(self.readers[channel])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._answer(await _read_command(reader), writer)
                await writer.drain()
        self.connections.discard(writer)
        for readers in self.readers.values():
            readers.discard(writer)
        writer.close()

    def _answer(self, command: list[str], writer: asyncio.StreamWriter) -> None:
        name, *arguments = command
        match name.upper():
            case "SUBSCRIBE":
                self.readers[arguments[0]].add(writer)
                writer.write(_array("subscribe", arguments[0]) + b":1\r\n")
            case "UNSUBSCRIBE":
                self.readers[arguments[0]].discard(writer)
                writer.write(_array("unsubscribe", arguments[0]) + b":0\r\n")
            case "PUBLISH":
                for reader in self.readers[arguments[0]]:
                    reader.write(_array("message", *arguments, last=True))
                writer.write(f":{len(self.readers[arguments[0]])}\r\n".encode())
            case "PING" if arguments:
                writer.write(_array("pong", arguments[0], last=True))
            case "PING":
                writer.write(b"+PONG\r\n")
            case _:
                writer.write(b"+OK\r\n")


async def _read_command(reader: asyncio.StreamReader) -> list[str]:
    count = int((await reader.readuntil(b"\r\n"))[1:])
    words: list[str] = []
    for _ in range(count):
        length = int((await reader.readuntil(b"\r\n"))[1:])
        words.append((await reader.readexactly(length + 2))[:-2].decode())
    return words


def _array(*words: str, last: bool = False) -> bytes:
    """Encode an array of strings; one more item is to follow unless it is the last."""
    head = f"*{len(words) + (not last)}\r\n".encode()
    return head + b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
