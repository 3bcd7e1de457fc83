"""Real servers on this machine that count who connects."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass
class Exchange:
    """One connection: the request that came, and the way to answer it."""

    request: str
    body: bytes
    writer: asyncio.StreamWriter

    async def answer(
        self, status: int = 200, *, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        if not any(line.lower().startswith("content-length") for line in lines):
            lines.append(f"Content-Length: {len(content)}")
        self.writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + content)
        await self.writer.drain()


Behaviour: TypeAlias = Callable[[Exchange], Awaitable[None]]


@dataclass
class Listener:
    """A server and what it has seen."""

    host: str
    port: int = 0
    connections: int = 0
    requests: list[str] = field(default_factory=list[str])
    bodies: list[bytes] = field(default_factory=list[bytes])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"


@asynccontextmanager
async def listen(
    behaviour: Behaviour | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[Listener]:
    """Run a server that answers each request by the behaviour, or with "hello"."""
    listener = Listener(host)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        listener.connections += 1
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (line[16:] for line in request.lower().split("\r\n") if line.startswith("content-length: ")), "0"
            )
            body = await reader.readexactly(int(length))
            listener.requests.append(request)
            listener.bodies.append(body)
            exchange = Exchange(request, body, writer)
            await (behaviour(exchange) if behaviour else exchange.answer(content=b"hello"))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def listen_twice(behaviour: Behaviour | None = None) -> AsyncGenerator[tuple[Listener, Listener]]:
    """Run servers at 127.0.0.2 and at 127.0.0.1, by the same port; the first has the behaviour."""
    async with AsyncExitStack() as stack:
        while True:
            outside = await stack.enter_async_context(listen(behaviour, host="127.0.0.2"))
            try:
                inside = await stack.enter_async_context(listen(port=outside.port))
                break
            except OSError as error:
                # Somebody else on this machine may have that port at the other address.
                if error.errno != errno.EADDRINUSE:
                    raise
        yield outside, inside


@contextmanager
def closed_port() -> Generator[int]:
    """Give a port of 127.0.0.1 at which nobody listens, and nobody else begins to meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
